"""Find the claims that `renew`, `release`, `handoff` and `break` act on, and explain a refusal."""

from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused
from coord.render.format import Names, line, session_label, until
from coord.render.messages import notice_line
from projections.rules.claim_events.requests import may_act_on
from projections.rules.state import Claim, State
from projections.views.board import names_of


def own_claims(transaction: Transaction, resource: str) -> list[Claim]:
    """Return this session's active claims on exactly this resource. Raises CoordError (1) if there are none."""
    own = [
        c for c in claims_on(transaction.state, resource) if may_act_on(c, transaction.me.session, transaction.me.agent)
    ]
    if not own:
        raise not_held_error(transaction, resource)
    return own


def not_held_error(transaction: Transaction, resource: str) -> CoordError:
    """Return the error for a resource that this session does not hold. It says who holds it, or how it was lost."""
    others, names = claims_on(transaction.state, resource), names_of(transaction.state)
    notices = [
        notice
        for notice in transaction.state.sessions[transaction.me.session].notices
        if any(is_same_resource(name, resource) for name in notice.resources)
    ]
    if notices:
        reason = notice_line(notices[-1], transaction.at, names)
    elif others:
        reason = "; ".join(
            f"{_holder(claim, transaction.me.session, names)} has it "
            f"{until(claim.ends_at, transaction.at, claim.automatic)}"
            for claim in others
        )
    else:
        mine = sorted({c.resource for c in transaction.state.claims.values() if c.session == transaction.me.session})
        reason = f"nobody has it. You hold: {', '.join(line(name) for name in mine)}" if mine else "nobody has it"
    return refused(f"{line(resource)} is not yours: {reason}.", resource=resource)


def _holder(claim: Claim, me: str, names: Names) -> str:
    """Return the holder of a claim in a text for the session `me`."""
    if claim.session != me:
        return session_label(claim.session, names)
    return f"another subagent of your session ({line(claim.agent)})" if claim.agent else "your session's main agent"


def claims_on(state: State, resource: str) -> list[Claim]:
    """Return the active claims on exactly this resource, without imported claims, which block nobody."""
    return [
        claim for claim in state.claims.values() if is_same_resource(claim.resource, resource) and not claim.imported
    ]


def unconfirmed_on(transaction: Transaction, resource: str) -> list[Claim]:
    """Return the expired claims on exactly this resource that their machines may have renewed."""
    expired = transaction.state.expired.values() if transaction.agreeing else ()
    return [
        claim
        for claim in expired
        if is_same_resource(claim.resource, resource) and transaction.is_elsewhere(claim.session)
    ]


def is_same_resource(held: str, typed: str) -> bool:
    """Return whether a held resource is the typed one.

    A final `/` makes no difference, because the folder may have been created or removed since the claim.
    """
    return held == typed or (held.startswith("file/") and held.removesuffix("/") == typed.removesuffix("/"))
