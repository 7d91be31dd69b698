"""Histories to test with: a builder for hand-written ones, and strategies for generated ones.

`Story` builds a history event by event, in seconds from a fixed start. `histories()` generates realistic and hostile
histories: sessions on two machines that may or may not see each other, subagents and worktrees, overlapping resources,
every type of event, answers that are honest (what the rules said then, on that machine) or arbitrary, and times at
which leases, grants and waits often end together with other events. Imported events are in a journal of their own; with
`stray`, there are also imported events that no import writes: of other types, and acting as local sessions.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from hypothesis import strategies as st
from msgspec import Raw

from eventlog.events import (
    EVERYONE,
    NEVER,
    VERSION,
    AgentStarted,
    AgentStopped,
    Anchor,
    AnyPayload,
    ClaimAccepted,
    ClaimBroken,
    ClaimBypassed,
    ClaimFinished,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    Imported,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageSent,
    Mode,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    ToldOutcome,
    Unknown,
    add_time,
    to_micros,
)
from projections.rules.claim_events.requests import request_of
from projections.rules.claims import decide_request
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from tests.support.journals import START, at

MACHINES = ("north", "south")


def anchor(pid: int, machine: str = "north", start_ticks: int = 100) -> Anchor:
    return Anchor(machine=machine, boot="boot-1", pid=pid, start_ticks=start_ticks, pid_namespace="ns")


def journals_of(events: Iterable[Event]) -> dict[str, list[Event]]:
    """The events by session, as their journals hold them."""
    journals: dict[str, list[Event]] = {}
    for event in events:
        journals.setdefault(event.session, []).append(event)
    return journals


def judged(events: Iterable[Event]) -> tuple[State, list[Decision]]:
    """The state after an ordered history, and all decisions."""
    decisions: list[Decision] = []
    return fold(State(), events, decisions.append), decisions


class Story:
    """A hand-written history. The named sessions start at second 0, a microsecond apart.

    Every method returns the event it adds; its `id` is also the id of the claim or message. Events of different
    sessions may be added in any order, but the times of one session must increase.
    """

    def __init__(self, *sessions: str) -> None:
        self.events: list[Event] = []
        for number, session in enumerate(sessions):
            self.tell(number / 1_000_000, session, SessionStarted(machine="north", anchor=anchor(number + 1)))

    def tell(self, second: float, session: str, payload: AnyPayload) -> Event:
        own = [event for event in self.events if event.session == session]
        event = Event(v=VERSION, at=at(second), session=session, n=len(own) + 1, payload=payload)
        assert not own or own[-1].at < event.at, "the times in a journal must increase"
        self.events.append(event)
        return event

    def asks(
        self,
        second: float,
        session: str,
        resource: str,
        told: ToldOutcome = "granted",
        *,
        mode: Mode = "exclusive",
        ttl_s: int = 600,
        wait_s: int = 0,
        agent: str = "",
        worktree: str = "",
    ) -> Event:
        payload = ClaimRequested(
            resource=resource, mode=mode, ttl_s=ttl_s, wait_s=wait_s, agent=agent, worktree=worktree, told=told
        )
        return self.tell(second, session, payload)

    def accepts(self, second: float, session: str, claim: Event) -> Event:
        assert isinstance(claim.payload, ClaimRequested)
        return self.tell(second, session, ClaimAccepted(claim=claim.id, resource=claim.payload.resource))

    def renews(self, second: float, session: str, claim: Event, ttl_s: int = 600, *, shorten: bool = False) -> Event:
        return self.tell(second, session, ClaimRenewed(claim=claim.id, ttl_s=ttl_s, shorten=shorten))

    def releases(self, second: float, session: str, claim: Event) -> Event:
        return self.tell(second, session, ClaimReleased(claim=claim.id))

    def hands_over(self, second: float, session: str, claim: Event, to: str, note: str = "") -> Event:
        assert isinstance(claim.payload, ClaimRequested | ClaimHandedOver)
        given = ClaimHandedOver(claim=claim.id, resource=claim.payload.resource, to=to, note=note)
        return self.tell(second, session, given)

    def breaks(self, second: float, session: str, claim: Event, reason: str = "silent") -> Event:
        return self.tell(second, session, ClaimBroken(claim=claim.id, reason=reason))

    def ends(self, second: float, session: str, reason: str = "") -> Event:
        return self.tell(second, session, SessionEnded(reason=reason))

    def continues(self, second: float, session: str, old: str) -> Event:
        return self.tell(second, session, SessionStarted(continues=old))

    def presumes_dead(self, second: float, observer: str, session: str, its_anchor: Anchor) -> Event:
        return self.tell(second, observer, SessionPresumedDead(session=session, anchor=its_anchor, evidence="gone"))

    def beats(self, second: float, session: str, action: str = "", **fields: Any) -> Event:
        return self.tell(second, session, SessionHeartbeat(action=action, **fields))

    def sends(
        self, second: float, session: str, *to: str, subject: str = "hello", body: str = "", needs_ack: bool = False
    ) -> Event:
        """A message to the named sessions, or to everyone if none is named."""
        names: tuple[str, ...] | Literal["everyone"] = to or EVERYONE
        return self.tell(second, session, MessageSent(to=names, subject=subject, body=body, needs_ack=needs_ack))

    def reads(self, second: float, session: str, *messages: Event) -> Event:
        return self.tell(second, session, MessageRead(messages=tuple(event.id for event in messages)))

    def acknowledges(self, second: float, session: str, *messages: Event) -> Event:
        return self.tell(second, session, MessageAcknowledged(messages=tuple(event.id for event in messages)))

    def history(self) -> list[Event]:
        return sorted(self.events, key=lambda event: event.key)

    def state(self, now: float | None = None) -> State:
        """The state after the whole history, or at second `now`."""
        if now is None:
            return fold(State(), self.history())
        return as_of(fold(State(), [event for event in self.history() if event.at <= at(now)]), at(now))

    def decisions(self, now: float | None = None) -> list[Decision]:
        state, decisions = judged(self.history())
        as_of(state, at(now) if now is not None else state.at, decisions.append)
        return decisions


# --- generated histories --------------------------------------------------------------------------------------------

SESSIONS = ("amber-otter", "brown-hare", "coral-swift", "dusky-wren")  # alternating between the two machines
IMPORT = "import-k3f9"
IMPORTED = ("session-1", "session-2")  # the sessions that the imported events act as
AGENTS = ("", "", "", "sub-1", "sub-2")
WORKTREES = ("", "", "tree-1", "tree-2")
RESOURCES = (
    "file/a",
    "file/a/",
    "file/a/b",
    "file/a/*",
    "file/*/b",
    "file/**/b",
    "file/?",
    "file/**",
    "deploy/prod",
    "port/8000",
)
TTLS_S = (60, 120, 180, 600)
WAITS_S = (60, 0, 60, 120, 180)
GAPS_S = (0.000001, 0.000001, 0.000001, 1, 1, 30, 60)
_KINDS = {
    "request": 14, "accept": 5, "renew": 3, "release": 4, "hand_over": 5, "break": 2, "start": 2, "continue": 4,
    "end": 1, "dead": 3, "idle": 2, "beat": 3, "send": 2, "read": 2, "acknowledge": 1, "unknown": 1,
    "imported": 3, "finish": 3, "bypass": 1, "agent_start": 1, "agent_stop": 2,
}  # fmt: skip


class _View:
    """The state and the clock of one machine, or of two that see each other's events."""

    def __init__(self) -> None:
        self.state, self.clock = State(), START


