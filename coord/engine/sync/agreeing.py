"""What a transaction does in a folder with a remote: it publishes first what all machines must agree on."""

import random
import time

from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.engine.sync.agreement import Agreement, try_agreement, wait_for_agreement
from coord.engine.sync.doubts import expired_elsewhere, held_back_claim, may_be_held
from coord.engine.sync.exchange.status import read_status
from coord.engine.sync.pending import Draft, read_pending, remove_pending, write_pending
from coord.engine.sync.record import JoinedRemote
from coord.errors import no_log, refused
from coord.platform.host import host_name
from coord.render.format import duration_text, line, time_text
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import (
    AnyPayload,
    ClaimAccepted,
    ClaimBroken,
    ClaimHandedOver,
    ClaimRenewed,
    ClaimRequested,
    Event,
    Instant,
    SessionStarted,
    add_time,
)
from eventlog.local.journal import read_events
from eventlog.local.writer import JournalWriter
from eventlog.remotes.remote import Behind, OutcomeUnknown, RemoteAway, RemoteRefused
from eventlog.scanning import Position
from projections.rules.claim_events.requests import request_of
from projections.rules.state import Claim, ClaimRequest, State

_ATTEMPTS = 50  # how often a decision is made anew, because other machines published meanwhile
_MAX_PAUSE_S = 0.05
_MAX_CLOCK_ERROR_S = 60  # a claim of a clock that is behind would have expired for the other machines
_OFFLINE = (
    "Nothing was changed, because another machine might hold it. To hold it until another machine does: the option "
    '--offline, or the setting offline = "provisional".'
)


class DecideAgain(Exception):
    """The decision was made on a state that is too old, and nothing was written."""


def needs_agreement(payload: AnyPayload, state: State, machine: str) -> bool:
    """Return whether all machines must agree on an event before its session is told of it.

    These are the events that give a session something that another machine could have given away meanwhile.
    """
    if isinstance(payload, ClaimRequested):
        return payload.told != "refused" and not payload.provisional
    if isinstance(payload, ClaimAccepted | ClaimRenewed | ClaimHandedOver):
        return not payload.provisional
    if isinstance(payload, ClaimBroken):
        claim = state.claims.get(payload.claim) or state.expired.get(payload.claim)
        return claim is not None and state.sessions[claim.session].machine != machine
    return False


