"""What needs a person: the rows of "needs attention", computed from a state and from what an observer saw.

A row says who it is about, what is wrong, since when that has been so, and which command ends it. `find_needs` returns
the rows in the order of their urgency: first wrong or lost work, then sessions that cannot continue, then claims of
sessions that may be gone. Rows of one kind are ordered by time, the oldest first.

Some things are no need, so that the list stays short: an idle session, unless another one waits for what it holds; a
message that asks for a confirmation and is not urgent, until the time after which a session counts as silent; what a
dead or ended session has not confirmed. A session that a hook denied a file does other work, and is told when the file
is free.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import Instant, seconds_between
from projections.rules.claims import find_obstacles
from projections.rules.cycles import wait_cycles
from projections.rules.sessions import is_idle
from projections.rules.state import Claim, ClaimRequest, Message, Notice, Session, State, WaitingRequest

NeedKind: TypeAlias = Literal[
    "dead", "silent", "blocked", "lost", "circle", "unacknowledged", "journal", "clock", "unknown"
]
Words: TypeAlias = tuple[str, ...]
"""A command as a list of words, the first of which is `coord`."""
Label: TypeAlias = Callable[[str], str]
"""Returns how a session is written, given its id."""

_MOST_RESOURCES = 3  # of a silent session: they are named, and broken one by one
_SUBJECT, _EXCERPT = 60, 120  # characters of a text of another session: in a command, in a sentence


class NeedStep(Struct, frozen=True):
    """One way to deal with a need: its purpose, and the commands to type, all of them.

    If `sessions` is not empty, the commands work only in these sessions. Without a command, `why` says what to do.
    """

    why: str
    commands: tuple[Words, ...] = ()
    sessions: tuple[str, ...] = ()
    ends: bool = True  # whether the need has ended after it


class Need(Struct, frozen=True):
    """Something that needs a person. `text` is a sentence with the ids of the sessions.

    `session` is the session it is about; for a message, its sender; for a problem of the log, the journal.
    """

    kind: NeedKind
    text: str = ""
    session: str = ""
    sessions: tuple[str, ...] = ()  # all sessions that are concerned
    names: dict[str, str] = {}  # the names of these, and of `session`, by id
    about: str = ""  # the resource, or the id of the message
    since: Instant = ""  # since when it has been so; empty if this is unknown
    subject: str = ""  # the subject of the message, what the session is blocked on, or what is wrong
    excerpt: str = ""  # the beginning of the message, or the reason
    asks_person: bool = False  # whether an agent waits for its user's answer
    urgent: bool = False  # whether the message is urgent
    to: tuple[str, ...] = ()  # the sessions that must do something; empty: whoever reads it
    steps: tuple[NeedStep, ...] = ()  # what to do, the best first


class Observed(Struct, frozen=True):
    """What an observer knows besides the state, at the time `now`."""

    now: Instant
    silent_s: float  # the time without an event after which a session counts as silent
    gone: Mapping[str, str] = {}  # the live sessions whose anchor is gone, with the evidence

    def is_silent(self, session: Session) -> bool:
        """Return whether a session is live, and has written no event for a long time."""
        return session.live and seconds_between(session.last_at, self.now) >= self.silent_s

    def is_here(self, session: Session | None) -> bool:
        """Return whether a session can act: it is live, and its anchor is not known to be gone."""
        return session is not None and session.live and session.id not in self.gone


def log_need(kind: Literal["journal", "clock", "unknown"], text: str, journal: str = "", since: Instant = "") -> Need:
    """Return a need about a problem of the log or of the clock, given as a sentence."""
    doctor = NeedStep("see what to do", (("coord", "doctor"),), ends=False)
    return Need(kind, session=journal, subject=text, since=since, steps=(doctor,))


def find_needs(state: State, seen: Observed, log_needs: Iterable[Need] = ()) -> list[Need]:
    """Return everything that needs a person, most urgent first. `state` must already be at the time `seen.now`."""
    newer = "{} events of a newer version are kept but not understood: {}"
    log = [*log_needs, *(log_need("unknown", newer.format(n, name)) for name, n in state.unknown.items())]
    here = [session for session in state.sessions.values() if seen.is_here(session)]
    unconfirmed = list(_unconfirmed(state, seen))
    groups: tuple[Iterable[Need], ...] = (
        (need for need in log if need.kind == "journal"),
        (_lost(session, notice) for session in here for notice in session.notices if notice.kind == "lost"),
        (_asking(session) for session in here if session.doing.blocked_on and session.doing.asks_person),
        (circle_need(state, cycle) for cycle in wait_cycles(state)),
        (unconfirmed_need(*each) for each in unconfirmed if each[0].urgency == "high"),
        (_blocked(session) for session in here if session.doing.blocked_on and not session.doing.asks_person),
        _holding(state, seen),
        (unconfirmed_need(*each) for each in unconfirmed if each[0].urgency != "high"),
        (need for need in log if need.kind != "journal"),
    )
    return [_complete(need, state) for group in groups for need in sorted(group, key=lambda need: need.since)]


def own_needs(state: State, session: str) -> list[Need]:
    """Return what a session itself must do: leave a circle, and confirm what it has read.

    Its lost claims are notices in its inbox.
    """
    needs = [circle_need(state, cycle) for cycle in wait_cycles(state) if session in cycle]
    unread = state.sessions[session].unread
    for message in state.messages.values():
        if session in message.unacknowledged_by and message.id not in unread:
            needs.append(unconfirmed_need(message, (session,)))
    return [_complete(need, state) for need in needs]


def _complete(need: Need, state: State) -> Need:
    """Return a need with its text and its names."""
    ids = dict.fromkeys((need.session, *need.sessions))
    names = {name: state.sessions[name].name for name in ids if name in state.sessions and state.sessions[name].name}
    return replace(need, text=need_text(need, str), names=names)


# --- one function for each kind ---------------------------------------------------------------------------------------


def _lost(session: Session, notice: Notice) -> Need:
    """Rule 8: a session works on what it no longer has, until it reads that."""
    return Need(
        kind="lost",
        session=session.id,
        sessions=(session.id, notice.other) if notice.other else (session.id,),
        about=notice.resources[0],
        since=notice.at,
        excerpt=notice.reason,
        to=(session.id,),
        steps=(NeedStep("stop, and read why", (("coord", "inbox"),), (session.id,)),),
    )


def _asking(session: Session) -> Need:
    place = " in ".join(part for part in (session.client, session.worktree) if part)
    return replace(_blocked(session), asks_person=True, steps=(NeedStep(f"answer in its window: {place}"),))


def _blocked(session: Session) -> Need:
    what = session.doing.blocked_on
    answer = ("coord", "send", session.id, f"Re: {_one_line(what, _SUBJECT)}", "...")
    settled = ("coord", "heartbeat", "--blocked-on", "", "--session", session.id)
    return Need(
        kind="blocked",
        session=session.id,
        sessions=(session.id,),
        since=session.blocked_since,
        subject=what,
        steps=(NeedStep("answer it", (answer,), ends=False), NeedStep("when it is no longer blocked", (settled,))),
    )


def circle_need(state: State, cycle: tuple[str, ...]) -> Need:
    """Rule 6: sessions wait for each other. It ends when the last request that closed the circle is withdrawn.

    `since` is when the circle was closed.
    """
    edges = [_waits_behind(state, *pair) for pair in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
    closed_at = max(min(since for _, since in edge) for edge in edges)
    last = max(edges, key=lambda edge: max(wait.asked_at for wait, _ in edge))
    waiter = last[0][0].session
    resources = dict.fromkeys(wait.resource for wait, _ in last)
    withdraw = tuple(("coord", "release", resource, "--session", waiter) for resource in resources)
    return Need(
        kind="circle",
        sessions=cycle,
        about=last[0][0].resource,
        since=closed_at,
        to=cycle,
        steps=(NeedStep("withdraw a request", withdraw),),
    )


def _waits_behind(state: State, waiter: str, ahead: str) -> list[tuple[WaitingRequest, Instant]]:
    """Return the requests of a session that wait for another session, each with the time since when it does."""
    found = []
    for wait in state.waits.values():
        if wait.session == waiter:
            starts = [_began(obstacle) for obstacle in find_obstacles(state, wait) if obstacle.session == ahead]
            found += [(wait, max(wait.asked_at, min(starts)))] if starts else []
    return found


def _began(request: ClaimRequest) -> Instant:
    """Return when a session asked for what it has; for a claim that was passed on to it, when it got it."""
    if isinstance(request, Claim) and not request.id.startswith(f"{request.session}/"):
        return request.granted_at
    return request.asked_at


def _unconfirmed(state: State, seen: Observed) -> Iterator[tuple[Message, tuple[str, ...]]]:
    """Find the messages that sessions here must confirm, and these sessions."""
    for message in state.messages.values():
        missing = tuple(name for name in sorted(message.unacknowledged_by) if seen.is_here(state.sessions.get(name)))
        if missing and (message.urgency == "high" or seconds_between(message.at, seen.now) >= seen.silent_s):
            yield message, missing


def unconfirmed_need(message: Message, missing: tuple[str, ...]) -> Need:
    """Return the need that these sessions confirm a message."""
    confirm = NeedStep("confirm", (("coord", "ack", message.id),), missing)
    answer = NeedStep("or answer", (("coord", "reply", message.id, "..."),), missing)
    return Need(
        kind="unacknowledged",
        session=message.session,
        sessions=missing,
        about=message.id,
        since=message.at,
        subject=message.subject,
        excerpt=_one_line(message.body, _EXCERPT),
        urgent=message.urgency == "high",
        to=missing,
        steps=(confirm, answer),
    )


def _holding(state: State, seen: Observed) -> Iterator[Need]:
    """Find the sessions that hold claims, and that are dead but not yet recorded as dead, or silent."""
    held: dict[str, list[Claim]] = {}
    for claim in state.claims.values():
        held.setdefault(claim.session, []).append(claim)
    waited_for = {ahead.session for wait in state.waits.values() for ahead in find_obstacles(state, wait)}
    for name, claims in held.items():
        session = state.sessions[name]
        if session.live and name in seen.gone:
            yield _holder_need(session, claims, seen.gone[name])
        elif seen.is_silent(session) and (name in waited_for or not is_idle(session.doing)):
            yield _holder_need(session, claims, "")


def _holder_need(session: Session, claims: list[Claim], evidence: str) -> Need:
    resources = list(dict.fromkeys(claim.resource for claim in claims))
    end = (("coord", "end", "--session", session.id),)
    few = len(resources) <= _MOST_RESOURCES
    breaks = tuple(("coord", "break", resource, "--reason", "...") for resource in resources) if few else end
    ask = NeedStep("ask", (("coord", "send", session.id, "Still working?", "...", "--needs-ack"),), ends=False)
    free = NeedStep("free what it holds", end if evidence else breaks)
    more = "" if few else f" and {len(resources) - _MOST_RESOURCES} more"
    return Need(
        kind="dead" if evidence else "silent",
        session=session.id,
        sessions=(session.id,),
        about=resources[0],
        since=session.last_at,
        subject=", ".join(resources[:_MOST_RESOURCES]) + more,
        excerpt=evidence,
        steps=(free,) if evidence else (ask, free),
    )


# --- the sentence -----------------------------------------------------------------------------------------------------


def need_text(need: Need, label: Label) -> str:
    """Return a need as a sentence, without `since` and the steps. `label` writes the sessions."""
    return _TEXTS[need.kind](need, label(need.session), label)


def _unconfirmed_text(need: Need, who: str, label: Label) -> str:
    missing = ", ".join(label(name) for name in need.sessions)
    urgent = "urgent message" if need.urgent else "message"
    return f"{missing} must confirm the {urgent} {quoted_message(need)} from {who}"


def quoted_message(need: Need) -> str:
    """Return the subject and the beginning of a message between quotation marks that its text cannot close."""
    words = f"{need.subject}: {need.excerpt}" if need.excerpt else need.subject
    return "“" + _one_line(words, _EXCERPT).replace("”", '"') + "”"


def _lost_text(need: Need, who: str, label: Label) -> str:
    to = f" to {label(need.sessions[1])}" if len(need.sessions) > 1 else ""
    return f"{who} was told it had {need.about}, but lost it{to}: {need.excerpt}"


def _circle_text(need: Need, who: str, label: Label) -> str:
    path = " → ".join(label(name) for name in (*need.sessions, need.sessions[0]))
    return f"waiting for each other in a circle: {path}"


_TEXTS: dict[NeedKind, Callable[[Need, str, Label], str]] = {
    "lost": _lost_text,
    "blocked": lambda need, who, label: f"{who} is blocked on {need.subject}",
    "circle": _circle_text,
    "unacknowledged": _unconfirmed_text,
    "dead": lambda need, who, label: f"{who} is dead ({need.excerpt}) and holds {need.subject}",
    "silent": lambda need, who, label: f"{who} is silent and holds {need.subject}",
    **dict.fromkeys(("journal", "clock", "unknown"), lambda need, who, label: need.subject),
}


def _one_line(text: str, limit: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
