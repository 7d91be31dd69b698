"""`coord renew`: extend or shorten claims."""

from coord.cli.commands.claims._held import own_claims
from coord.cli.commands.claims._renewal import renewal_text
from coord.cli.parser import Number, argument, command, option
from coord.cli.resources.words import resources_and_hours
from coord.engine.run import Run
from coord.engine.times.durations import NEGATIVE, parse_ttl_s
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import line
from eventlog.events import ClaimRenewed, Instant
from projections.rules.claims import ends_earlier, is_token_valid
from projections.rules.state import Claim
from projections.views.board import ClaimRow, claim_row


@command("renew", negative=NEGATIVE)
@argument("words", metavar="RESOURCE... [HOURS]", nargs=-1, required=True)
@option("--ttl", help="How long the claim lasts from now, instead of HOURS: 90m, 2h.")
@option("--token", number=Number(), help="Refuse unless the claim still has this token.")
@option("--offline", is_flag=True, help="Do not ask the other machines: what is added is provisional until they agree.")
def renew(run: Run, words: tuple[str, ...], ttl: str | None, token: int | None, offline: bool) -> None:
    """Extend a claim, counted from now. It is shortened only if you give a time.

    With --token, the claim is renewed only if it still has that token. So a deployment that was started with a token
    continues only if nobody else has had the resource since. HOURS defaults to the setting `claim_hours`, which is 4.

    \b
    Examples:
      coord renew file src/app.py 2
      coord renew deploy/production --token 1795346406123456 && ./deploy
    """
    run.offline = offline
    resources, hours = resources_and_hours(run, "renew", words)
    if token is not None and len(resources) > 1:
        raise usage_error("--token can be used with one resource only. Nothing was renewed.")
    ttl_seconds = parse_ttl_s(hours, ttl, run.config.claim_hours)
    exact = hours is not None or ttl is not None

    def decide(transaction: Transaction) -> list[tuple[ClaimRow, Instant]]:
        own = {resource: own_claims(transaction, resource) for resource in resources}
        if token is not None:
            own = {resource: _with_token(transaction, claims, token) for resource, claims in own.items()}
        return [_renew(transaction, claims, ttl_seconds, exact=exact) for claims in own.values()]

    outcome = run.transact(decide)
    texts, documents = [], []
    for resource, (row, before) in zip(resources, outcome.value, strict=True):
        text = renewal_text(line(resource), row, before, outcome.snapshot.state.at)
        texts.append(f"✅ {text[0].upper()}{text[1:]}")
        documents.append(_document(resource, row, before))
    several = {"resources": resources, "session": outcome.me.session, "claims": documents}
    run.say("\n".join(texts), documents[0] if len(documents) == 1 else several)


def _with_token(transaction: Transaction, claims: list[Claim], token: int) -> list[Claim]:
    """Return those of the claims that still have this token. Raises CoordError (1) if there are none."""
    valid = [claim for claim in claims if is_token_valid(transaction.state, claim.id, token)]
    if not valid:
        resource = line(claims[0].resource)
        raise refused(
            f"token {token} of {resource} is not valid: the resource was granted again later, or never had this token. "
            "Nothing was renewed."
        )
    return valid


def _renew(transaction: Transaction, claims: list[Claim], ttl_s: int, *, exact: bool) -> tuple[ClaimRow, Instant]:
    """Renew the claims on one resource, and return the first of them, and its end before."""
    before = claims[0].ends_at
    for claim in claims:
        shorten = exact and ends_earlier(claim, transaction.at, ttl_s)
        transaction.append(ClaimRenewed(claim=claim.id, ttl_s=ttl_s, agent=transaction.me.agent, shorten=shorten))
    return claim_row(transaction.state.claims[claims[0].id]), before


def _document(resource: str, row: ClaimRow, before: Instant) -> dict[str, object]:
    return {
        "resource": resource,
        "session": row.session,
        "claim": row.id,
        "until": row.ends_at,
        "until_before": before,
        "token": row.token,
    }
