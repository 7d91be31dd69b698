"""Events as text: one line that describes what the session did. Text of other sessions is cut, and its control
characters are escaped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from coord.render.format import Names, duration_text, eta_text, line, plural, session_label, time_text
from eventlog.events import (
    EVERYONE,
    AgentStarted,
    AgentStopped,
    ClaimAccepted,
    ClaimBroken,
    ClaimBypassed,
    ClaimFinished,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    Unknown,
)
from projections.rules.liveness import NOBODY_WAITS, doing_text

SHELL_COMMAND = "a shell command"  # the `how` of a bypass that a hook noticed and showed its agent
UNSHOWN_COMMAND = "the last shell command"  # the same at the end of an agent, to which nothing can be shown


def type_of(event: Event) -> str:
    """Return the type of an event as its journal names it."""
    payload = event.payload
    return payload.name if isinstance(payload, Unknown) else str(payload.__struct_config__.tag)


def event_text(event: Event, names: Names, resources: Mapping[EventId, str] | None = None) -> str:
    """Return an event as one line. `resources` has the resources of claims, by claim id; they are added where the event
    itself names only the claim.
    """
    payload = event.payload
    text = _EVENT_TEXT[type(payload)](payload, names)
    claim = getattr(payload, "claim", "")
    known = (resources or {}).get(claim, "") if not getattr(payload, "resource", "") else ""
    return text.replace(claim, f"{line(known)} ({claim})", 1) if known else text


def event_line(event: Event, now: Instant, names: Names, resources: Mapping[EventId, str] | None = None) -> str:
    """Return an event as one line: its time, its id, the name of its session, and what happened.

    `names` and `resources` are as in `event_text`.
    """
    actor = event.actor if event.imported else line(names.get(event.session, ""), 40)
    text = event_text(event, names, resources)
    return f"{time_text(event.at, now, seconds=True)}  {event.id}{f' ({line(actor)})' if actor else ''} {text}"


def claimed_resources(events: Iterable[Event]) -> dict[EventId, str]:
    """Return the resource of each claim that these events ask for, by claim id."""
    requests = ((e.id, e.payload) for e in events if isinstance(e.payload, ClaimRequested | ClaimHandedOver))
    return {claim: payload.resource for claim, payload in requests}


def names_in(events: Sequence[Event]) -> dict[str, str]:
    """Return the last name that each session was given in these events, by session id.

    An imported event cannot rename a session that has events of its own here.
    """
    ours = {event.session for event in events if not event.imported}
    started = (
        (e.actor, e.payload.name) for e in events if isinstance(e.payload, SessionStarted) and _can_name(e, ours)
    )
    return {session: name for session, name in started if name}


def _can_name(event: Event, ours: Set[str]) -> bool:
    return not event.imported or event.actor not in ours


def _started(payload: SessionStarted, names: Names) -> str:
    continues = f", continues {session_label(payload.continues, names)}" if payload.continues else ""
    branch = f" on {line(payload.branch)}" if payload.branch else ""
    return f"starts: {line(payload.client)}{branch}{continues}"


def _heartbeat(payload: SessionHeartbeat, _: Names) -> str:
    doing = doing_text(line(payload.action), line(payload.target), payload.blocked_on)
    facts = [
        line(payload.phase),
        line(payload.progress),
        payload.next_action and f"next: {line(payload.next_action)}",
        payload.files and f"files: {line(', '.join(payload.files))}",
        payload.estimated_completion and f"done by {eta_text(payload.estimated_completion, '')}",
        payload.blocked_on and f"blocked on {line(payload.blocked_on)}",
    ]
    return " · ".join(part for part in (doing or "sends a heartbeat", *facts) if part)


def _ended(payload: SessionEnded, _: Names) -> str:
    facts = [
        line(payload.reason),
        payload.summary and f"did: {line(payload.summary, 200)}",
        payload.notes and f"notes: {line(payload.notes, 200)}",
    ]
    return " · ".join(["ends", *(fact for fact in facts if fact)])


def _presumed_dead(payload: SessionPresumedDead, names: Names) -> str:
    return f"presumes {session_label(payload.session, names)} dead: {line(payload.evidence, 200)}"


def _presumed_idle(payload: SessionPresumedIdle, names: Names) -> str:
    return f"presumes the agent of {session_label(payload.session, names)} idle: {line(payload.evidence, 200)}"


def _requested(payload: ClaimRequested, _: Names) -> str:
    if payload.automatic:
        return f"begins to edit {line(payload.resource)}{_by(payload.agent)}: {payload.told}"
    shared = " shared" if payload.mode == "shared" else ""
    waits = f", waiting at most {duration_text(payload.wait_s)}" if payload.wait_s else ""
    note = f" — for: {line(payload.note)}" if payload.note else ""
    return (
        f"asks for {line(payload.resource)}{shared} for {duration_text(payload.ttl_s)}{waits}{_by(payload.agent)}: "
        f"{payload.told}{note}"
    )


def _accepted(payload: ClaimAccepted, _: Names) -> str:
    return f"accepts {line(payload.resource)} ({payload.claim}){_by(payload.agent)}"


def _renewed(payload: ClaimRenewed, _: Names) -> str:
    verb, how_long = ("shortens", "to") if payload.shorten else ("renews", "for")
    return f"{verb} {payload.claim} {how_long} {duration_text(payload.ttl_s)}{_by(payload.agent)}"


def _released(payload: ClaimReleased, _: Names) -> str:
    return f"releases {payload.claim}{_by(payload.agent)}"


def _handed_over(payload: ClaimHandedOver, names: Names) -> str:
    note = f" — {line(payload.note)}" if payload.note else ""
    return f"hands {line(payload.resource)} ({payload.claim}) over to {session_label(payload.to, names)}{note}"


def _broken(payload: ClaimBroken, _: Names) -> str:
    verb = "ends the request" if payload.reason.startswith(NOBODY_WAITS) else "breaks"
    return f"{verb} {payload.claim}: {line(payload.reason, 200)}"


def _finished(payload: ClaimFinished, _: Names) -> str:
    return f"ends {payload.claim}, made by a hook: {line(payload.reason, 200)}"


def bypass(how: str) -> tuple[str, str, str]:
    """Return how a claim was bypassed: the verb in the past and in the present tense, and the means.

    `how` is the field of a `claim.bypassed` event.
    """
    means, _, override = how.partition(" with ")
    past, present, template = _BYPASSES.get(means, ("changed", "changes", "{how}"))
    return past, present, line(template.format(how=how, override=override), 300)


_BYPASSES = {
    "git commit": ("committed", "commits", "with {override}"),
    "git push": ("pushed a change to", "pushes a change to", "with {override}"),
    SHELL_COMMAND: ("changed", "changes", "with {how}; its agent was told"),
    UNSHOWN_COMMAND: ("changed", "changes", "with {how} before it ended"),
}
"""Past tense, present tense and means, by the first words of an event's `how`."""


