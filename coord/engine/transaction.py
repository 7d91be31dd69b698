"""The only way to append events: catch up, lock, catch up again, decide, append, sync, write the board, unlock.

Under the lock, the state is exactly that of the journals, and it does not change between a decision and the writing of
its events: on one machine, claims are linearizable. A signal that would end the process is deferred until the lock is
free, so Ctrl-C leaves nothing half done.

Each transaction also records what this process notices about other sessions (rule 9), and one that starts a session
archives journals of sessions that ended. The acting session gets a new anchor if its process is gone, or if its client
resumed it in another process.
"""

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from coord.engine.board import find_idle
from coord.engine.snapshot import Snapshot
from coord.errors import no_log, no_session
from coord.workspace.config import Config
from coord.workspace.identity import Identity, earlier_conversations, find_anchor, is_resumed, session_started
from coord.workspace.names import new_id
from coord.workspace.paths import Workspace, protect_log
from coord.workspace.system import System
from eventlog.events import (
    VERSION,
    Anchor,
    AnyPayload,
    ClaimBroken,
    Event,
    Instant,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    add_time,
)
from eventlog.local.journal import closed_reason
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position
from projections.rules.liveness import NOBODY_WAITS
from projections.rules.state import Session, State

if TYPE_CHECKING:
    from coord.engine.sync.agreeing import Agreeing

T = TypeVar("T")


class Outcome(Struct, Generic[T]):
    """The result of a transaction: the acting session, the state after it, and what the decision returned."""

    me: Identity
    snapshot: Snapshot
    value: T


