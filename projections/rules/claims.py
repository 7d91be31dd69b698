"""The rules of claims. Events are requests, and this file is the judge: all that decides who holds what is here.

A claim is not granted because a process thought so, but because the history, read in order, grants it. So every reader
agrees, and two histories that were apart agree again the moment they are merged. What a requester was told is part of
its event, and can only veto.

1. Conflict: `projections.rules.conflicts`.               6. Circles: `wait_cycles`.
2. Asking: `judge`.                      7. Tokens: `next_token` and `is_token_valid`.
3. Lasting: `advance_time` and `renew_claim`.       8. Losing: `record_loss`.
4. Waiting: `advance_time` and `grant_waiting`.      9. Death: `projections.rules.liveness` and
`projections.rules.sessions`.
5. Handing over: `hand_over`.

How each event applies them is in `projections.rules.requests`.

At one instant the order is: waits end, claims end, waiters are granted, then the events.
"""

from collections.abc import Collection
from typing import Any, Literal

from msgspec import Struct

from eventlog.events import NEVER, Event, EventId, Instant, add_time, to_micros
from projections.rules.conflicts import conflict, own_covers
from projections.rules.state import (
    Claim,
    ClaimRequest,
    Decision,
    DecisionKind,
    DecisionRecorder,
    Notice,
    State,
    WaitingRequest,
)

ACCEPT_TIMEOUT_S = 60  # a grant to a waiter lapses after so long unless it is accepted


class Verdict(Struct, frozen=True):
    """What the rules say to a request: `renewed` names the own claim, the last two what is in the way."""

    outcome: Literal["granted", "renewed", "waiting", "refused"]
    renewed: EventId = ""
    obstacles: tuple[EventId, ...] = ()


# --- judging --------------------------------------------------------------------------------------------------------


def judge(state: State, ask: ClaimRequest, wait_s: int) -> Verdict:
    """Rule 2. A request that its requester's own claim covers renews that claim. Otherwise it is granted if no active
    claim conflicts and no earlier waiting request does; else, with `wait_s`, it waits; else it is refused.
    """
    for own in state.claims.values():
        if own_covers(own, ask):
            return Verdict("renewed", renewed=own.id)
    obstacles = tuple(found.id for found in obstacles_of(state, ask))
    if not obstacles:
        return Verdict("granted")
    return Verdict("waiting" if wait_s else "refused", obstacles=obstacles)


def obstacles_of(state: State, ask: ClaimRequest) -> list[ClaimRequest]:
    """The active claims, and the waiting requests earlier than this one, that conflict with it."""
    found: list[ClaimRequest] = [claim for claim in state.claims.values() if conflict(claim, ask)]
    for wait in state.waits.values():
        if wait.id == ask.id:
            break
        if conflict(wait, ask):
            found.append(wait)
    return found


def next_token(state: State, at: Instant) -> int:
    """Rule 7. The fencing token of a grant at `at`: its instant, in microseconds since 1970, or one more than the last
    token that was given where several grants fall on one instant. So a younger grant always has a larger token.
    """
    state.token = max(to_micros(at), state.token + 1)
    return state.token


def is_token_valid(state: State, claim_id: EventId, expected: int) -> bool:
    """Rule 7. Whether the grant with this token still protects: its claim is active, under this very token. Then no
    conflicting grant is younger, for by rule 2 no two claims that conflict are ever active together. Expiry alone
    protects nothing.
    """
    claim = state.claims.get(claim_id)
    return claim is not None and claim.token == expected


# --- time -----------------------------------------------------------------------------------------------------------


def advance_time(state: State, to: Instant, record: DecisionRecorder) -> None:
    """Rules 3 and 4. Let time pass up to and including `to`: everything that ends by itself ends at its own instant.

    A claim is active up to, not including, its end, and so is a wait. A grant to a waiter lapses `ACCEPT_TIMEOUT_S`
    seconds
    after it unless accepted: nobody is given what they no longer wait for.
    """
    while state.due <= to and (state.claims or state.waits):
        at = state.due
        for wait in [wait for wait in state.waits.values() if wait.until <= at]:
            end_wait(state, wait, at, 4, "timed_out", record)
        for claim in [claim for claim in state.claims.values() if claim.ends_at <= at]:
            what: DecisionKind = "lapsed" if claim.accept_by else "expired"
            end_claim(state, claim, at, 4 if claim.accept_by else 3, what, record)
            if what == "expired" and not claim.automatic and not claim.imported:
                notice = Notice(claim.id, at, "expired", (claim.resource,))
                state.sessions[claim.session].notices.append(notice)
        grant_waiting(state, at, record)


