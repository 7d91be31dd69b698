"""`coord break`: end another session's claim, with a reason."""

from coord.cli.commands.claims._held import claims_on
from coord.cli.parser import argument, command, option
from coord.cli.resources.types import command_line
from coord.cli.resources.words import one_resource
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import line, session_label
from eventlog.events import ClaimBroken
from projections.rules.resources import overlap
from projections.views.board import names_of


@command("break")
@argument("words", metavar="RESOURCE", nargs=-1, required=True)
@option("--reason", required=True, help="The reason. The holder sees it, and the log keeps it.")
def break_(run: Run, words: tuple[str, ...], reason: str) -> None:
    """End another session's claim. Its holder is told who ended it, and why.

    Ask the holder first, or wait: a silent session can be in the middle of a long build. To get the resource, claim it
    afterwards.

    \b
    Example:
      coord break file/src/app.py --reason "its user has closed that session"
    """
    resource = one_resource(run, "break", words)
    if not reason.strip():
        raise usage_error(
            "the reason is empty. Nothing was changed. Say why you end the claim: the holder will read it."
        )

    def decide(transaction: Transaction) -> list[str]:
        held = claims_on(transaction.state, resource)
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
