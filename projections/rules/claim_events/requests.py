"""Apply the rules of `projections.rules.claims` to each claim event.

Only the present holder can renew, release or hand over a claim. Such an event from another session has no effect. An
event can be valid when it is written but void in the merged history; its author is then notified.
"""

from typing import TypeAlias

from eventlog.events import (
    NEVER,
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
    add_time,
)
from projections.rules.claim_events.handover import hand_over
from projections.rules.claims import (
    accept_claim,
    decide_request,
    end_claim,
    end_wait,
    grant_claim,
    grant_waiting,
    index_of,
    renew_claim,
    request_fields,
)
from projections.rules.resources import type_of
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


def request_of(event: Event, payload: ClaimRequested) -> ClaimRequest:
    """Return the request in an event."""
    return ClaimRequest(
        id=event.id,
        session=event.actor,
        agent=payload.agent,
        resource=payload.resource,
        mode=payload.mode,
        worktree=payload.worktree,
        ttl_s=payload.ttl_s,
        automatic=payload.automatic,
        note=payload.note,
        asked_at=event.at,
        imported=event.imported is not None,
        provisional=payload.provisional,
    )


def on_requested(state: State, event: Event, payload: ClaimRequested, record: DecisionRecorder) -> None:
    """Rules 2 and 8: decide a request at its own `at`.

    The answer that its requester got, `told`, can only prevent a grant. If it was `refused`, the request is never
    granted, not even after a merge. If it was `waiting`, the request is granted like a waiting request, and must be
    accepted. If it was `granted` but the history does not grant the request, the claim is lost; the request does not
    wait, since its session does not wait. Only a live session can get a grant, except for an imported request.
    """
    request = request_of(event, payload)
    state.types.add(type_of(payload.resource))
    if not (state.sessions[event.actor].live or request.imported):
        _record_decision(record, event, request, 2, "refused")
        if payload.told == "granted":
            record_loss(state, event, request, (), record, "its session had ended")
        return
    verdict = decide_request(state, request, payload.wait_s)
    if payload.told == "refused":
        _record_decision(record, event, request, 2, "refused", verdict.obstacles)
    elif verdict.outcome == "renewed":
        own = state.claims[verdict.renewed]
        renew_claim(
            state,
            own,
            event.at,
            payload.ttl_s,
            shorten=payload.shorten and own.resource == payload.resource,
            provisional=payload.provisional,
        )
        _record_decision(record, event, request, 2, "renewed", (verdict.renewed,))
    elif verdict.outcome == "granted":
        grant_claim(state, request, event.at, record, event.id, to_waiter=payload.told == "waiting")
    elif payload.told == "granted":
        _record_decision(record, event, request, 2, "refused", verdict.obstacles)
        record_loss(state, event, request, verdict.obstacles, record)
    elif verdict.outcome == "waiting":
        until = add_time(event.at, payload.wait_s)
        wait = WaitingRequest(**request_fields(request), until=until, waiter=payload.waiter)
        index_of(state).waits.add(wait)
        _record_decision(record, event, request, 2, "waiting", verdict.obstacles)
    else:
        _record_decision(record, event, request, 2, "refused", verdict.obstacles)
    grant_waiting(state, event.at, record, event.id)


def on_accepted(state: State, event: Event, payload: ClaimAccepted, record: DecisionRecorder) -> None:
    """Rules 4 and 8: the holder accepts the grant of its waiting request. If there is no grant, the claim is lost."""
    claim = _held_claim(state, event, payload)
    if claim is not None:
        claim.agreed_until = min(claim.agreed_until, claim.ends_at) if payload.provisional else NEVER
        accept_claim(state, claim)
        _record_decision(record, event, claim, 4, "accepted")
    else:
        request: ClaimRequest | None = state.waits.get(payload.claim)
        if request is None or request.session != event.actor:
            request = _reconstructed_request(event, payload)
        else:
            end_wait(state, state.waits[request.id], event.at, 8, "withdrawn", record, event.id)
        verdict = decide_request(state, request, 0)
        if verdict.outcome == "renewed":  # another claim of the session covers it, so nothing is lost
            _record_decision(record, event, request, 4, "accepted", (verdict.renewed,))
        else:
            record_loss(state, event, request, verdict.obstacles, record)
    grant_waiting(state, event.at, record, event.id)


def _reconstructed_request(event: Event, payload: ClaimAccepted) -> ClaimRequest:
    """Return a request that is no longer in the state, from what its acceptance contains."""
    return ClaimRequest(
        id=payload.claim,
        session=event.actor,
        agent="",
        resource=payload.resource,
        mode="exclusive",
        worktree="",
        ttl_s=0,
        automatic=False,
        note="",
        asked_at=event.at,
        provisional=payload.provisional,
    )


def on_renewed(state: State, event: Event, payload: ClaimRenewed, record: DecisionRecorder) -> None:
    """Rule 3: the holder renews a claim."""
    claim = _held_claim(state, event, payload)
    if claim is not None:
        renew_claim(state, claim, event.at, payload.ttl_s, shorten=payload.shorten, provisional=payload.provisional)
        _record_decision(record, event, claim, 3, "renewed", (claim.id,))
        grant_waiting(state, event.at, record, event.id)


