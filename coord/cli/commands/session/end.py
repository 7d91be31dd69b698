"""`coord end`: end this session and release its claims."""

from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.render.format import line
from eventlog.events import SessionEnded


@command("end")
@option("--summary", default="", help="What you did.")
@option("--notes", default="", help="What the next session should know.")
def end(run: Run, summary: str, notes: str) -> None:
    """End this session and release all its claims. Sessions that wait for these claims can then get them.

    \b
    Examples:
      coord end
      coord end --summary "landing page done" --notes "the form still needs tests"
    """

    def decide(transaction: Transaction) -> list[str]:
        me = transaction.me.session
        held = sorted(claim.resource for claim in transaction.state.claims.values() if claim.session == me)
        transaction.append(SessionEnded(summary=summary, notes=notes))
        return held

    outcome = run.transact(decide)
    released = "".join(f"\n🔓 Released: {line(resource)}" for resource in outcome.value[:20])
    released += f"\n… and {len(outcome.value) - 20} more" if len(outcome.value) > 20 else ""
    run.say(
        f"✅ Session {outcome.me.session} ended{released}",
        {"session": outcome.me.session, "released": outcome.value},
    )
