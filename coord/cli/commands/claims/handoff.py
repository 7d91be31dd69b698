"""`coord handoff`: hand a claim over to another session."""

from coord.cli.commands.claims._held import own_claims
from coord.cli.parser import argument, command, option
from coord.cli.resources.words import resource_and_rest
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import line, session_label
from coord.workspace.names import resolve_session
from eventlog.events import ClaimHandedOver, EventId
from projections.rules.claim_events.handover import handover_claim
from projections.rules.state import Claim
from projections.views.board import names_of


@command("handoff")
@argument("words", metavar="RESOURCE SESSION", nargs=-1, required=True)
@option("--note", default="", help="What the other session should know.")
@option("--offline", is_flag=True, help="Do not ask the other machines: the claim is provisional until they agree.")
def handoff(run: Run, words: tuple[str, ...], note: str, offline: bool) -> None:
    """Hand a claim over to another session. Nobody else can get it in between.

    \b
    Examples:
      coord handoff file src/app.py amber-otter --note "tests are red on purpose"
      coord handoff droplet/church-guidance backend
    """
    run.offline = offline
    resource, rest = resource_and_rest(run, "handoff", words)
    if len(rest) != 1:
        raise usage_error(
            "the session to hand over to is missing. Nothing was changed. Write: coord handoff RESOURCE SESSION"
        )

    def decide(transaction: Transaction) -> tuple[str, list[EventId]]:
        to = resolve_session(transaction.state, rest[0])
        own = own_claims(transaction, resource)
        if to == transaction.me.session:
            raise refused(f"{line(resource)} is already yours.")
        if not transaction.state.sessions[to].live:
            raise refused(
                f"{to} is no longer live ({transaction.state.sessions[to].status}). You still hold {resource}."
            )
        if any(
            not isinstance(handover_claim(transaction.state, claim, to, "", transaction.at), Claim) for claim in own
        ):
            raise refused(
                f"{line(resource)} was not handed over: you or a subagent also hold a claim that overlaps it. "
                "Release that or hand it over first. You still hold both."
            )
        handovers = [
            ClaimHandedOver(claim=claim.id, resource=claim.resource, to=to, note=note, agent=transaction.me.agent)
            for claim in own
        ]
        return to, [transaction.append(event).id for event in handovers]

    outcome = run.transact(decide)
    to, claims = outcome.value
    run.say(
        f"✅ Handed over: {line(resource)} to {session_label(to, names_of(outcome.snapshot.state))}",
        {"resource": resource, "from": outcome.me.session, "to": to, "claims": claims},
    )
