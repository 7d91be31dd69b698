"""The rules of claims: this module alone decides who holds what.

Events are requests. The history, read in order, decides whether a claim is granted, not what a process believed when it
wrote the request. All readers of the same history therefore agree, and machines whose histories differ agree as soon as
these are merged. The answer that a requester got is part of its event, and can only prevent a grant.

1. Conflict: `projections.rules.conflicts`.
2. Requests: `decide_request`.
3. Lease: `advance_time` and `renew_claim`.
4. Waiting: `advance_time` and `grant_waiting`.
5. Handover: `projections.rules.claim_events.handover`.
6. Cycles: `projections.rules.cycles`.
7. Tokens: `next_token` and `is_token_valid`.
8. Loss: `projections.rules.claim_events.requests.record_loss`, and `yields_to` for provisional claims.
9. Death: `projections.rules.liveness` and `projections.rules.sessions`.

`projections.rules.claim_events.requests` applies the rules to each event. At one instant, waits end first, then claims
end, then waiting requests are granted, then events apply.
"""

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from eventlog.events import DAY_S, NEVER, Event, EventId, Instant, add_time, to_micros
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

if TYPE_CHECKING:
    from projections.rules.claim_index import ClaimIndex

INDEX = "_index"  # an attribute of a state that is not a field, so it is neither saved nor copied
UNCONFIRMED_S = 2 * DAY_S  # an expired claim of another machine is kept for this long, until that machine writes again
ACCEPT_TIMEOUT_S = 60  # a grant to a waiting request lapses after this time unless it is accepted


class Verdict(Struct, frozen=True):
    """The decision on a request: `renewed` is the requester's claim that covers it, `obstacles` prevent a grant."""

    outcome: Literal["granted", "renewed", "waiting", "refused"]
    renewed: EventId = ""
    obstacles: tuple[EventId, ...] = ()


def index_of(state: State) -> "ClaimIndex":
    """Return the index of the active claims and waiting requests of a state."""
    index: ClaimIndex | None = state.__dict__.get(INDEX)
    if index is None or not index.is_of(state):
        from projections.rules import claim_index  # a heartbeat does not need it

        index = state.__dict__[INDEX] = claim_index.ClaimIndex(state)
    return index


# --- decisions ------------------------------------------------------------------------------------------------------


def decide_request(state: State, request: ClaimRequest, wait_s: int) -> Verdict:
    """Rule 2: decide a request.

    If a claim of its requester covers it, that claim is renewed. Otherwise it is granted if neither an active claim nor
    an earlier waiting request conflicts. Otherwise it waits if `wait_s` is not 0, and else it is refused.
    """
    claims = index_of(state).claims
    covering = claims.in_order(own for own in claims.near(request.resource) if own_covers(own, request))
    if covering:
        return Verdict("renewed", renewed=covering[0].id)
    obstacles = tuple(obstacle.id for obstacle in find_obstacles(state, request))
    if not obstacles:
        return Verdict("granted")
    return Verdict("waiting" if wait_s else "refused", obstacles=obstacles)


def find_obstacles(state: State, request: ClaimRequest) -> list[ClaimRequest]:
    """Return the active claims, and then the earlier waiting requests, that conflict with a request, each in order."""
    index = index_of(state)
    ahead = index.waits.number_of(request.id)
    claims = (
        claim
        for claim in index.claims.near(request.resource)
        if conflict(claim, request) and not yields_to(claim, request, state.at)
    )
    waits = (
        wait
        for wait in index.waits.near(request.resource)
        if index.waits.number_of(wait.id) < ahead
        and conflict(wait, request)
        and (request.provisional or not wait.provisional)
    )
    return [*index.claims.in_order(claims), *index.waits.in_order(waits)]


def yields_to(claim: Claim, request: ClaimRequest, at: Instant) -> bool:
    """Rule 8: return whether a claim yields at `at` to a request that all machines agreed on.

    A claim that was made or extended without the other machines is provisional from `agreed_until` on. Otherwise it
    could take away, at the next merge, what another session was told that it holds.
    """
    return not request.provisional and claim.agreed_until <= max(at, request.asked_at)


def next_token(state: State, at: Instant) -> int:
    """Rule 7: return a new fencing token for a grant at `at`.

    It is the instant in microseconds since 1970, or one more than the last token if that is larger, so each grant has a
    larger token than the grants before it.
    """
    state.token = max(to_micros(at), state.token + 1)
    return state.token


def is_token_valid(state: State, claim_id: EventId, expected: int) -> bool:
    """Rule 7: return whether a claim is active under exactly this token.

    If it is, no newer grant conflicts with it, because two conflicting claims are never active together (rule 2). Only
    such a check stops a holder that acts after its lease has ended.
    """
    claim = state.claims.get(claim_id)
    return claim is not None and claim.token == expected


# --- time -----------------------------------------------------------------------------------------------------------


def advance_time(state: State, to: Instant, record: DecisionRecorder) -> None:
    """Rules 3 and 4: let time pass up to and including `to`, and end each lease and wait at its own instant.

    A claim or a wait is active before its end, not at it. A grant to a waiting request lapses after `ACCEPT_TIMEOUT_S`
    seconds unless it is accepted, since its session may no longer be waiting.
    """
    while state.due <= to and (state.claims or state.waits):
        at = state.due
        for wait in index_of(state).waits.take_ended(at):
            end_wait(state, wait, at, 4, "timed_out", record)
        for claim in index_of(state).claims.take_ended(at):
            what: DecisionKind = "lapsed" if claim.accept_by else "expired"
            end_claim(state, claim, at, 4 if claim.accept_by else 3, what, record)
            if what == "expired" and not claim.imported and state.sessions[claim.session].machine:
                state.expired[claim.id] = claim
            if what == "expired" and not claim.automatic and not claim.imported:
                notice = Notice(claim.id, at, "expired", (claim.resource,))
                state.sessions[claim.session].notices.append(notice)
        grant_waiting(state, at, record)