class Agreeing:
    """The agreement of one transaction, over all attempts to decide it. `provisional` is whether nobody is asked."""

    def __init__(
        self,
        system: System,
        workspace: Workspace,
        config: Config,
        joined: JoinedRemote,
        *,
        offline: bool = False,
        in_hook: bool = False,
    ) -> None:
        self._system, self._workspace, self._config, self._joined = system, workspace, config, joined
        self._in_hook = in_hook
        self.provisional = offline or joined.kind == "folder"
        self._may_be_provisional = config.offline == "provisional"
        self._agreement: Agreement | None = None
        self._caught_up = self._must_catch_up = self._must_open = False
        self._attempts = 0
        self._is_firm, self._is_refused = False, False
        self._requests: list[ClaimRequest] = []
        self._expired: list[Claim] = []

    def begin(self) -> None:
        """Prepare for a decision. The caller must not hold the machine's lock yet. Raises CoordError."""
        self._is_firm, self._is_refused, self._requests, self._expired = False, False, [], []
        self._attempts += 1
        if self._attempts > _ATTEMPTS:
            raise refused(
                "other machines published all the time, so this could not be agreed on. Try again.", not_agreed=True
            )
        if self._attempts > 2:
            time.sleep(random.uniform(0, _MAX_PAUSE_S))
        try:
            if self._must_open or self._must_catch_up:
                self._open()
            elif self._attempts == 1 and read_pending(self._workspace) and read_status(self._workspace).reachable:
                self._must_catch_up = True
                self._open()
            if self._must_catch_up and self._agreement:
                self._agreement.catch_up()
        except (RemoteAway, RemoteRefused, OutcomeUnknown) as error:
            if self._must_open:
                self._go_offline(str(error))
        except LogError as error:
            raise no_log(str(error)) from None
        self._caught_up |= self._must_catch_up
        self._must_catch_up = self._must_open = False

    def _open(self) -> None:
        if self._agreement is None:
            self._agreement = wait_for_agreement(
                self._system, self._workspace, self._config, self._joined, in_hook=self._in_hook
            )

    def close(self) -> None:
        """Let other processes exchange."""
        if self._agreement is not None:
            self._agreement.close()
            self._agreement = None

    def prepared(self, state: State, session: str, at: Instant, payload: AnyPayload) -> AnyPayload:
        """Return a payload as it is appended: provisional, if nobody is asked, and with the name of this host."""
        if isinstance(payload, SessionStarted):
            return payload if payload.host else replace(payload, host=host_name()[:200])
        if self.provisional and isinstance(payload, ClaimRequested | ClaimAccepted | ClaimRenewed | ClaimHandedOver):
            return replace(payload, provisional=True)
        self._is_firm |= not self.provisional and needs_agreement(payload, state, self._system.here.machine)
        if isinstance(payload, ClaimRequested):
            self._is_refused |= payload.told == "refused"
            if payload.told != "refused":
                request = request_of(Event(v=1, at=at, session=session, n=1, payload=payload), payload)
                self._requests.append(request)
                self._expired += expired_elsewhere(state, request, self._system.here.machine)
        return payload

    def is_unsettled(self, session: str, position: Position) -> bool:
        """Return whether it is unknown if the last lines of a journal were published."""
        draft = read_pending(self._workspace)
        return draft is not None and draft.session == session and position.size < draft.offset + len(draft.data)

    def publish(self, snapshot: Snapshot, writer: JournalWriter, at: Instant, *, decided: bool) -> bool:
        """Publish the lines in `writer`, if all machines must agree on them, and return whether they are written.

        The caller holds the machine's lock. Raises DecideAgain, and CoordError if nothing may be written.
        """
        if not decided:
            return not self._is_firm
        if self._is_refused and not self._is_firm and not self._caught_up and not self.provisional:
            self._caught_up = self._must_catch_up = True  # the refusal must be true now
            raise DecideAgain
        if not self._is_firm:
            return True
        self._refuse_doubtful(snapshot, at)
        try:
            self._publish(writer, at)
        except (RemoteAway, RemoteRefused) as error:
            self._go_offline(str(error))
            raise DecideAgain from None
        return True

    def _publish(self, writer: JournalWriter, at: Instant) -> None:
        if self._agreement is None:
            self._agreement = try_agreement(
                self._system, self._workspace, self._config, self._joined, in_hook=self._in_hook
            )
        if self._agreement is None:
            self._must_open = True
            raise DecideAgain
        if read_pending(self._workspace):
            if self._caught_up:
                raise RemoteAway("whether the last claim of this machine was published is still unknown")
            self._must_catch_up = True
            raise DecideAgain
        cursor = self._agreement.current()
        if abs(lead := self._agreement.clock_lead_s) > _MAX_CLOCK_ERROR_S:
            side = "ahead of" if lead > 0 else "behind"
            raise RemoteRefused(f"this machine's clock is {duration_text(abs(lead))} {side} the remote's. Correct it")
        offset = writer.position.size - len(writer.draft)
        draft = Draft(writer.session, offset, writer.draft, cursor, at)
        write_pending(self._workspace, draft)
        try:
            result = self._agreement.agree(draft)
        except OutcomeUnknown as error:
            raise no_log(
                f"{error}. The request is kept. When the remote answers again, it counts if it was published: "
                "coord claims"
            ) from None
        except (RemoteAway, RemoteRefused):  # only these say that nothing was published
            remove_pending(self._workspace)
            raise
        if isinstance(result, Behind):
            remove_pending(self._workspace)
            self._must_catch_up = True
            raise DecideAgain

    def written(self) -> None:
        """Record that the published lines are in the journal."""
        if self._is_firm:
            remove_pending(self._workspace)

    def _go_offline(self, reason: str) -> None:
        """Go on without the other machines, if the settings allow that. Raises CoordError otherwise."""
        if not self._may_be_provisional:
            reason = reason[0].upper() + reason[1:] if reason else "The remote cannot be reached"
            raise refused(f"{reason.rstrip('.')}. {_OFFLINE}", not_agreed=True, away=reason)
        self.provisional = True

    def _refuse_doubtful(self, snapshot: Snapshot, at: Instant) -> None:
        """Raise CoordError (1) if a request may conflict with a claim that is not known here."""
        if not self._expired and not snapshot.history.held_back:
            return
        if not self._caught_up:
            self._must_catch_up = True  # what is unknown here may be known at the remote
            raise DecideAgain
        outside = self._outside(snapshot)
        for claim in self._expired:
            if may_be_held(claim, outside):
                holder = snapshot.state.sessions[claim.session]
                place = line(holder.host or holder.machine[:6])
                raise refused(
                    f"{line(claim.resource)}: {line(holder.name or holder.id)} on {place} "
                    f"held it until {time_text(claim.expires_at, at)}. No news from that machine says whether it was "
                    f"renewed. Nothing was claimed. To end that claim: coord break {claim.resource} --reason '...'",
                    not_agreed=True,
                )
        for name, since in snapshot.history.held_back.items():
            events = _events_from(self._workspace, name, since)
            for held in filter(None, (held_back_claim(events, request) for request in self._requests)):
                raise refused(
                    f"session {held.session} on another machine, whose clock is ahead, may hold this. "
                    f"Its events count from {time_text(since, at)} on. Nothing was claimed.",
                    not_agreed=True,
                )

    def _outside(self, snapshot: Snapshot) -> Instant:
        """Return the latest time that another machine, or the remote, is known to have reached."""
        machine, status = self._system.here.machine, read_status(self._workspace)
        times = [one.at for one in snapshot.history.positions.values() if one.machine not in ("", machine)]
        if status.clock_known_at:
            times.append(add_time(self._system.wall(), -status.clock_lead_s))
        return max(times, default="")


def _events_from(workspace: Workspace, session: str, since: Instant) -> list[Event]:
    try:
        return [event for event in read_events(workspace.log, session) if event.at >= since]
    except (LogError, OSError):
        return []
