"""What the commands on held claims share: finding one's own, and saying who else has it."""

from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused
from coord.render.format import line, until
from coord.render.messages import notice_line
from projections.rules.requests import may_act_on
from projections.rules.state import Claim, State
from projections.views.board import names_of


def own_claims(transaction: Transaction, resource: str) -> list[Claim]:
    """This session's active claims on exactly this resource. Raises CoordError (1) if there are none."""
    own = [
        c for c in claims_on(transaction.state, resource) if may_act_on(c, transaction.me.session, transaction.me.agent)
    ]
    if not own:
        raise not_held_error(transaction, resource)
    return own


def not_held_error(transaction: Transaction, resource: str) -> CoordError:
    """The refusal for a resource that is not held by this session, saying who holds it or what it may mean."""
    others = claims_on(transaction.state, resource)
    told = transaction.state.sessions[transaction.me.session].notices
    news = [notice for notice in told if any(is_same_resource(name, resource) for name in notice.resources)]
    if news:
        who = notice_line(news[-1], transaction.at, names_of(transaction.state))
    elif others:
        who = "; ".join(
            f"{claim.session} has it {until(claim.ends_at, transaction.at, claim.automatic)}" for claim in others
        )
    else:
        mine = sorted({c.resource for c in transaction.state.claims.values() if c.session == transaction.me.session})
        who = f"nobody has it. You hold: {', '.join(line(name) for name in mine)}" if mine else "nobody has it"
    return refused(f"{line(resource)} is not yours: {who}.", resource=resource)


def claims_on(state: State, resource: str) -> list[Claim]:
    """The active claims on exactly this resource; what was imported is in nobody's way."""
    return [
        claim for claim in state.claims.values() if is_same_resource(claim.resource, resource) and not claim.imported
    ]


def is_same_resource(held: str, typed: str) -> bool:
    """Whether a claim is on what was typed. A folder may have come or gone since the claim, and its `/` with it."""
    return held == typed or (held.startswith("file/") and held.removesuffix("/") == typed.removesuffix("/"))