def confirm_expiries(state: State, event: Event) -> None:
    """Rule 3: forget the expired claims of the machine that wrote an event after their ends: it has not renewed them.

    A session on another machine may otherwise not know of a renewal yet. Old ones are forgotten too.
    """
    writer = state.sessions.get(event.session)
    machine, oldest = writer.machine if writer else "", add_time(event.at, -UNCONFIRMED_S)
    state.expired = {
        name: claim
        for name, claim in state.expired.items()
        if claim.expires_at >= oldest
        and not (state.sessions[claim.session].machine == machine and claim.expires_at <= event.at)
    }


def grant_waiting(state: State, at: Instant, record: DecisionRecorder, cause: EventId = "") -> None:
    """Rule 4: grant each waiting request, in order, that no longer has a conflict, at this instant."""
    index = index_of(state)
    has_granted = True
    while has_granted:  # what yields to a grant may unblock others
        has_granted = False
        for wait in index.take_unblocked():
            if wait.id in state.waits and not find_obstacles(state, wait):
                index.waits.remove(wait)  # the claim that it becomes blocks the same requests
                grant_claim(state, wait, at, record, cause, to_waiter=True)
                has_granted = True
    state.due = index.next_end()


def grant_claim(
    state: State, request: ClaimRequest, at: Instant, record: DecisionRecorder, cause: EventId, *, to_waiter: bool
) -> None:
    """Make a request an active claim from `at` on.

    A grant to a waiting request must be accepted. An imported claim protects nothing here, so it gets no token. Claims
    that yield to the request end, and their sessions are notified (rule 8).
    """
    _end_yielding(state, request, at, record, cause)
    claim = Claim(
        **request_fields(request),
        granted_at=at,
        expires_at=add_time(at, request.ttl_s),
        token=0 if request.imported else next_token(state, at),
        accept_by=add_time(at, ACCEPT_TIMEOUT_S) if to_waiter else "",
        agreed_until=at if request.provisional else NEVER,
    )
    index_of(state).claims.add(claim)
    record(Decision(at, 4 if to_waiter else 2, "granted", request.id, request.session, request.resource, cause))


def _end_yielding(state: State, request: ClaimRequest, at: Instant, record: DecisionRecorder, cause: EventId) -> None:
    if state.expired:
        state.expired = {name: claim for name, claim in state.expired.items() if not conflict(claim, request)}
    if request.provisional or request.imported:
        return
    claims = index_of(state).claims
    for claim in claims.in_order(one for one in claims.near(request.resource) if conflict(one, request)):
        end_claim(state, claim, at, 8, "yielded", record, cause, became=(request.id,))
        reason = f"{request.resource} was agreed on with all machines"
        notice = Notice(cause or claim.id, at, "lost", (claim.resource,), request.session, reason)
        state.sessions[claim.session].notices.append(notice)


def request_fields(request: ClaimRequest) -> dict[str, Any]:
    """Return the fields that a claim or a waiting request takes from its request."""
    return {name: getattr(request, name) for name in ClaimRequest.__struct_fields__}


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
    """Remove an active claim. The caller must call `grant_waiting` next."""
    index_of(state).remove_claim(claim)
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
    """Remove a waiting request. The caller must call `grant_waiting` next."""
    index_of(state).remove_wait(wait)
    record(Decision(at, rule, what, wait.id, wait.session, wait.resource, cause))


def renew_claim(
    state: State, claim: Claim, at: Instant, ttl_s: int, *, shorten: bool = False, provisional: bool = False
) -> None:
    """Rule 3: extend a claim to `ttl_s` seconds from now. This also accepts a grant.

    A later end stays, except with `shorten`. The end of an automatic claim only moves forward: it ends with its edit.
    If the other machines could not be asked, what is added is `provisional` (rule 8).
    """
    end = add_time(at, ttl_s)
    claim.agreed_until = min(claim.agreed_until, claim.ends_at) if provisional else NEVER
    claim.expires_at = end if shorten and not claim.automatic else max(claim.expires_at, end)
    accept_claim(state, claim)


def accept_claim(state: State, claim: Claim) -> None:
    """Rule 4: accept a grant, so that it does not lapse."""
    claim.accept_by = ""
    index_of(state).claims.update_end(claim)


def ends_earlier(claim: Claim, at: Instant, ttl_s: int) -> bool:
    """Return whether a claim that was requested explicitly would end earlier if it ended `ttl_s` seconds from now."""
    return not claim.automatic and add_time(at, ttl_s) < claim.expires_at


def end_session_claims(
    state: State, session: str, event: Event, rule: int, what: DecisionKind, record: DecisionRecorder
) -> tuple[str, ...]:
    """Rules 3 and 4: end all claims and waits of a session, and return the resources that it held."""
    for wait in index_of(state).waits.of_session(session):
        end_wait(state, wait, event.at, rule, what, record, event.id)
    held = index_of(state).claims.of_session(session)
    for claim in held:
        end_claim(state, claim, event.at, rule, what, record, event.id)
    grant_waiting(state, event.at, record, event.id)
    return tuple(claim.resource for claim in held)
