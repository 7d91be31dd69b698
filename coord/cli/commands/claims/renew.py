"""`coord renew`: extend a claim."""

from coord.cli.commands.claims._held import own_claims
from coord.cli.parser import Number, argument, command, option
from coord.cli.resources import resource_and_rest
from coord.engine.durations import NEGATIVE, parse_ttl_s
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import line, until
from eventlog.events import ClaimRenewed
from projections.rules.claims import is_token_valid
from projections.views.board import ClaimRow, claim_row


@command("renew", negative=NEGATIVE)
@argument("words", metavar="RESOURCE [HOURS]", nargs=-1, required=True)
@option("--ttl", help="How long from now, instead of HOURS: 90m, 2h.")
@option("--token", number=Number(), help="Refuse unless the claim still has this token.")
def renew(run: Run, words: tuple[str, ...], ttl: str | None, token: int | None) -> None:
    """Extend a claim, counted from now. A claim is never shortened.

    With --token it also checks the claim: a deployment that was started with a token continues only if nobody else has
    had the resource since. HOURS defaults to the setting `claim_hours`, which is 4.

    \b
    Examples:
      coord renew file src/app.py 2
      coord renew deploy/production --token 1795346406123456 && ./deploy
    """
    resource, rest = resource_and_rest(run.system, run.workspace, words)
    if len(rest) > 1:
        raise usage_error(f"too many words after {resource}: {' '.join(rest)[:80]}")
    ttl_seconds = parse_ttl_s(rest[0] if rest else None, ttl, run.config.claim_hours)

    def decide(transaction: Transaction) -> list[ClaimRow]:
        own = own_claims(transaction, resource)
        if token is not None:
            own = [claim for claim in own if is_token_valid(transaction.state, claim.id, token)]
            if not own:
                raise refused(
                    f"token {token} of {line(resource)} is no longer valid: the claim was granted again later."
                )
        for claim in own:
            transaction.append(ClaimRenewed(claim=claim.id, ttl_s=ttl_seconds, agent=transaction.me.agent))
        return [claim_row(transaction.state.claims[claim.id]) for claim in own]

    outcome = run.transact(decide)
    row = outcome.value[0]
    run.say(
        f"✅ Renewed: {line(resource)} {until(row.ends_at, outcome.snapshot.state.at)}",
        {"resource": resource, "session": row.session, "claim": row.id, "until": row.ends_at, "token": row.token},
    )
