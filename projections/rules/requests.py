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
    later,
)
from projections.rules.claims import end, grant, hand_over, judge, leave_queue, lose, renew, settle, terms
from projections.rules.state import Ask, Claim, Decision, Notice, Record, State, Waiting, What


def ask_of(event: Event, payload: ClaimRequested) -> Ask:
    """The request that an event makes."""
    return Ask(
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


def on_requested(state: State, event: Event, payload: ClaimRequested, record: Record) -> None:
    """Rules 2 and 8. A request is judged at its own `at`; what its requester was told can only veto the verdict.

    One told `refused` is never granted, by no merge. One told `waiting` is granted like a waiter, to be accepted. One
    told `granted` that the history does not grant is lost, and does not wait: nobody is waiting there. Only a session
    that is live is granted anything, or one that was imported, like its request.
    """
    ask = ask_of(event, payload)
    if not (state.sessions[event.actor].live or ask.imported):
        _say(record, event, ask, 2, "refused")
        if payload.told == "granted":
            lose(state, event, ask, (), record, "its session had ended")
        return
    verdict = judge(state, ask, payload.wait_s)
    if payload.told == "refused":
        _say(record, event, ask, 2, "refused", verdict.obstacles)
    elif verdict.outcome == "renewed":
        renew(state.claims[verdict.renewed], event.at, payload.ttl_s)
        _say(record, event, ask, 2, "renewed", (verdict.renewed,))
    elif verdict.outcome == "granted":
        grant(state, ask, event.at, record, event.id, to_waiter=payload.told == "waiting")
    elif payload.told == "granted":
        _say(record, event, ask, 2, "refused", verdict.obstacles)
        lose(state, event, ask, verdict.obstacles, record)
    elif verdict.outcome == "waiting":
        state.waits[ask.id] = Waiting(**terms(ask), until=later(event.at, payload.wait_s))
        _say(record, event, ask, 2, "waiting", verdict.obstacles)
    else:
        _say(record, event, ask, 2, "refused", verdict.obstacles)
    settle(state, event.at, record, event.id)


def on_accepted(state: State, event: Event, payload: ClaimAccepted, record: Record) -> None:
    """Rules 4 and 8. The holder takes up the grant of its waiting request; without such a grant, it has lost it."""
    claim = _own(state, event, payload)
    if claim is not None:
        claim.accept_by = ""
        _say(record, event, claim, 4, "accepted")
    else:
        ask: Ask | None = state.waits.get(payload.claim)
        if ask is None or ask.session != event.actor:
            ask = _forgotten(event, payload)
        else:
            leave_queue(state, state.waits[ask.id], event.at, 8, "withdrawn", record, event.id)
        verdict = judge(state, ask, 0)
        if verdict.outcome == "renewed":  # a claim of its own covers it: nothing is lost
            _say(record, event, ask, 4, "accepted", (verdict.renewed,))
        else:
            lose(state, event, ask, verdict.obstacles, record)
    settle(state, event.at, record, event.id)


def _forgotten(event: Event, payload: ClaimAccepted) -> Ask:
    """A request that has left the state, as far as its acceptance tells of it."""
    return Ask(
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


def on_renewed(state: State, event: Event, payload: ClaimRenewed, record: Record) -> None:
    """Rule 3."""
    claim = _own(state, event, payload)
    if claim is not None:
        renew(claim, event.at, payload.ttl_s)
        _say(record, event, claim, 3, "renewed", (claim.id,))
        settle(state, event.at, record, event.id)


def on_released(state: State, event: Event, payload: ClaimReleased, record: Record) -> None:
    """Rules 3 and 4: a claim is given back, or a wait is withdrawn."""
    claim = _own(state, event, payload)
    wait = state.waits.get(payload.claim)
    if claim is not None:
        end(state, claim, event.at, 3, "released", record, event.id)
    elif wait is not None and is_own(wait, event.actor, payload.agent):
        leave_queue(state, wait, event.at, 4, "withdrawn", record, event.id)
    settle(state, event.at, record, event.id)


def on_handed_over(state: State, event: Event, payload: ClaimHandedOver, record: Record) -> None:
    """Rules 5 and 8. Both sides are told: the new holder of what it has; if it was void, the giver that it still holds
    the claim, and the session that was named that it does not.
    """
    claim = _own(state, event, payload)
    if claim is not None and hand_over(state, claim, payload.to, payload.note, event, record):
        _tell(
            state, payload.to, Notice(event.id, event.at, "handed_over", (claim.resource,), event.actor, payload.note)
        )
        return
    if claim is not None:
        _tell(state, event.actor, Notice(event.id, event.at, "not_handed_over", (claim.resource,), payload.to))
    if payload.to != event.actor:
        why = f"{event.actor} could not hand it over"
        _tell(
            state,
            payload.to,
            Notice(event.id, event.at, "lost", (payload.resource,), event.actor if claim else "", why),
        )


def _tell(state: State, session: str, notice: Notice) -> None:
    if session in state.sessions and state.sessions[session].status != "imported":
        state.sessions[session].notices.append(notice)


def on_broken(state: State, event: Event, payload: ClaimBroken, record: Record) -> None:
    """Rule 3: someone other than the holder ends a claim, on the record, and the holder is told."""
    claim = state.claims.get(payload.claim)
    if claim is None:
        return
    end(state, claim, event.at, 3, "broken", record, event.id)
    if claim.session != event.actor and not claim.imported:
        notice = Notice(event.id, event.at, "broken", (claim.resource,), event.actor, payload.reason)
        state.sessions[claim.session].notices.append(notice)
    settle(state, event.at, record, event.id)


def on_finished(state: State, event: Event, payload: ClaimFinished, record: Record) -> None:
    """Rule 3: what a hook claimed for an edit ends when anyone sees that the edit is done with. It was made without the
    holder's asking, and ends without a word to it. A claim that someone asked for is not ended by this.
    """
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.automatic and not claim.imported:
        end(state, claim, event.at, 3, "finished", record, event.id)
        settle(state, event.at, record, event.id)


def on_bypassed(state: State, event: Event, payload: ClaimBypassed, record: Record) -> None:
    """Rule 7: what another session holds was changed all the same. The claim stands, and its holder is told."""
    claim = state.claims.get(payload.claim)
    if claim is not None and claim.session != event.actor and not claim.imported:
        _say(record, event, claim, 7, "bypassed", (claim.id,))
        _tell(
            state, claim.session, Notice(event.id, event.at, "bypassed", (payload.resource,), event.actor, payload.how)
        )


_ByHolder: TypeAlias = ClaimAccepted | ClaimRenewed | ClaimReleased | ClaimHandedOver


def _own(state: State, event: Event, payload: _ByHolder) -> Claim | None:
    """The claim that the author of an event holds. A subagent acts on its own, a session also on its subagents'."""
    claim = state.claims.get(payload.claim)
    return claim if claim is not None and is_own(claim, event.actor, payload.agent) else None


def is_own(ask: Ask, session: str, agent: str) -> bool:
    """Whether a claim or a wait is one that this session, or this subagent of it, may act on."""
    return ask.session == session and agent in ("", ask.agent)


def _say(record: Record, event: Event, ask: Ask, rule: int, what: What, others: tuple[EventId, ...] = ()) -> None:
    record(Decision(event.at, rule, what, ask.id, ask.session, ask.resource, event.id, others))