class _Author:
    """Generates one history, event by event."""

    def __init__(self, draw: st.DrawFn, stray: bool = False) -> None:
        self.draw, self.stray = draw, stray
        self.sessions = SESSIONS[: draw(st.integers(2, 4))]
        self.resources = draw(st.lists(st.sampled_from(RESOURCES), min_size=3, max_size=6, unique=True))
        apart = draw(st.sampled_from((False, False, True)))
        self.views = [_View(), _View()] if apart else [_View()] * 2
        self.events: list[Event] = []
        self.kinds = [kind for kind, weight in _KINDS.items() for _ in range(weight)]
        self.kinds += ["imported"] * (20 if stray else 0)
        self.makers: dict[str, Callable[[str, _View], AnyPayload]] = {
            "accept": self._accept,
            "renew": lambda by, view: ClaimRenewed(
                claim=self._claim(by, view), ttl_s=self._one(TTLS_S), shorten=self._one((False, True))
            ),
            "release": lambda by, view: ClaimReleased(claim=self._claim(by, view)),
            "hand_over": self._hand_over,
            "break": lambda by, view: ClaimBroken(claim=self._claim("", view), reason="silent"),
            "finish": lambda by, view: ClaimFinished(claim=self._claim("", view), reason="committed"),
            "bypass": lambda by, view: ClaimBypassed(claim=self._claim("", view), resource="file/a", how="a shell"),
            "agent_start": lambda by, view: AgentStarted(agent=self._one(AGENTS[3:])),
            "agent_stop": lambda by, view: AgentStopped(agent=self._one(AGENTS[3:])),
            "start": self._start,
            "continue": lambda by, view: SessionStarted(continues=self._session()),
            "end": lambda by, view: SessionEnded(reason="done"),
            "dead": self._dead,
            "idle": self._idle,
            "beat": lambda by, view: SessionHeartbeat(action=self._one(("", "build", "test"))),
            "send": self._send,
            "read": lambda by, view: MessageRead(messages=self._mail(by, view)),
            "acknowledge": lambda by, view: MessageAcknowledged(messages=self._mail(by, view)),
            "unknown": lambda by, view: Unknown(name="moon.risen", raw=Raw(b'{"type":"moon.risen"}')),
        }

    def write(self) -> None:
        by = self._one(self.sessions)
        view = self.views[self.sessions.index(by) % 2]
        at = self._time(view)
        kind = self._one(self.kinds)
        if kind == "imported":
            return self._import()
        first = by not in view.state.sessions and self._one((True, True, True, False))
        as_of(view.state, at)
        if first:
            payload = self._start(by, view)
        elif kind == "request":
            payload = self._request(by, view, at)
        else:
            payload = self.makers[kind](by, view)
        return self._add(by, view, at, payload)

    def _import(self) -> None:
        """Add an imported event, or a stray one, which no import would write."""
        view = self.views[0]
        at = self._time(view)
        as_of(view.state, at)
        acted_as = self._one((*IMPORTED, self._session()) if self.stray else IMPORTED)
        kind = self._one(("request", "request", "request", "start", "beat", "send"))
        if self.stray and self.draw(st.booleans()):
            kind = self._one([kind for kind in self.kinds if kind != "imported"])
        payload = self._request(acted_as, view, at) if kind == "request" else self.makers[kind](acted_as, view)
        digest = str(len(self.events) - self._one((0, 0, 0, 0, 1)))  # now and then a file that was imported before
        self._add(IMPORT, view, at, payload, Imported(path="a.json", digest=digest, acted_as=acted_as))

    def _add(self, by: str, view: _View, at: Instant, payload: AnyPayload, imported: Imported | None = None) -> None:
        n = 1 + sum(event.session == by for event in self.events)
        event = Event(v=VERSION, at=at, session=by, n=n, payload=payload, imported=imported)
        self.events.append(event)
        fold(view.state, [event])
        view.clock = at

    def _one(self, options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def _time(self, view: _View) -> Instant:
        """A time after the last event: often one at which a claim ends, or the other machine wrote an event."""
        times = [add_time(view.clock, gap) for gap in GAPS_S]
        times += [due for due in (view.state.due,) * 2 if view.clock < due < NEVER]
        times += [other.clock for other in self.views if other.clock > view.clock] * 2
        return str(self._one(times))

    def _session(self) -> str:
        return str(self._one((*self.sessions, *IMPORTED) if self.stray else self.sessions))

    def _claim(self, by: str, view: _View) -> str:
        """The id of a claim or request, mostly one of `by`."""
        held = [a.id for a in (*view.state.claims.values(), *view.state.waits.values()) if by in ("", a.session)]
        asked = [e.id for e in self.events if isinstance(e.payload, (ClaimRequested, ClaimHandedOver))]
        return str(self._one([*held, *held, *held, *asked[-2:]] or [f"{SESSIONS[0]}/9999"]))

    def _request(self, by: str, view: _View, at: Instant) -> AnyPayload:
        fields: dict[str, Any] = {
            "resource": self._one(self.resources),
            "mode": self._one(("exclusive", "exclusive", "shared")),
            "ttl_s": self._one(TTLS_S),
            "wait_s": self._one(WAITS_S),
            "agent": self._one(AGENTS),
            "worktree": self._one(WORKTREES),
            "shorten": self._one((False, False, True)),
        }
        fields["automatic"] = not fields["wait_s"] and self._one((False, False, True))  # hooks never wait
        told = self._one((*("honest",) * 7, "granted", "waiting", "refused"))
        if told == "honest":
            told = honestly_told(view.state, by, at, ClaimRequested(**fields, told="granted"))
        if told == "waiting":
            fields |= {"automatic": False, "waiter": self._one((None, anchor(98), anchor(98)))}
        return ClaimRequested(**fields, told=told)

    def _accept(self, by: str, view: _View) -> AnyPayload:
        claim = self._claim(by, view)
        return ClaimAccepted(claim=claim, resource=self._resource_of(claim))

    def _hand_over(self, by: str, view: _View) -> AnyPayload:
        claim = self._claim(by, view)
        return ClaimHandedOver(claim=claim, resource=self._resource_of(claim), to=self._session())

    def _resource_of(self, claim: str) -> str:
        asked = {event.id: event.payload for event in self.events}.get(claim)
        return asked.resource if isinstance(asked, ClaimRequested | ClaimHandedOver) else "port/1"

    def _start(self, by: str, view: _View) -> AnyPayload:
        if by not in self.sessions:
            return SessionStarted(client="shell-scripts")
        number = self.sessions.index(by)
        return SessionStarted(anchor=anchor(number, MACHINES[number % 2], start_ticks=self._one((1, 2))))

    def _dead(self, by: str, view: _View) -> AnyPayload:
        name = self._session()
        known = view.state.sessions.get(name)
        own = known.anchor if known else None
        return SessionPresumedDead(session=name, anchor=own or anchor(99), evidence="its process is gone")

    def _idle(self, by: str, view: _View) -> AnyPayload:
        name = self._session()
        known = view.state.sessions.get(name)
        n = self._one((known.last_n, known.last_n, known.last_n + 1)) if known else 1
        return SessionPresumedIdle(session=name, n=n, evidence="its turn was interrupted")

    def _send(self, by: str, view: _View) -> AnyPayload:
        to = self._one((EVERYONE, (self._session(),), (self._session(), "nobody")))
        return MessageSent(to=to, subject="hello", needs_ack=self.draw(st.booleans()))

    def _mail(self, by: str, view: _View) -> tuple[str, ...]:
        session = view.state.sessions.get(by)
        unread = [*session.unread, *(notice.id for notice in session.notices)] if session else []
        return (str(self._one([*unread, *[event.id for event in self.events[-3:]], f"{SESSIONS[0]}/9999"])),)


def honestly_told(state: State, session: str, at: Instant, request: ClaimRequested) -> ToldOutcome:
    """The answer of the rules in this state, which must have been advanced to the time of the request."""
    known = state.sessions.get(session)
    if known is not None and known.status == "ended":
        return "refused"
    event = Event(v=VERSION, at=at, session=session, n=1 << 40, payload=request)
    outcome = decide_request(state, request_of(event, request), request.wait_s).outcome
    return "granted" if outcome == "renewed" else outcome


@st.composite
def histories(draw: st.DrawFn, max_events: int = 40, stray: bool = False) -> list[Event]:
    """A generated history, in order."""
    author = _Author(draw, stray)
    for _ in range(draw(st.integers(1, max_events) | st.just(max_events))):
        author.write()
    return sorted(author.events, key=lambda event: event.key)


@st.composite
def pieces_of(draw: st.DrawFn, events: list[Event]) -> list[list[Event]]:
    """The journals of a history, cut into pieces, some of them repeated, in any order."""
    pieces: list[list[Event]] = []
    for journal in journals_of(events).values():
        cuts = sorted(draw(st.lists(st.integers(0, len(journal)), max_size=3)))
        parts = [journal[i:j] for i, j in zip([0, *cuts], [*cuts, len(journal)], strict=True)]
        pieces += parts + draw(st.lists(st.sampled_from(parts), max_size=2))
    return draw(st.permutations(pieces))


def seconds(at: Instant) -> float:
    """Seconds from the start of the history."""
    return (to_micros(at) - to_micros(START)) / 1_000_000


__all__ = [
    "START",
    "Story",
    "anchor",
    "at",
    "histories",
    "journals_of",
    "judged",
    "pieces_of",
    "seconds",
]
