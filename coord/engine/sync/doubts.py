"""What a machine cannot know about the claims of the others, although it has read everything that they published. Pure.

1. A claim of another machine that expired may have been renewed there, if nothing later is known from that machine, and
   this machine's clock may be wrong. It counts until the time of another machine, or of the remote, is a minute past
   its end.
2. Events of a machine whose clock is ahead are held back. A claim in them may be held already.
"""

from collections.abc import Iterable

from eventlog.events import ClaimRequested, Event, Instant, add_time
from projections.rules.claim_events.requests import request_of
from projections.rules.conflicts import conflict
from projections.rules.state import Claim, ClaimRequest, State

CONFIRMED_AFTER_S = 60  # how much later than its end another clock must be


def expired_elsewhere(state: State, request: ClaimRequest, machine: str) -> list[Claim]:
    """Return the expired claims that conflict with a request and were held on another machine than `machine`."""
    return [
        claim
        for claim in state.expired.values()
        if state.sessions[claim.session].machine != machine and conflict(claim, request)
    ]


def may_be_held(claim: Claim, outside: Instant) -> bool:
    """Return whether an expired claim of another machine may still be held. `outside` is the latest time that another
    machine, or the remote, is known to have reached.
    """
    return add_time(claim.expires_at, CONFIRMED_AFTER_S) > outside


def held_back_claim(events: Iterable[Event], request: ClaimRequest) -> Event | None:
    """Return the first of these events that requests something which conflicts with a request, and was granted."""
    for event in events:
        payload = event.payload
        if not isinstance(payload, ClaimRequested) or payload.told != "granted":
            continue
        if conflict(request_of(event, payload), request):
            return event
    return None
