"""`coord end`: end this session and release its claims."""

from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused
from coord.render.format import line
from coord.workspace.identity import Identity, identify
from eventlog.events import SessionEnded


@command("end")
@option("--summary", default="", help="What you did.")
@option("--notes", default="", help="What the next session should know.")
@option("--last", metavar="EVENT", default="", help="Refuse if the session has written events after this one.")
def end(run: Run, summary: str, notes: str, last: str) -> None:
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

    def who(transaction: Transaction) -> Identity:
        identity = identify(run.system, transaction.state, run.session)
        session = transaction.state.sessions.get(identity.session)
        if session is None or f"{session.id}/{session.last_n}" != last:
            now = f": its last event is {session.id}/{session.last_n}" if session else ""
            raise refused(f"the session has written events after {line(last)}{now}. It was not ended.")
        return identity

    outcome = run.transact(decide, who if last else None)
    released = "".join(f"\n🔓 Released: {line(resource)}" for resource in outcome.value[:20])
    released += f"\n… and {len(outcome.value) - 20} more" if len(outcome.value) > 20 else ""
    run.say(
        f"✅ Session {outcome.me.session} ended{released}",
        {"session": outcome.me.session, "released": outcome.value},
    )