def on_released(state: State, event: Event, payload: ClaimReleased, record: DecisionRecorder) -> None:
    """Rules 3 and 4: the holder releases a claim, or withdraws a waiting request."""
    claim = _held_claim(state, event, payload)
    wait = state.waits.get(payload.claim)
    if claim is not None:
        end_claim(state, claim, event.at, 3, "released", record, event.id)
    elif wait is not None and may_act_on(wait, event.actor, payload.agent):
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    grant_waiting(state, event.at, record, event.id)


def on_handed_over(state: State, event: Event, payload: ClaimHandedOver, record: DecisionRecorder) -> None:
    """Rules 5 and 8: hand over a claim and notify both sides.

    The new holder is notified of the claim. If the handover is void, the giver is notified that it still holds the
    claim, and the named session that it does not get it.
    """
    claim = _held_claim(state, event, payload)
    if claim is not None and hand_over(state, claim, payload, event, record):
        _notify(
            state, payload.to, Notice(event.id, event.at, "handed_over", (claim.resource,), event.actor, payload.note)
        )
        return
    if claim is not None:
        _notify(state, event.actor, Notice(event.id, event.at, "not_handed_over", (claim.resource,), payload.to))
    if payload.to != event.actor:
        why = f"{event.actor} could not hand it over"
        _notify(
            state,
            payload.to,
            Notice(event.id, event.at, "lost", (payload.resource,), event.actor if claim else "", why),
        )


def _notify(state: State, session: str, notice: Notice) -> None:
    if session in state.sessions and state.sessions[session].status != "imported":
        state.sessions[session].notices.append(notice)


def on_broken(state: State, event: Event, payload: ClaimBroken, record: DecisionRecorder) -> None:
    """Rule 3: end a claim of another session, and notify its holder. Rule 4: end a waiting request whose process is
    gone, as an observer saw. Requests without a `waiter`, of older versions, last until their limit.
    """
    claim, wait = state.claims.get(payload.claim), state.waits.get(payload.claim)
    if wait is not None and wait.waiter is not None:
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
        grant_waiting(state, event.at, record, event.id)
    if claim is None:
        state.expired.pop(payload.claim, None)
        return
    end_claim(state, claim, event.at, 3, "broken", record, event.id)
    if claim.session != event.actor and not claim.imported:
        notice = Notice(event.id, event.at, "broken", (claim.resource,), event.actor, payload.reason)
        state.sessions[claim.session].notices.append(notice)
    grant_waiting(state, event.at, record, event.id)


def on_finished(state: State, event: Event, payload: ClaimFinished, record: DecisionRecorder) -> None:
    """Rule 3: end an automatic claim whose edit is finished.

    The holder is not notified, since it did not request the claim. Other claims are not affected.
    """
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.automatic and not claim.imported:
        end_claim(state, claim, event.at, 3, "finished", record, event.id)
        grant_waiting(state, event.at, record, event.id)


def on_bypassed(state: State, event: Event, payload: ClaimBypassed, record: DecisionRecorder) -> None:
    """Rule 7: record that another session changed a claimed file. The claim stays; its holder is notified."""
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.session != event.actor and not claim.imported:
        _record_decision(record, event, claim, 7, "bypassed", (claim.id,))
        _notify(
            state, claim.session, Notice(event.id, event.at, "bypassed", (payload.resource,), event.actor, payload.how)
        )


def record_loss(
    state: State,
    event: Event,
    request: ClaimRequest,
    obstacles: tuple[EventId, ...],
    record: DecisionRecorder,
    why: str = "",
) -> None:
    """Rule 8: record that a claim is lost, and notify its session of who has it now and why.

    A claim is lost if its requester was told that it was granted, or accepted it, but the history does not grant it.
    Imported sessions are not notified.
    """
    holder = next((state.claims.get(name) or state.waits[name] for name in obstacles), None)
    notice = Notice(
        id=event.id,
        at=event.at,
        kind="lost",
        resources=(request.resource,),
        other=holder.session if holder else "",
        reason=why or loss_reason(holder.resource if holder else ""),
    )
    if not request.imported:
        state.sessions[event.actor].notices.append(notice)
    record(Decision(event.at, 8, "lost", request.id, request.session, request.resource, event.id, obstacles))


def loss_reason(obstacle: str) -> str:
    """Return why a claim was lost; `obstacle` is the resource of the conflicting claim, if there is one."""
    return f"{obstacle} was granted to it first" if obstacle else "it was no longer held"


_HolderPayload: TypeAlias = ClaimAccepted | ClaimRenewed | ClaimReleased | ClaimHandedOver


def _held_claim(state: State, event: Event, payload: _HolderPayload) -> Claim | None:
    """Return the claim of an event if its author may act on it, else None."""
    claim = state.claims.get(payload.claim)
    return claim if claim is not None and may_act_on(claim, event.actor, payload.agent) else None


def may_act_on(request: ClaimRequest, session: str, agent: str) -> bool:
    """Return whether a session or its subagent may act on a claim or waiting request.

    A subagent may act on its own requests, and a session also on those of its subagents.
    """
    return request.session == session and agent in ("", request.agent)


def _record_decision(
    record: DecisionRecorder,
    event: Event,
    request: ClaimRequest,
    rule: int,
    what: DecisionKind,
    others: tuple[EventId, ...] = (),
) -> None:
    record(Decision(event.at, rule, what, request.id, request.session, request.resource, event.id, others))
