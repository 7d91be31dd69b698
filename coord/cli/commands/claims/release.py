"""`coord release`: release claims."""

from coord.cli.commands.claims._held import claims_on, is_same_resource, not_held_error
from coord.cli.parser import argument, command, option
from coord.cli.resources.words import all_resources
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import line
from eventlog.events import ClaimReleased
from projections.rules.claim_events.requests import may_act_on
from projections.rules.state import ClaimRequest


@command("release")
@argument("words", metavar="RESOURCE...", nargs=-1)
@option("--all", "everything", is_flag=True, help="Release all your claims, and withdraw all your waiting requests.")
@option("--waiting", "only_waits", is_flag=True, help="Withdraw only waiting requests; claims are kept.")
def release(run: Run, words: tuple[str, ...], everything: bool, only_waits: bool) -> None:
    """Release a claim, or withdraw a waiting request. Exit code 1 if it is not yours.

    Several resources are released all together or not at all.

    \b
    Examples:
      coord release file/src/app.py file/src/test_app.py
      coord release droplet church-guidance
      coord release --all
    """
    if everything and words:
        raise usage_error("give RESOURCE or --all, not both. Nothing was released.")
    resources = [] if everything else all_resources(run, "release", words)

    def decide(transaction: Transaction) -> list[ClaimRequest]:
        claims, waits = transaction.state.claims.values(), transaction.state.waits.values()
        own: list[ClaimRequest] = [
            request
            for request in (*([] if only_waits else claims), *waits)
            if may_act_on(request, transaction.me.session, transaction.me.agent) and not request.imported
        ]
        if not everything:
            on = _waiting_on if only_waits else _on
            own = [request for resource in resources for request in on(transaction, own, resource)]
        for request in own:
            transaction.append(ClaimReleased(claim=request.id, agent=transaction.me.agent))
        return own

    outcome = run.transact(decide)
    released = resources or list(dict.fromkeys(request.resource for request in outcome.value))
    run.say(
        f"🔓 Released: {', '.join(map(line, released))}"
        if released
        else f"You {'wait for no claim' if only_waits else 'hold no claims'}, so nothing was released.",
        {
            "resource": released[0] if len(released) == 1 else "",
            "resources": released,
            "session": outcome.me.session,
            "claims": [request.id for request in outcome.value],
        },
    )


def _on(transaction: Transaction, own: list[ClaimRequest], resource: str) -> list[ClaimRequest]:
    """Return those of the session's claims and waiting requests that are on exactly this resource.

    Raises CoordError (1) if there are none.
    """
    on_resource = [request for request in own if is_same_resource(request.resource, resource)]
    if not on_resource:
        raise not_held_error(transaction, resource)
    return on_resource


def _waiting_on(transaction: Transaction, own: list[ClaimRequest], resource: str) -> list[ClaimRequest]:
    """Return the session's waiting requests on exactly this resource. Raises CoordError (1) if there are none."""
    waits = [request for request in own if is_same_resource(request.resource, resource)]
    if not waits:
        me = transaction.me.session
        granted = any(claim.session == me for claim in claims_on(transaction.state, resource))
        why = "it has been granted meanwhile, and is kept" if granted else "none waits"
        raise refused(f"no request for {line(resource)} was withdrawn: {why}.", resource=resource)
    return waits
