"""`coord break`: end another session's claim, with a reason."""

from coord.cli.commands.claims._held import claims_on, unconfirmed_on
from coord.cli.parser import argument, command, option
from coord.cli.resources.types import command_line
from coord.cli.resources.words import one_resource
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused, usage_error
from coord.render.format import line, session_label, until
from eventlog.events import ClaimBroken
from projections.rules.resources import overlap
from projections.rules.state import Claim
from projections.views.board import names_of


@command("break")
@argument("words", metavar="RESOURCE", nargs=-1, required=True)
@option("--reason", required=True, help="The reason. The holder sees it, and the log keeps it.")
@option(
    "--claim",
    "only",
    metavar="ID",
    multiple=True,
    help="End only the claim with this id; refuse if it has ended. May be repeated.",
)
@option("--offline", is_flag=True, help="Do not ask the other machines first.")
def break_(run: Run, words: tuple[str, ...], reason: str, only: tuple[str, ...], offline: bool) -> None:
    """End another session's claim. Its holder is told who ended it, and why.

    Ask the holder first, or wait: a silent session can be in the middle of a long build. To get the resource, claim it
    afterwards. With --claim, a claim that another session got in the meantime is not ended.

    \b
    Examples:
      coord break file/src/app.py --reason "its user has closed that session"
      coord break src/app.py --claim amber-otter-k3f9/17 --reason "its user is gone"
    """
    run.offline = offline
    resource = one_resource(run, "break", words)
    if not reason.strip():
        raise usage_error(
            "the reason is empty. Nothing was changed. Say why you end the claim: the holder will read it."
        )

    def decide(transaction: Transaction) -> list[str]:
        held = claims_on(transaction.state, resource) or unconfirmed_on(transaction, resource)
        if ended := [name for name in only if name not in {claim.id for claim in held}]:
            raise _claim_ended(transaction, resource, ended, held)
        held = [claim for claim in held if not only or claim.id in only]
        if not held:
            near = sorted(c.resource for c in transaction.state.claims.values() if overlap(c.resource, resource))
            hint = f" These claims overlap it: {', '.join(line(name) for name in near)}." if near else ""
            raise refused(f"nobody has a claim on {line(resource)}.{hint}")
        others = [claim for claim in held if claim.session != transaction.me.session]
        if not others:
            raise refused(f"{line(resource)} is your own claim. To release it: {command_line('release', resource)}")
        for claim in others:
            transaction.append(ClaimBroken(claim=claim.id, reason=reason))
        return [claim.session for claim in others]

    outcome = run.transact(decide)
    names = names_of(outcome.snapshot.state)
    holders = ", ".join(session_label(holder, names) for holder in outcome.value)
    run.say(
        f"✅ Broken: {line(resource)}, held by {holders}, who will be notified. If you need it, claim it now.",
        {"resource": resource, "by": outcome.me.session, "holders": outcome.value, "reason": reason},
    )


def _claim_ended(transaction: Transaction, resource: str, ended: list[str], held: list[Claim]) -> CoordError:
    """Return the error for claims that have ended, with the sessions that have the resource now."""
    names = names_of(transaction.state)
    holders = "; ".join(
        f"{session_label(claim.session, names)} has it with claim {claim.id}, "
        f"{until(claim.ends_at, transaction.at, claim.automatic)}"
        for claim in held
    )
    return refused(
        f"{', '.join(map(line, ended))} is no longer an active claim on {line(resource)}. Nothing was changed. "
        f"{holders or 'Nobody has it'}.",
        resource=resource,
        claims=[claim.id for claim in held],
    )
