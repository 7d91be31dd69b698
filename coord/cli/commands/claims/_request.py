"""Request claims in a transaction: all of them, or none if one is taken."""

from typing import Any, Literal

import msgspec

from coord.engine.transaction import Transaction
from coord.guard.denial import is_work_on
from coord.hooks.edits import GitAnswers, finish_conflicting
from coord.workspace.config import Config
from coord.workspace.identity import Identity, own_anchor
from eventlog.events import Anchor, ClaimRequested, EventId, Instant, Mode, ToldOutcome
from projections.rules.claims import Verdict, decide_request, ends_earlier
from projections.rules.state import Claim, ClaimRequest, State
from projections.views.board import ClaimRow, claim_row, elsewhere


class ClaimTerms(msgspec.Struct, frozen=True):
    """What is requested beside the resource. With `exact`, a claim that the session has already may be shortened."""

    mode: Mode
    ttl_s: int
    wait_s: int = 0
    note: str = ""
    exact: bool = False


class ClaimResult(msgspec.Struct):
    """The result of a request. `obstacles` describe the claims and waiting requests that conflict with it.

    `free` is a resource that was not requested, because another one of the same command is taken. `until_before` is the
    end that a renewed claim had before.
    """

    outcome: Literal["granted", "renewed", "waiting", "refused", "timed_out", "free"]
    resource: str
    session: str
    claim: EventId
    at: Instant
    row: ClaimRow | None = None
    until: Instant = ""
    obstacles: list[dict[str, Any]] = []
    until_before: Instant = ""


def request_claims(
    transaction: Transaction, config: Config, answers: GitAnswers, resources: list[str], terms: ClaimTerms
) -> list[ClaimResult]:
    """Request claims in a transaction. If some are refused, only these requests are appended."""
    for resource in resources:
        finish_conflicting(transaction, config, _present_request(transaction, resource, terms), answers)
    requests = {resource: _present_request(transaction, resource, terms) for resource in resources}
    verdicts = {name: decide_request(transaction.state, asked, terms.wait_s) for name, asked in requests.items()}
    refused = [resource for resource, verdict in verdicts.items() if verdict.outcome == "refused"]
    return [
        ClaimResult("free", resource, transaction.me.session, "", transaction.at)
        if refused and resource not in refused
        else request_claim(transaction, resource, terms)
        for resource in resources
    ]


def request_claim(transaction: Transaction, resource: str, terms: ClaimTerms) -> ClaimResult:
    """Request one claim. The event records the answer that the session gets."""
    me, at = transaction.me, transaction.at
    request = _present_request(transaction, resource, terms)
    verdict = decide_request(transaction.state, request, terms.wait_s)
    machine = transaction.system.here.machine
    obstacles = [_describe_obstacle(transaction.state, one, resource, machine) for one in verdict.obstacles]
    before = transaction.state.claims[verdict.renewed].ends_at if verdict.renewed else ""
    waiter = own_anchor(transaction.system) if verdict.outcome == "waiting" else None
    event = transaction.append(_request_event(transaction.state, request, terms, verdict, waiter))
    held = transaction.state.claims.get(verdict.renewed or event.id)
    return ClaimResult(
        outcome=verdict.outcome,
        resource=resource,
        session=me.session,
        claim=verdict.renewed or event.id,
        at=at,
        row=claim_row(held) if held else None,
        until=held.ends_at if held else "",
        obstacles=obstacles,
        until_before=before,
    )


def _present_request(transaction: Transaction, resource: str, terms: ClaimTerms) -> ClaimRequest:
    return claim_request(transaction.me, resource, terms, transaction.at, provisional=transaction.provisional)


def _request_event(
    state: State, request: ClaimRequest, terms: ClaimTerms, verdict: Verdict, waiter: Anchor | None
) -> ClaimRequested:
    told: ToldOutcome = "granted" if verdict.outcome == "renewed" else verdict.outcome
    own = state.claims.get(verdict.renewed)
    return ClaimRequested(
        resource=request.resource,
        mode=request.mode,
        ttl_s=request.ttl_s,
        wait_s=terms.wait_s,
        agent=request.agent,
        told=told,
        waiter=waiter,
        note=request.note,
        shorten=terms.exact and own is not None and _would_shorten(own, request),
    )


def _would_shorten(own: Claim, request: ClaimRequest) -> bool:
    return own.resource == request.resource and ends_earlier(own, request.asked_at, request.ttl_s)


def claim_request(
    me: Identity, resource: str, terms: ClaimTerms, at: Instant, *, provisional: bool = False
) -> ClaimRequest:
    """Return the request as the rules would see it if it were the newest event of the session."""
    return ClaimRequest(
        id=f"{me.session}/{2**53}",
        session=me.session,
        agent=me.agent,
        resource=resource,
        mode=terms.mode,
        worktree="",
        ttl_s=terms.ttl_s,
        automatic=False,
        note=terms.note,
        asked_at=at,
        provisional=provisional,
    )


def _describe_obstacle(state: State, claim_id: EventId, wanted: str, machine: str) -> dict[str, Any]:
    """Return a claim or waiting request that conflicts with the `wanted` resource, as it is printed, and as it is in
    the JSON document. `work` is what the holder is doing if that is work on the resource.
    """
    held = state.claims.get(claim_id)
    request = held or state.waits[claim_id]
    holder = state.sessions[request.session]
    doing = " ".join(part for part in (holder.doing.action, holder.doing.target) if part)
    ends = held.ends_at if held else state.waits[claim_id].until
    since = held.granted_at if held else request.asked_at
    is_work = is_work_on(wanted, doing, holder.doing.automatic, holder.doing_since, since)
    return {
        "claim": claim_id,
        "kind": "claim" if held else "waiting request",
        "resource": request.resource,
        "session": request.session,
        "name": holder.name,
        "agent": request.agent,
        "since": since,
        "until": ends,
        "automatic": request.automatic,
        "note": request.note,
        "doing": doing,
        "work": doing if is_work else "",
        "blocked_on": holder.doing.blocked_on,
        "elsewhere": elsewhere(state, request.session, machine),
    }
