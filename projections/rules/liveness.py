"""Rule 9, first half: whether a session's anchor is gone, and whether its agent is at work. Pure: what was observed on
the machine is passed in.

An anchor is gone if, on the same machine, boot and pid namespace, its pid is free, is a zombie or is another process
(other start ticks), or if the same machine has booted again. In all other cases this is unknown: on another machine, in
another container, or for a process that may not be examined. A session is not presumed dead if this is unknown, nor if
it is silent: a build can take an hour.

An agent whose session reports work is still not at work if its transcript shows that the turn has ended, or if there is
no sign of work for a time: no event of the session, no change of its transcript, no shell command. This ends no claim.
The end of a transcript to which several processes may have written proves nothing about any of them.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from eventlog.events import Anchor, Instant, SessionHeartbeat, add_time, from_micros, seconds_between
from projections.rules.sessions import IDLE, idle_after, is_at_work, other_processes
from projections.rules.state import Session

GUARD_PATIENCE_S = 60  # without a sign of work for this long, an agent's edits do not stop a commit of a person
IDLE_PATIENCE_S = 300  # without one for this long, an agent is recorded as idle


class ObserverHost(Struct, frozen=True):
    """Where the observer runs."""

    machine: str
    boot: str
    pid_namespace: str


STOPPED = "it has stopped"
"""The evidence about an agent that has reported its stop itself."""
NOBODY_WAITS = "nobody waits for it any more"
"""The beginning of the `reason` with which an observer ends a waiting request whose process is gone (rule 4)."""
ProcessStatus: TypeAlias = int | Literal["free", "zombie", "unknown"]
"""The start ticks of the process with a pid, or why there are none."""


def death_evidence(anchor: Anchor | None, here: ObserverHost, look: Callable[[int], ProcessStatus]) -> str:
    """Return the evidence that an anchor is gone, as text; empty if it is alive or if this is unknown."""
    if anchor is None or not anchor.machine or anchor.machine != here.machine:
        return ""
    if not anchor.boot or not here.boot:
        return ""
    if anchor.boot != here.boot:
        return "the machine has booted since"
    if anchor.pid_namespace != here.pid_namespace:
        return ""
    seen = look(anchor.pid)
    if seen == "unknown" or seen == anchor.start_ticks:
        return ""
    if seen == "free":
        return f"its process {anchor.pid} is gone"
    if seen == "zombie":
        return f"its process {anchor.pid} has exited"
    return f"its process {anchor.pid} is gone, and another has that number"


def is_alive(anchor: Anchor | None, here: ObserverHost, look: Callable[[int], ProcessStatus]) -> bool:
    """Return whether an anchor is certainly alive: it can be seen from here, and it is the same process."""
    if anchor is None or not anchor.boot:
        return False
    place = (anchor.machine, anchor.boot, anchor.pid_namespace)
    return place == (here.machine, here.boot, here.pid_namespace) and look(anchor.pid) == anchor.start_ticks


class WorkSigns(Protocol):
    """What an observer sees of an agent's work, besides the events of its session."""

    @property
    def known(self) -> bool:
        """Whether its transcript is known and can be examined, or it has none."""

    @property
    def transcript_at(self) -> int:
        """When its transcript last changed, in microseconds since 1970; 0 if that is unknown."""

    @property
    def runs(self) -> bool:
        """Whether a shell command of it is running, or ended a short time ago."""

    @property
    def ended(self) -> str:
        """Why its turn has ended, according to its transcript; empty if that does not show it."""


def last_sign(session: Session, signs: WorkSigns) -> Instant:
    """Return when a session's agent last showed a sign of work, apart from shell commands."""
    return max(session.last_at, from_micros(signs.transcript_at))


def idle_evidence(
    session: Session, signs: WorkSigns, now: Instant, patience_s: float, sessions: Iterable[Session]
) -> str:
    """Return the evidence that a session's agent is not at work; empty if it may be. `patience_s` is how long it can
    be at work without a sign of that. `sessions` are all that are known.
    """
    if not (is_at_work(session.doing) or session.agents):
        return STOPPED
    # Its subagents may continue in the background.
    if signs.ended and not session.agents and _is_only_writer(session, signs.transcript_at, sessions):
        return signs.ended
    quiet_s = seconds_between(last_sign(session, signs), now)
    if signs.runs or quiet_s < patience_s:
        return ""
    return f"it has shown no sign of work for {quiet_s // 60:.0f} min"


def _is_only_writer(session: Session, transcript_at: int, sessions: Iterable[Session]) -> bool:
    """Return whether no other process can have written the end of a session's transcript, which last changed at
    `transcript_at`: the sessions of all others that have its conversation had ended before.
    """
    at = from_micros(transcript_at)
    return all(not other.live and other.over_at < at for other in other_processes(session, sessions))


def doing_text(action: str, target: str, blocked_on: str = "") -> str:
    """Return what a session does as one text. An idle session that is blocked waits for that, not for its user."""
    if (action, target) == (IDLE.action, IDLE.target):
        return action if blocked_on else f"{action}, {target}"
    return " ".join(part for part in (action, target) if part)


class Observed:
    """What an observer knows besides the state, at the time `now`: after how many seconds without an event a session
    counts as silent; and, with the evidence, the live sessions whose anchor is gone, and those that report work
    although their agent is not at work.
    """

    def __init__(
        self,
        now: Instant,
        silent_s: float,
        gone: Mapping[str, str] | None = None,
        idle: Mapping[str, str] | None = None,
    ) -> None:
        self.now, self.gone, self.idle = now, gone or {}, idle or {}
        # A session is silent if it has written nothing since then. No session is, if the threshold is infinite.
        self.silent_since = add_time(now, -silent_s) if silent_s < inf else ""

    def is_silent(self, session: Session) -> bool:
        """Return whether a session is live, and has written no event for a long time."""
        return session.live and session.last_at <= self.silent_since

    def doing(self, session: Session) -> SessionHeartbeat:
        """Return what a session does, as the observer knows it."""
        return idle_after(session.doing) if session.id in self.idle else session.doing

    def is_here(self, session: Session | None) -> bool:
        """Return whether a session can act: it is live, and its anchor is not known to be gone."""
        return session is not None and session.live and session.id not in self.gone
