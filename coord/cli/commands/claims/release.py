"""`coord release`."""

from coord.cli.commands.claims._held import not_yours, same
from coord.cli.parser import argument, command
from coord.cli.resources import one_resource
from coord.engine.run import Run
from coord.engine.transaction import Moment
from coord.render.format import line
from eventlog.events import ClaimReleased
from projections.rules.requests import is_own


@command("release")
@argument("words", metavar="RESOURCE", nargs=-1, required=True)
def release(run: Run, words: tuple[str, ...]) -> None:
    """Give a claim back, or withdraw a request that waits. Exit code 1 if it is not yours.

    \b
    Examples:
      coord release droplet church-guidance
      coord release file/src/app.py
    """
    resource = one_resource(run.world, run.place, words)

    def decide(moment: Moment) -> list[str]:
        asks = [*moment.state.claims.values(), *moment.state.waits.values()]
        own = [
            ask.id for ask in asks if is_own(ask, moment.me.session, moment.me.agent) and same(ask.resource, resource)
        ]
        if not own:
            raise not_yours(moment, resource)
        for name in own:
            moment.append(ClaimReleased(claim=name, agent=moment.me.agent))
        return own

    outcome = run.act(decide)
    run.say(
        f"🔓 Released: {line(resource)}",
        {"resource": resource, "session": outcome.me.session, "claims": outcome.value},
    )
