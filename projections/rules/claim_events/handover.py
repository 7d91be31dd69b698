"""Rule 5: claims that pass to another session without a gap, by a handover or because it continues the holder."""

from collections.abc import Collection

from eventlog.events import ClaimHandedOver, Event, EventId, Instant
from projections.rules.claims import (
    accept_claim,
    end_claim,
    end_wait,
    grant_waiting,
    index_of,
    next_token,
    request_fields,
)
from projections.rules.conflicts import conflict
from projections.rules.state import Claim, Decision, DecisionRecorder, State


def transfer_claims(state: State, old: str, new: str, event: Event, record: DecisionRecorder) -> tuple[str, ...]:
    """Give the claims of a session to the session that continues it, under new tokens; its waits end.

    The claims keep their ids, because the id of one event cannot be that of several claims. Returns their resources.
    """
    for wait in index_of(state).waits.of_session(old):
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    return _transfer(index_of(state).claims.of_session(old), state, new, event, record)


def transfer_agent_claims(
    state: State, session: str, agents: Collection[str], event: Event, record: DecisionRecorder
) -> None:
    """Give the claims of these subagents to their session, as `transfer_claims` does; their waits end."""
    index = index_of(state)
    for wait in [wait for wait in index.waits.of_session(session) if wait.agent in agents]:
        end_wait(state, wait, event.at, 4, "withdrawn", record, event.id)
    held = [claim for claim in index.claims.of_session(session) if claim.agent in agents]
    _transfer(held, state, session, event, record)


def _transfer(claims: list[Claim], state: State, new: str, event: Event, record: DecisionRecorder) -> tuple[str, ...]:
    """Give these claims to the session `new` itself. Their subagents are gone, so no subagent has them any more."""
    for claim in claims:
        record(Decision(event.at, 5, "passed_on", claim.id, claim.session, claim.resource, event.id, (claim.id,)))
        index_of(state).pass_claim(claim, new)
        claim.granted_at, claim.token = event.at, next_token(state, event.at)
        accept_claim(state, claim)
        record(Decision(event.at, 5, "granted", claim.id, new, claim.resource, event.id))
    grant_waiting(state, event.at, record, event.id)
    return tuple(claim.resource for claim in claims)


def handover_claim(
    state: State, claim: Claim, to: str, event_id: EventId, at: Instant, *, provisional: bool = False
) -> Claim | tuple[EventId, ...]:
    """Rule 5: return the claim that a handover creates, with the same end, or the obstacles if the handover is void.

    It is void if the new holder is not live, or if the new claim would conflict with another active claim. That can be
    one of the giver or of one of its subagents.
    """
    fields = request_fields(claim) | {"id": event_id, "session": to, "agent": "", "asked_at": at}
    fields["provisional"] = provisional
    agreed_until = at if fields["provisional"] else claim.agreed_until
    new = Claim(**fields, granted_at=at, expires_at=claim.expires_at, token=0, agreed_until=agreed_until)
    claims = index_of(state).claims
    near = (other for other in claims.near(new.resource) if other.id != claim.id and conflict(other, new))
    others = tuple(other.id for other in claims.in_order(near))
    target = state.sessions.get(to)
    return others if others or target is None or not target.live else new


def hand_over(state: State, claim: Claim, payload: ClaimHandedOver, event: Event, record: DecisionRecorder) -> bool:
    """Rule 5: grant a claim to the named session, with the same end and a new token, before any waiting request.

    There is no gap in between. Returns False if the handover is void; see `handover_claim`.
    """
    to, note = payload.to, payload.note
    new = handover_claim(state, claim, to, event.id, event.at, provisional=payload.provisional)
    if not isinstance(new, Claim):
        record(Decision(event.at, 5, "void", claim.id, claim.session, claim.resource, event.id, new))
        return False
    end_claim(state, claim, event.at, 5, "handed_over", record, event.id, became=(new.id,))
    new.token, new.note = next_token(state, event.at), note or claim.note
    index_of(state).claims.add(new)
    record(Decision(event.at, 5, "granted", new.id, to, new.resource, event.id))
    grant_waiting(state, event.at, record, event.id)
    return True
