"""What the commands on held claims share: finding one's own, and saying who else has it."""

from coord.engine.transaction import Moment
from coord.errors import CoordError, refused
from coord.render.format import line, until
from coord.render.messages import notice_line
from projections.rules.requests import is_own
from projections.rules.state import Claim, State
from projections.views.board import names_of


def own_claims(moment: Moment, resource: str) -> list[Claim]:
    """This session's active claims on exactly this resource. Raises CoordError (1) if there are none."""
    own = [c for c in held_by(moment.state, resource) if is_own(c, moment.me.session, moment.me.agent)]
    if not own:
        raise not_yours(moment, resource)
    return own


def not_yours(moment: Moment, resource: str) -> CoordError:
    """The refusal for a resource that is not held by this session, saying who holds it or what it may mean."""
    others = held_by(moment.state, resource)
    told = moment.state.sessions[moment.me.session].notices
    news = [notice for notice in told if any(same(name, resource) for name in notice.resources)]
    if news:
        who = notice_line(news[-1], moment.at, names_of(moment.state))
    elif others:
        who = "; ".join(
            f"{claim.session} has it {until(claim.ends_at, moment.at, claim.automatic)}" for claim in others
        )
    else:
        mine = sorted({c.resource for c in moment.state.claims.values() if c.session == moment.me.session})
        who = f"nobody has it. You hold: {', '.join(line(name) for name in mine)}" if mine else "nobody has it"
    return refused(f"{line(resource)} is not yours: {who}.", resource=resource)


def held_by(state: State, resource: str) -> list[Claim]:
    """The active claims on exactly this resource; what was imported is in nobody's way."""
    return [claim for claim in state.claims.values() if same(claim.resource, resource) and not claim.imported]


def same(held: str, typed: str) -> bool:
    """Whether a claim is on what was typed. A folder may have come or gone since the claim, and its `/` with it."""
    return held == typed or (held.startswith("file/") and held.removesuffix("/") == typed.removesuffix("/"))
