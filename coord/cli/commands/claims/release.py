"""`coord release`: release a claim."""

from coord.cli.commands.claims._held import is_same_resource, not_held_error
from coord.cli.parser import argument, command
from coord.cli.resources import one_resource
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.render.format import line
from eventlog.events import ClaimReleased
from projections.rules.requests import may_act_on


@command("release")
@argument("words", metavar="RESOURCE", nargs=-1, required=True)
def release(run: Run, words: tuple[str, ...]) -> None:
    """Release a claim, or withdraw a waiting request. Exit code 1 if it is not yours.

    \b
    Examples:
      coord release droplet church-guidance
      coord release file/src/app.py
    """
    resource = one_resource(run.system, run.workspace, words)

    def decide(transaction: Transaction) -> list[str]:
        own_ids = [
            request.id
            for request in (*transaction.state.claims.values(), *transaction.state.waits.values())
            if may_act_on(request, transaction.me.session, transaction.me.agent)
            and is_same_resource(request.resource, resource)
        ]
        if not own_ids:
            raise not_held_error(transaction, resource)
        for claim_id in own_ids:
            transaction.append(ClaimReleased(claim=claim_id, agent=transaction.me.agent))
        return own_ids

    outcome = run.transact(decide)
    run.say(
        f"🔓 Released: {line(resource)}",
        {"resource": resource, "session": outcome.me.session, "claims": outcome.value},
    )
