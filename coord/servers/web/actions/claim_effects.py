"""What an action does to claims and waiting requests: who loses what, who gets it, and who is told."""

from coord.render.format import ago, duration_text, line, plural, quoted, time_text
from coord.servers.web.actions.context import ActionContext, Effect, delay
from eventlog.events import ClaimBroken, ClaimHandedOver, ClaimReleased, SessionEnded, seconds_between
from projections.rules.claim_events.handover import handover_claim
from projections.rules.state import Claim, State, WaitingRequest

_MOST = 20  # sentences about claims and requests


def consequences(context: ActionContext, after: State) -> list[str]:
    """Return a sentence for each claim and each waiting request that differs in the state `after`."""
    before = context.state
    ended = [claim for name, claim in before.claims.items() if name not in after.claims]
    granted = [claim for name, claim in after.claims.items() if name not in before.claims]
    withdrawn = [w for name, w in before.waits.items() if name not in after.waits and name not in after.claims]
    rows = [_lost(context, claim) for claim in ended]
    rows += [_granted(context, claim, before.waits.get(claim.id)) for claim in granted]
    rows += [f"{context.label(wait.session)} no longer waits for {line(wait.resource)}." for wait in withdrawn]
    more = len(rows) - _MOST
    return [*rows[:_MOST], f"… and {plural(more, 'more change')} of claims."] if more > 0 else rows


def _lost(context: ActionContext, claim: Claim) -> str:
    held = duration_text(seconds_between(claim.granted_at, context.now))
    until = "" if claim.automatic else f", until {time_text(claim.ends_at, context.now)}"
    note = f", for {quoted(claim.note)}" if claim.note else ""
    who = context.label(claim.session) + (f"'s subagent {line(claim.agent)}" if claim.agent else "")
    verb = "lose" if who == "you" else "loses"
    since = time_text(claim.granted_at, context.now)
    return f"{who} {verb} {line(claim.resource)}, which has been held since {since} ({held}){until}{note}."


def _granted(context: ActionContext, claim: Claim, wait: WaitingRequest | None) -> str:
    waited = f", as the next in the queue (waiting since {time_text(wait.asked_at, context.now)})" if wait else ""
    who = context.label(claim.session)
    return f"{who} {'get' if who == 'you' else 'gets'} {line(claim.resource)}{waited}."


def _told(context: ActionContext, after: State, what: str) -> list[str]:
    """Return who gets a new notice."""
    told = [
        name
        for name, session in after.sessions.items()
        if name in context.state.sessions and len(session.notices) > len(context.state.sessions[name].notices)
    ]
    return [f"{context.label(name)} is told {what}{delay(context, name)}." for name in told]


def _claims_of_others(context: ActionContext) -> list[Claim]:
    resource, session = context.text("resource"), context.text("session")
    claims = [c for c in context.state.claims.values() if c.resource == resource and not c.imported]
    return [c for c in claims if (c.session == session if session else c.session != context.me)]


def _queue(rows: list[str], context: ActionContext) -> list[str]:
    """Add a sentence if nobody gets the resource."""
    gets = any(" gets " in row or " get " in row for row in rows)
    return (
        rows if gets else [*rows, "Nobody waits for it." if "resource" in context.given else "Nobody waits for these."]
    )


def break_effect(context: ActionContext) -> Effect:
    """Return who loses the claim, who is next, and who is told."""
    claims = _claims_of_others(context)
    if not claims:
        who = (
            f"{context.label(context.text('session'))} no longer has" if context.text("session") else "nobody else has"
        )
        return Effect(refused=f"{who} a claim on {line(context.text('resource'))}.")
    after = context.after(context.me, *(ClaimBroken(claim=claim.id, reason="?") for claim in claims))
    rows = _queue(consequences(context, after), context)
    told = _told(context, after, "why you ended it")
    return Effect([*rows, *told], {"claims": [claim.id for claim in claims]})


def _own_claims(context: ActionContext) -> list[Claim]:
    resource = context.text("resource")
    return [c for c in context.state.claims.values() if (c.session, c.resource) == (context.me, resource)]


def hand_over_effect(context: ActionContext) -> Effect:
    """Return who gets the claim."""
    claims, to = _own_claims(context), context.session("to")
    if not claims:
        return Effect(refused=f"{line(context.text('resource'))} is no longer yours.")
    if to is None:
        return Effect(["Choose the session that gets it."])
    void = any(not isinstance(handover_claim(context.state, claim, to.id, "", context.now), Claim) for claim in claims)
    if to.id == context.me or void:
        return Effect(refused=f"{context.label(to.id)} cannot get it: it is yours, or conflicts with another claim.")
    events = (ClaimHandedOver(claim=c.id, resource=c.resource, to=to.id, note=context.text("note")) for c in claims)
    after = context.after(context.me, *events)
    rows = [*consequences(context, after), *_told(context, after, "that it has it now, with your note")]
    return Effect([*rows, "Nobody else can get it in between."])


def release_effect(context: ActionContext) -> Effect:
    """Return who gets what the person releases."""
    mine = (context.me, context.text("resource"))
    requests = [*context.state.claims.values(), *context.state.waits.values()]
    own = [request for request in requests if (request.session, request.resource) == mine]
    if not own:
        return Effect(refused=f"{line(context.text('resource'))} is no longer yours.")
    after = context.after(context.me, *(ClaimReleased(claim=request.id) for request in own))
    return Effect(_queue(consequences(context, after), context))


def withdraw_effect(context: ActionContext) -> Effect:
    """Return which waiting request ends."""
    session = context.session()
    waits = [
        wait
        for wait in context.state.waits.values()
        if session and (wait.session, wait.resource) == (session.id, context.text("resource"))
    ]
    if session is None or not waits:
        return Effect(refused=f"no request for {line(context.text('resource'))} is waiting any more.")
    after = context.after(session.id, *(ClaimReleased(claim=wait.id) for wait in waits))
    return Effect([*consequences(context, after), f"{context.label(session.id)}'s command ends without the claim."])


def end_effect(context: ActionContext) -> Effect:
    """Return what an ended session loses, and who gets it."""
    session = context.session()
    if session is None or session.status in ("ended", "imported"):
        return Effect(refused=f"{context.label(context.text('session'))} has ended already.")
    after = context.after(session.id, SessionEnded())
    evidence = context.gone.get(session.id, "")
    why = f": {evidence}" if evidence else f"; it was last heard of {ago(session.last_at, context.now)}"
    rows = [f"{context.label(session.id)} is ended{why}."]
    rows += [] if evidence else ["If its agent still works, it must start again."]
    return Effect([*rows, *_queue(consequences(context, after), context)], {"last": [f"{session.id}/{session.last_n}"]})