def _bypassed(payload: ClaimBypassed, _: Names) -> str:
    _past, present, how = bypass(payload.how)
    return f"{present} {line(payload.resource)} despite claim {payload.claim}: {how}"


def _agent_started(payload: AgentStarted, _: Names) -> str:
    kind = f" ({line(payload.kind)})" if payload.kind else ""
    return f"starts its subagent {line(payload.agent)}{kind}"


def _agent_stopped(payload: AgentStopped, _: Names) -> str:
    return f"ends its subagent {line(payload.agent)}"


def _sent(payload: MessageSent, names: Names) -> str:
    to = "everyone" if payload.to == EVERYONE else ", ".join(session_label(name, names) for name in payload.to)
    signs = ("❗ " if payload.urgency == "high" else "") + (
        f"(reply to {payload.in_reply_to}) " if payload.in_reply_to else ""
    )
    body = f" — {line(payload.body, 100)}" if payload.body else ""
    asks = " · asks for a confirmation" if payload.needs_ack else ""
    return f"writes to {line(to)}: {signs}{line(payload.subject)}{body}{asks}"


def _read(payload: MessageRead, _: Names) -> str:
    return f"reads {_first(payload.messages)}"


def _acknowledged(payload: MessageAcknowledged, _: Names) -> str:
    return f"confirms {_first(payload.messages)}"


def _resolved(payload: MessageResolved, _: Names) -> str:
    note = f": {line(payload.note, 200)}" if payload.note else ""
    return f"closes {_first(payload.messages)}{note}"


def _unknown(payload: Unknown, _: Names) -> str:
    return f"writes an event that this version does not know: {line(payload.name)}"


def _first(ids: tuple[str, ...]) -> str:
    more = f" and {plural(len(ids) - 5, 'other')}" if len(ids) > 5 else ""
    return ", ".join(ids[:5]) + more


def _by(agent: str) -> str:
    return f", by its subagent {line(agent)}" if agent else ""


_EVENT_TEXT: dict[type, Callable[[Any, Names], str]] = {
    SessionStarted: _started,
    SessionHeartbeat: _heartbeat,
    SessionEnded: _ended,
    SessionPresumedDead: _presumed_dead,
    SessionPresumedIdle: _presumed_idle,
    AgentStarted: _agent_started,
    AgentStopped: _agent_stopped,
    ClaimRequested: _requested,
    ClaimAccepted: _accepted,
    ClaimRenewed: _renewed,
    ClaimReleased: _released,
    ClaimHandedOver: _handed_over,
    ClaimBroken: _broken,
    ClaimFinished: _finished,
    ClaimBypassed: _bypassed,
    MessageSent: _sent,
    MessageRead: _read,
    MessageAcknowledged: _acknowledged,
    MessageResolved: _resolved,
    Unknown: _unknown,
}
