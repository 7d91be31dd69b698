"""What an action does to claims and waiting requests: who loses what, who gets it, and who is told."""

from coord.render.format import ago, duration_text, line, plural, quoted, time_text
from coord.servers.web.actions.outlook import Effect, Outlook, delay
from eventlog.events import ClaimBroken, ClaimHandedOver, ClaimReleased, SessionEnded, seconds_between
from projections.rules.claims import handover_claim
from projections.rules.state import Claim, State, WaitingRequest

_MOST = 20  # sentences about claims and requests


def consequences(outlook: Outlook, after: State) -> list[str]:
    """Return a sentence for each claim and each waiting request that differs in the state `after`."""
    before = outlook.state
    ended = [claim for name, claim in before.claims.items() if name not in after.claims]
    granted = [claim for name, claim in after.claims.items() if name not in before.claims]
    withdrawn = [w for name, w in before.waits.items() if name not in after.waits and name not in after.claims]
    rows = [_lost(outlook, claim) for claim in ended]
    rows += [_granted(outlook, claim, before.waits.get(claim.id)) for claim in granted]
    rows += [f"{outlook.label(wait.session)} no longer waits for {line(wait.resource)}." for wait in withdrawn]
    more = len(rows) - _MOST
    return [*rows[:_MOST], f"… and {plural(more, 'more change')} of claims."] if more > 0 else rows


def _lost(outlook: Outlook, claim: Claim) -> str:
    held = duration_text(seconds_between(claim.granted_at, outlook.now))
    until = "" if claim.automatic else f", until {time_text(claim.ends_at, outlook.now)}"
    note = f", for {quoted(claim.note)}" if claim.note else ""
    who = outlook.label(claim.session) + (f"'s subagent {line(claim.agent)}" if claim.agent else "")
    verb = "lose" if who == "you" else "loses"
    since = time_text(claim.granted_at, outlook.now)
    return f"{who} {verb} {line(claim.resource)}, which has been held since {since} ({held}){until}{note}."


def _granted(outlook: Outlook, claim: Claim, wait: WaitingRequest | None) -> str:
    waited = f", as the next in the queue (waiting since {time_text(wait.asked_at, outlook.now)})" if wait else ""
    who = outlook.label(claim.session)
    return f"{who} {'get' if who == 'you' else 'gets'} {line(claim.resource)}{waited}."


def _told(outlook: Outlook, after: State, what: str) -> list[str]:
    """Return who gets a new notice."""
    told = [
        name
        for name, session in after.sessions.items()
        if name in outlook.state.sessions and len(session.notices) > len(outlook.state.sessions[name].notices)
    ]
    return [f"{outlook.label(name)} is told {what}{delay(outlook, name)}." for name in told]


def _claims_of_others(outlook: Outlook) -> list[Claim]:
    resource, session = outlook.text("resource"), outlook.text("session")
    claims = [c for c in outlook.state.claims.values() if c.resource == resource and not c.imported]
    return [c for c in claims if (c.session == session if session else c.session != outlook.me)]


def _queue(rows: list[str], outlook: Outlook) -> list[str]:
    """Add that nobody gets the resource, if that is so."""
    gets = any(" gets " in row or " get " in row for row in rows)
    return (
        rows if gets else [*rows, "Nobody waits for it." if "resource" in outlook.given else "Nobody waits for these."]
    )


def break_effect(outlook: Outlook) -> Effect:
    """Return who loses the claim, who is next, and who is told."""
    claims = _claims_of_others(outlook)
    if not claims:
        who = (
            f"{outlook.label(outlook.text('session'))} no longer has" if outlook.text("session") else "nobody else has"
        )
        return Effect(refused=f"{who} a claim on {line(outlook.text('resource'))}.")
    after = outlook.after(outlook.me, *(ClaimBroken(claim=claim.id, reason="?") for claim in claims))
    rows = _queue(consequences(outlook, after), outlook)
    told = _told(outlook, after, "that you ended it, and your reason")
    return Effect([*rows, *told], {"claims": [claim.id for claim in claims]})


def _own_claims(outlook: Outlook) -> list[Claim]:
    resource = outlook.text("resource")
    return [c for c in outlook.state.claims.values() if (c.session, c.resource) == (outlook.me, resource)]


def hand_over_effect(outlook: Outlook) -> Effect:
    """Return who gets the claim."""
    claims, to = _own_claims(outlook), outlook.session("to")
    if not claims:
        return Effect(refused=f"{line(outlook.text('resource'))} is no longer yours.")
    if to is None:
        return Effect(["Choose the session that gets it."])
    void = any(not isinstance(handover_claim(outlook.state, claim, to.id, "", outlook.now), Claim) for claim in claims)
    if to.id == outlook.me or void:
        return Effect(refused=f"{outlook.label(to.id)} cannot get it: it is yours, or conflicts with another claim.")
    events = (ClaimHandedOver(claim=c.id, resource=c.resource, to=to.id, note=outlook.text("note")) for c in claims)
    after = outlook.after(outlook.me, *events)
    rows = [*consequences(outlook, after), *_told(outlook, after, "that it has it now, with your note")]
    return Effect([*rows, "Nobody else can get it in between."])


def release_effect(outlook: Outlook) -> Effect:
    """Return who gets what the person releases."""
    mine = (outlook.me, outlook.text("resource"))
    requests = [*outlook.state.claims.values(), *outlook.state.waits.values()]
    own = [request for request in requests if (request.session, request.resource) == mine]
    if not own:
        return Effect(refused=f"{line(outlook.text('resource'))} is no longer yours.")
    after = outlook.after(outlook.me, *(ClaimReleased(claim=request.id) for request in own))
    return Effect(_queue(consequences(outlook, after), outlook))


def withdraw_effect(outlook: Outlook) -> Effect:
    """Return which waiting request ends."""
    session = outlook.session()
    waits = [
        wait
        for wait in outlook.state.waits.values()
        if session and (wait.session, wait.resource) == (session.id, outlook.text("resource"))
    ]
    if session is None or not waits:
        return Effect(refused=f"no request for {line(outlook.text('resource'))} is waiting any more.")
    after = outlook.after(session.id, *(ClaimReleased(claim=wait.id) for wait in waits))
    return Effect([*consequences(outlook, after), f"{outlook.label(session.id)}'s command ends without the claim."])


def end_effect(outlook: Outlook) -> Effect:
    """Return what an ended session loses, and who gets it."""
    session = outlook.session()
    if session is None or session.status in ("ended", "imported"):
        return Effect(refused=f"{outlook.label(outlook.text('session'))} has ended already.")
    after = outlook.after(session.id, SessionEnded())
    evidence = outlook.gone.get(session.id, "")
    why = f": {evidence}" if evidence else f"; it was last heard of {ago(session.last_at, outlook.now)}"
    rows = [f"{outlook.label(session.id)} is ended{why}."]
    rows += [] if evidence else ["If its agent still works, it must start again."]
    return Effect([*rows, *_queue(consequences(outlook, after), outlook)], {"last": [f"{session.id}/{session.last_n}"]})