def grant_waiting(state: State, at: Instant, record: DecisionRecorder, cause: EventId = "") -> None:
    """Rule 4. Look at the waiting requests in order: each that no longer conflicts is granted at this very instant."""
    for wait in list(state.waits.values()):
        if not obstacles_of(state, wait):
            del state.waits[wait.id]
            grant_claim(state, wait, at, record, cause, to_waiter=True)
    ends = [claim.ends_at for claim in state.claims.values()] + [wait.until for wait in state.waits.values()]
    state.due = min(ends, default=NEVER)


def grant_claim(
    state: State, ask: ClaimRequest, at: Instant, record: DecisionRecorder, cause: EventId, *, to_waiter: bool
) -> None:
    """Make a request an active claim, from `at` on. One granted to a waiter must be accepted. One that was imported
    protects nothing here, and has no token.
    """
    state.claims[ask.id] = Claim(
        **request_fields(ask),
        granted_at=at,
        expires_at=add_time(at, ask.ttl_s),
        token=0 if ask.imported else next_token(state, at),
        accept_by=add_time(at, ACCEPT_TIMEOUT_S) if to_waiter else "",
    )
    record(Decision(at, 4 if to_waiter else 2, "granted", ask.id, ask.session, ask.resource, cause))


def request_fields(ask: ClaimRequest) -> dict[str, Any]:
    """What a claim or a wait keeps of its request."""
    return {name: getattr(ask, name) for name in ClaimRequest.__struct_fields__}


def end_claim(
    state: State,
    claim: Claim,
    at: Instant,
    rule: int,
    what: DecisionKind,
    record: DecisionRecorder,
    cause: EventId = "",
    became: tuple[EventId, ...] = (),
) -> None:
    """Take an active claim out of the state; whoever calls this looks at the waiting requests next."""
    del state.claims[claim.id]
    record(Decision(at, rule, what, claim.id, claim.session, claim.resource, cause, became))


def end_wait(
    state: State,
    wait: WaitingRequest,
    at: Instant,
    rule: int,
    what: DecisionKind,
    record: DecisionRecorder,
    cause: EventId = "",
) -> None:
    """Take a waiting request out of the queue; whoever calls this looks at the waiting requests next."""
    del state.waits[wait.id]
    record(Decision(at, rule, what, wait.id, wait.session, wait.resource, cause))


def renew_claim(claim: Claim, at: Instant, ttl_s: int) -> None:
    """Rule 3. Renewing never shortens: the new end is the later of the old one and `ttl_s` from now. A holder that
    renews a grant has taken it up.
    """
    claim.expires_at = max(claim.expires_at, add_time(at, ttl_s))
    claim.accept_by = ""


def end_session_claims(
    state: State, session: str, event: Event, rule: int, what: DecisionKind, record: DecisionRecorder
) -> tuple[str, ...]:
    """Rules 3 and 4. Everything that a session holds or waits for ends with it. Returns the resources it held."""
    for wait in [wait for wait in state.waits.values() if wait.session == session]:
        end_wait(state, wait, event.at, rule, what, record, event.id)
    held = [claim for claim in state.claims.values() if claim.session == session]
    for claim in held:
        end_claim(state, claim, event.at, rule, what, record, event.id)
    grant_waiting(state, event.at, record, event.id)
    return tuple(claim.resource for claim in held)


def transfer_claims(state: State, old: str, new: str, event: Event, record: DecisionRecorder) -> tuple[str, ...]:
    """The claims of a session pass to the one that continues it, under new tokens; its waits end.

    The ids stay: one event cannot name several claims. Returns the resources that passed.
    """
    for wait in [wait for wait in state.waits.values() if wait.session == old]:
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    return _transfer([claim for claim in state.claims.values() if claim.session == old], state, new, event, record)


def transfer_agent_claims(
    state: State, session: str, agents: Collection[str], event: Event, record: DecisionRecorder
) -> None:
    """What these subagents hold passes to their session, as to one that continues it; their waits end."""
    for wait in [wait for wait in state.waits.values() if wait.session == session and wait.agent in agents]:
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    held = [claim for claim in state.claims.values() if claim.session == session and claim.agent in agents]
    _transfer(held, state, session, event, record)


