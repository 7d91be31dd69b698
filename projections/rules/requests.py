"""How each claim event applies the rules of `projections.rules.claims`.

Only the present holder's renewal, release or handover counts; any other says nothing. An event can be right when it is
written and void in the merged history: then its author is told.
"""

from typing import TypeAlias

from eventlog.events import (
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
from projections.rules.claims import (
    end_claim,
    end_wait,
    grant_claim,
    grant_waiting,
    hand_over,
    judge,
    record_loss,
    renew_claim,
    request_fields,
)
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
    """The request that an event makes."""
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
    )


def on_requested(state: State, event: Event, payload: ClaimRequested, record: DecisionRecorder) -> None:
    """Rules 2 and 8. A request is judged at its own `at`; what its requester was told can only veto the verdict.

    One told `refused` is never granted, by no merge. One told `waiting` is granted like a waiter, to be accepted. One
    told `granted` that the history does not grant is lost, and does not wait: nobody is waiting there. Only a session
    that is live is granted anything, or one that was imported, like its request.
    """
    ask = request_of(event, payload)
    if not (state.sessions[event.actor].live or ask.imported):
        _record_decision(record, event, ask, 2, "refused")
        if payload.told == "granted":
            record_loss(state, event, ask, (), record, "its session had ended")
        return
    verdict = judge(state, ask, payload.wait_s)
    if payload.told == "refused":
        _record_decision(record, event, ask, 2, "refused", verdict.obstacles)
    elif verdict.outcome == "renewed":
        renew_claim(state.claims[verdict.renewed], event.at, payload.ttl_s)
        _record_decision(record, event, ask, 2, "renewed", (verdict.renewed,))
    elif verdict.outcome == "granted":
        grant_claim(state, ask, event.at, record, event.id, to_waiter=payload.told == "waiting")
    elif payload.told == "granted":
        _record_decision(record, event, ask, 2, "refused", verdict.obstacles)
        record_loss(state, event, ask, verdict.obstacles, record)
    elif verdict.outcome == "waiting":
        state.waits[ask.id] = WaitingRequest(**request_fields(ask), until=add_time(event.at, payload.wait_s))
        _record_decision(record, event, ask, 2, "waiting", verdict.obstacles)
    else:
        _record_decision(record, event, ask, 2, "refused", verdict.obstacles)
    grant_waiting(state, event.at, record, event.id)


def on_accepted(state: State, event: Event, payload: ClaimAccepted, record: DecisionRecorder) -> None:
    """Rules 4 and 8. The holder takes up the grant of its waiting request; without such a grant, it has lost it."""
    claim = _held_claim(state, event, payload)
    if claim is not None:
        claim.accept_by = ""
        _record_decision(record, event, claim, 4, "accepted")
    else:
        ask: ClaimRequest | None = state.waits.get(payload.claim)
        if ask is None or ask.session != event.actor:
            ask = _reconstructed_request(event, payload)
        else:
            end_wait(state, state.waits[ask.id], event.at, 8, "withdrawn", record, event.id)
        verdict = judge(state, ask, 0)
        if verdict.outcome == "renewed":  # a claim of its own covers it: nothing is lost
            _record_decision(record, event, ask, 4, "accepted", (verdict.renewed,))
        else:
            record_loss(state, event, ask, verdict.obstacles, record)
    grant_waiting(state, event.at, record, event.id)


def _reconstructed_request(event: Event, payload: ClaimAccepted) -> ClaimRequest:
    """A request that has left the state, as far as its acceptance tells of it."""
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
    )


def on_renewed(state: State, event: Event, payload: ClaimRenewed, record: DecisionRecorder) -> None:
    """Rule 3."""
    claim = _held_claim(state, event, payload)
    if claim is not None:
        renew_claim(claim, event.at, payload.ttl_s)
        _record_decision(record, event, claim, 3, "renewed", (claim.id,))
        grant_waiting(state, event.at, record, event.id)


def on_released(state: State, event: Event, payload: ClaimReleased, record: DecisionRecorder) -> None:
    """Rules 3 and 4: a claim is given back, or a wait is withdrawn."""
    claim = _held_claim(state, event, payload)
    wait = state.waits.get(payload.claim)
    if claim is not None:
        end_claim(state, claim, event.at, 3, "released", record, event.id)
    elif wait is not None and may_act_on(wait, event.actor, payload.agent):
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    grant_waiting(state, event.at, record, event.id)


def on_handed_over(state: State, event: Event, payload: ClaimHandedOver, record: DecisionRecorder) -> None:
    """Rules 5 and 8. Both sides are told: the new holder of what it has; if it was void, the giver that it still holds
    the claim, and the session that was named that it does not.
    """
    claim = _held_claim(state, event, payload)
    if claim is not None and hand_over(state, claim, payload.to, payload.note, event, record):
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
    """Rule 3: someone other than the holder ends a claim, on the record, and the holder is told."""
    claim = state.claims.get(payload.claim)
    if claim is None:
        return
    end_claim(state, claim, event.at, 3, "broken", record, event.id)
    if claim.session != event.actor and not claim.imported:
        notice = Notice(event.id, event.at, "broken", (claim.resource,), event.actor, payload.reason)
        state.sessions[claim.session].notices.append(notice)
    grant_waiting(state, event.at, record, event.id)


def on_finished(state: State, event: Event, payload: ClaimFinished, record: DecisionRecorder) -> None:
    """Rule 3: what a hook claimed for an edit ends when anyone sees that the edit is done with. It was made without the
    holder's asking, and ends without a word to it. A claim that someone asked for is not ended by this.
    """
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.automatic and not claim.imported:
        end_claim(state, claim, event.at, 3, "finished", record, event.id)
        grant_waiting(state, event.at, record, event.id)


def on_bypassed(state: State, event: Event, payload: ClaimBypassed, record: DecisionRecorder) -> None:
    """Rule 7: what another session holds was changed all the same. The claim stands, and its holder is told."""
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.session != event.actor and not claim.imported:
        _record_decision(record, event, claim, 7, "bypassed", (claim.id,))
        _notify(
            state, claim.session, Notice(event.id, event.at, "bypassed", (payload.resource,), event.actor, payload.how)
        )


_ByHolder: TypeAlias = ClaimAccepted | ClaimRenewed | ClaimReleased | ClaimHandedOver


def _held_claim(state: State, event: Event, payload: _ByHolder) -> Claim | None:
    """The claim that the author of an event holds. A subagent acts on its own, a session also on its subagents'."""
    claim = state.claims.get(payload.claim)
    return claim if claim is not None and may_act_on(claim, event.actor, payload.agent) else None


def may_act_on(ask: ClaimRequest, session: str, agent: str) -> bool:
    """Whether a claim or a wait is one that this session, or this subagent of it, may act on."""
    return ask.session == session and agent in ("", ask.agent)


def _record_decision(
    record: DecisionRecorder,
    event: Event,
    ask: ClaimRequest,
    rule: int,
    what: DecisionKind,
    others: tuple[EventId, ...] = (),
) -> None:
    record(Decision(event.at, rule, what, ask.id, ask.session, ask.resource, event.id, others))
