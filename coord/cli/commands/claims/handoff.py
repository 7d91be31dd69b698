"""`coord handoff`."""

from coord.cli.commands.claims._held import own_claims
from coord.cli.parser import argument, command, complete_session, option
from coord.cli.resources import resource_and_rest
from coord.engine.run import Run
from coord.engine.transaction import Moment
from coord.errors import refused, wrong
from coord.render.format import called, line
from coord.workspace.names import resolve
from eventlog.events import ClaimHandedOver, EventId
from projections.rules.claims import handed_to
from projections.rules.state import Claim
from projections.views.board import names_of


@command("handoff")
@argument("words", metavar="RESOURCE SESSION", nargs=-1, required=True, shell_complete=complete_session)
@option("--note", default="", help="What the other session should know.")
def handoff(run: Run, words: tuple[str, ...], note: str) -> None:
    """Give a claim to another session, without a moment in which a third could take it.

    \b
    Examples:
      coord handoff file src/app.py amber-otter --note "tests are red on purpose"
      coord handoff droplet/church-guidance backend
    """
    resource, rest = resource_and_rest(run.world, run.place, words)
    if len(rest) != 1:
        raise wrong("to whom? Say: coord handoff RESOURCE SESSION")

    def decide(moment: Moment) -> tuple[str, list[EventId]]:
        to = resolve(moment.state, rest[0])
        own = own_claims(moment, resource)
        if to == moment.me.session:
            raise refused(f"{line(resource)} is yours already.")
        if not moment.state.sessions[to].live:
            raise refused(f"{to} is not here any more ({moment.state.sessions[to].status}). You still hold {resource}.")
        if any(not isinstance(handed_to(moment.state, claim, to, "", moment.at), Claim) for claim in own):
            raise refused(
                f"{line(resource)} could not be handed over: you or a subagent still hold something that overlaps it. "
                "Release or hand over that first. You still hold it."
            )
        given = [
            ClaimHandedOver(claim=claim.id, resource=claim.resource, to=to, note=note, agent=moment.me.agent)
            for claim in own
        ]
        return to, [moment.append(event).id for event in given]

    outcome = run.act(decide)
    to, made = outcome.value
    run.say(
        f"✅ Handed over: {line(resource)} to {called(to, names_of(outcome.present.state))}",
        {"resource": resource, "from": outcome.me.session, "to": to, "claims": made},
    )
