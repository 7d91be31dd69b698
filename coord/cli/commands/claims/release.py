"""`coord release`."""

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
    """Give a claim back, or withdraw a request that waits. Exit code 1 if it is not yours.

    \b
    Examples:
      coord release droplet church-guidance
      coord release file/src/app.py
    """
    resource = one_resource(run.system, run.workspace, words)

    def decide(transaction: Transaction) -> list[str]:
        asks = [*transaction.state.claims.values(), *transaction.state.waits.values()]
        own = [
            ask.id
            for ask in asks
            if may_act_on(ask, transaction.me.session, transaction.me.agent)
            and is_same_resource(ask.resource, resource)
        ]
        if not own:
            raise not_held_error(transaction, resource)
        for name in own:
            transaction.append(ClaimReleased(claim=name, agent=transaction.me.agent))
        return own

    outcome = run.transact(decide)
    run.say(
        f"🔓 Released: {line(resource)}",
        {"resource": resource, "session": outcome.me.session, "claims": outcome.value},
    )