def _transfer(claims: list[Claim], state: State, new: str, event: Event, record: DecisionRecorder) -> tuple[str, ...]:
    """These claims are a session's own from now on, and no subagent's: those that there were are gone."""
    for claim in claims:
        record(Decision(event.at, 5, "passed_on", claim.id, claim.session, claim.resource, event.id, (claim.id,)))
        claim.session, claim.agent, claim.granted_at, claim.accept_by = new, "", event.at, ""
        claim.token = next_token(state, event.at)
        record(Decision(event.at, 5, "granted", claim.id, new, claim.resource, event.id))
    grant_waiting(state, event.at, record, event.id)
    return tuple(claim.resource for claim in claims)


def handover_claim(state: State, claim: Claim, to: str, event_id: EventId, at: Instant) -> Claim | tuple[EventId, ...]:
    """Rule 5. The claim that handing over makes, with the same end; or, if that is void, the claims in the way.

    It is void if the session is not live at this moment, or if the new claim would conflict with another that is
    active: one that the giver or its subagents still hold.
    """
    fields = request_fields(claim) | {"id": event_id, "session": to, "agent": "", "asked_at": at}
    new = Claim(**fields, granted_at=at, expires_at=claim.expires_at, token=0)
    others = tuple(other.id for other in state.claims.values() if other.id != claim.id and conflict(other, new))
    target = state.sessions.get(to)
    return others if others or target is None or not target.live else new


def hand_over(state: State, claim: Claim, to: str, note: str, event: Event, record: DecisionRecorder) -> bool:
    """Rule 5. Handing over is a grant without a gap: to the named session, with the same end and a new token, before
    any waiter. False if it is void; see `handover_claim`.
    """
    new = handover_claim(state, claim, to, event.id, event.at)
    if not isinstance(new, Claim):
        record(Decision(event.at, 5, "void", claim.id, claim.session, claim.resource, event.id, new))
        return False
    end_claim(state, claim, event.at, 5, "handed_over", record, event.id, became=(new.id,))
    new.token, new.note = next_token(state, event.at), note or claim.note
    state.claims[new.id] = new
    record(Decision(event.at, 5, "granted", new.id, to, new.resource, event.id))
    grant_waiting(state, event.at, record, event.id)
    return True


def record_loss(
    state: State,
    event: Event,
    ask: ClaimRequest,
    obstacles: tuple[EventId, ...],
    record: DecisionRecorder,
    why: str = "",
) -> None:
    """Rule 8. A claim whose requester was told granted, or accepted it, but which the history does not grant, for
    whatever reason, is lost: its holder is told to whom and why. Nobody reads what an imported session is told.
    """
    holder = next((state.claims.get(found) or state.waits[found] for found in obstacles), None)
    notice = Notice(
        id=event.id,
        at=event.at,
        kind="lost",
        resources=(ask.resource,),
        other=holder.session if holder else "",
        reason=why or loss_reason(holder.resource if holder else ""),
    )
    if not ask.imported:
        state.sessions[event.actor].notices.append(notice)
    record(Decision(event.at, 8, "lost", ask.id, ask.session, ask.resource, event.id, obstacles))


def loss_reason(had: str) -> str:
    """Why a claim is lost, in words: by what the one in the way had, if anyone was."""
    return f"{had} was granted to it first" if had else "it was no longer held"


def wait_cycles(state: State) -> list[tuple[str, ...]]:
    """Rule 6. The circles of sessions waiting for each other, each from its first session in alphabetical order. They
    are shown to all in them and on the board; their waits end by their limits.
    """
    waits_for: dict[str, list[str]] = {}
    for wait in state.waits.values():
        ahead = {found.session for found in obstacles_of(state, wait)} - {wait.session}
        waits_for[wait.session] = sorted(ahead.union(waits_for.get(wait.session, ())))
    found: set[tuple[str, ...]] = set()
    for start in sorted(waits_for):
        path = _shortest_cycle(waits_for, start)
        if path:
            first = path.index(min(path))
            found.add((*path[first:], *path[:first]))
    return sorted(found)


def _shortest_cycle(waits_for: dict[str, list[str]], start: str) -> tuple[str, ...]:
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked
        for step in waits_for.get(way[-1], ()):
            if step == start:
                return way
            if step not in seen:
                seen.add(step)
                ways.append((*way, step))
    return ()