class Transaction:
    """What a decision uses, under the lock: the state at `at`, and `append` for events of the session `me`.

    The clock is read once. Even if the process is stopped meanwhile, a claim that the transaction grants or renews
    cannot expire before the transaction ends.
    """

    def __init__(
        self,
        system: System,
        workspace: Workspace,
        snapshot: Snapshot,
        notes: list[str],
        agreeing: "Agreeing | None" = None,
    ) -> None:
        self.agreeing = agreeing  # in a folder with a remote
        self.system, self.workspace, self.snapshot, self.notes = system, workspace, snapshot, notes
        self.me = Identity("", "")
        self.appended = self.started = False  # whether it appended anything, and whether a new session
        self.anchored = False  # whether the acting session started, or got another anchor
        self.outdated = not snapshot.fresh  # whether to rebuild the derived files even if nothing is appended
        self._writer: JournalWriter | None = None
        self._wall = system.wall()
        self.at: Instant = ""
        self._advance_time()

    @property
    def state(self) -> State:
        """The state at `at`."""
        return self.snapshot.state

    def _advance_time(self) -> None:
        """Set `at` to the time of the next event: the wall clock, but later than every event seen (hybrid time)."""
        wall, latest = self._wall, self.snapshot.history.latest
        self.at = max(wall, add_time(latest, micros=1)) if latest else wall
        self.snapshot.advance(self.at)

    def append(self, payload: AnyPayload) -> Event:
        """Append an event of the acting session with the time `at`, fold it, and advance `at`."""
        writer = self._writer or self._open()
        if self.agreeing:
            payload = self.agreeing.prepared(self.state, self.me.session, self.at, payload)
        event = Event(v=VERSION, at=self.at, session=self.me.session, n=writer.n, payload=payload)
        writer.append(event)
        self.appended = True
        self.anchored |= isinstance(payload, SessionStarted)
        self.snapshot.fold_own(event, writer.position)
        self._advance_time()
        return event

    def _open(self) -> JournalWriter:
        position = self.snapshot.history.position(self.me.session) or Position()
        drafts = self.agreeing is not None
        self._writer = JournalWriter(self.workspace.log, self.me.session, position, drafts=drafts)
        if self._writer.mended:
            self.notes.append(self._writer.mended)
            self.snapshot.catch_up()
            check_complete(self.snapshot)
            self._advance_time()
        return self._writer

    def act_as(self, identity: Identity) -> None:
        """Set the acting session, and prepare it where needed.

        A new session is started. A session whose journal takes no more events is continued by a new one. A session
        whose process is gone, or that its client resumed in another process, gets a new anchor. A session that gets an
        anchor continues the `earlier_conversations` there. Raises CoordError (3) for a session that has ended.
        """
        self.me = identity
        session = self.state.sessions.get(identity.session)
        earlier = earlier_conversations(self.system, self.state, identity)
        if session is None:
            self.start_conversation(identity, earlier)
            continued = f", and continues {earlier[-1].id}" if earlier else ""
            self.notes.append(f"this conversation is session {self.me.session} from now on{continued}")
        elif reason := self._cannot_append(session.id):
            self.start_session(identity, self._restarted(session, self._kept_anchor(session), continues=session.id))
            self.notes.append(f"{session.id} continues as {self.me.session}, because {reason}")
        elif session.status == "ended" and not identity.conversation:
            raise no_session(f"session {session.id} has ended. `coord start` starts another.")
        else:
            if self._writer is None:
                self._open()
            gone = session.anchor and self.system.death_evidence(session)
            if session.status == "ended" or gone or is_resumed(self.system, session, identity):
                anchor = self.free_anchor(session.id, session.client_session)
                for continues in [old.id for old in earlier if old.id != session.id] or [""]:
                    self.append(self._restarted(session, anchor, continues))

    def start_conversation(self, identity: Identity, earlier: list[Session]) -> None:
        """Start the session of a client's new conversation, which continues the sessions `earlier`, the last one last.
        It gets the name and the capabilities of that one.
        """
        started = session_started(
            self.system,
            self.workspace,
            name=earlier[-1].name if earlier else "",
            client=identity.client,
            client_session=identity.conversation,
            capabilities=earlier[-1].capabilities if earlier else (),
            anchor=self.free_anchor("", identity.conversation),
        )
        first, *more = [replace(started, continues=old.id) for old in earlier] or [started]
        self.start_session(identity, first)
        for again in more:
            self.append(again)

    def start_session(self, identity: Identity, started: SessionStarted) -> None:
        """Start a session with a new id, and make it the acting one."""
        while self.snapshot.history.position(name := new_id(self.state.sessions)):
            pass
        self.me = Identity(name, identity.how, identity.agent, identity.client, identity.conversation)
        self.append(started)
        self.started = True
        protect_log(self.workspace)
        self.snapshot.repeat_problems()

    def _restarted(self, session: Session, anchor: Anchor | None, continues: str = "") -> SessionStarted:
        """Return the event with which a known session starts again, or with which a new session continues it."""
        return session_started(
            self.system,
            self.workspace,
            name=session.name,
            client=session.client,
            client_session=session.client_session,
            capabilities=session.capabilities,
            anchor=anchor,
            continues=continues,
            person=session.person,
        )

    def _kept_anchor(self, session: Session) -> Anchor | None:
        """Return the anchor for a session that continues this one.

        It is the same anchor, or a new one if that is gone or on another machine. If a session of this machine has no
        anchor, the session that continues it gets none.
        """
        if session.machine == self.system.here.machine and not self.system.death_evidence(session):
            return session.anchor
        return self.free_anchor(session.id, session.client_session)

    def free_anchor(self, session: str, conversation: str) -> Anchor | None:
        """Return the process here to which the session can be anchored, or None.

        A process that is already the anchor of another session is used only for a client's conversation, because the
        client's variable identifies that. With two other sessions on one shell, commands there would be ambiguous.
        """
        nearest = find_anchor(self.system, conversation)
        anchor = nearest[1] if nearest else None
        others = [s for s in self.state.sessions.values() if s.live and s.anchor == anchor and s.id != session]
        return None if others and not conversation else anchor

    def _cannot_append(self, session: str) -> str:
        """Return why the journal of a session cannot be appended to from here; empty if it can."""
        if self._writer and self._writer.session == session:
            return ""  # it is open already, and its drafted lines are not on the disk yet
        position = self.snapshot.history.position(session) or Position()
        if self.agreeing and self.agreeing.is_unsettled(session, position):
            return "whether its last claim was published is unknown"
        if reason := closed_reason(self.workspace.log, session, position):
            return f"its journal takes no more events: {reason}"
        if position.machine and position.machine != self.system.here.machine:
            return "it was started on another machine"
        if position.folder and not self.workspace.is_recorded_as(position.folder):
            return f"it belongs to another folder, {position.folder}"
        return ""

    def record_observations(self, config: Config) -> None:
        """Record every session whose anchor is gone as dead, and every agent that is not at work as idle (rule 9). End
        each waiting request whose process is gone (rule 4).
        """
        me, state = self.me.session, self.state
        anchors = {name: s.anchor for name, s in state.sessions.items() if s.live and s.anchor and name != me}
        gone = self.system.find_gone(anchors | {wait.id: wait.waiter for wait in state.waits.values()})
        for name, evidence in gone.items():
            if name in anchors and state.sessions[name].live:
                self.append(SessionPresumedDead(session=name, anchor=anchors[name], evidence=evidence))
            elif name in state.waits:
                self.append(ClaimBroken(claim=name, reason=f"{NOBODY_WAITS}: {evidence}"))
        for name, evidence in find_idle(self.system, self.workspace, config, self.state, self.at).items():
            if name != me:
                self.append(SessionPresumedIdle(session=name, n=state.sessions[name].last_n, evidence=evidence))

    def is_elsewhere(self, session: str) -> bool:
        """Return whether a session works in another folder, whose journal came from a remote. What git and the files
        here say is not about its edits.
        """
        known = self.state.sessions.get(session) if self.agreeing else None
        if known is None:
            return False
        return known.machine != self.system.here.machine or not self.workspace.is_recorded_as(known.folder)

    @property
    def provisional(self) -> bool:
        """Whether the other machines are not asked, so that claims are provisional."""
        return self.agreeing is not None and self.agreeing.provisional

    def finish(self, *, decided: bool) -> None:
        """Write and sync what was appended, and close the journal.

        In a folder with a remote, what needs the agreement of the other machines is published first. If that was not
        `decided`, because of an error, it is dropped. Raises DecideAgain if it was decided on an old state.
        """
        if self._writer:
            try:
                if self.agreeing and self.appended:
                    if self.agreeing.publish(self.snapshot, self._writer, self.at, decided=decided):
                        self._writer.write_draft()
                    else:
                        self._writer.drop_draft()
                        self.appended = self.outdated = False  # the state has what is dropped
                if self.appended:
                    self._writer.sync()
                    if self.agreeing:
                        self.agreeing.written()
            except BaseException:
                self._writer.drop_draft()
                raise
            finally:
                self._writer.close()


def check_complete(snapshot: Snapshot) -> None:
    """Raise CoordError (4) if events of a journal are missing from the state, since its claims are then unknown."""
    if name := snapshot.unreadable:
        raise no_log(
            f"{name}.jsonl cannot be read ({snapshot.history.problems[name]}), so what its session holds is unknown. "
            "Nothing was written. Make it readable, or move it out of log/."
        )
