"""`coord whoami`: show which session a command acts as."""

from coord.cli.parser import command
from coord.engine.run import Run
from coord.render.format import line
from coord.workspace.names import known_session


@command("whoami")
def whoami(run: Run) -> None:
    """Show which session this is, and how it was identified.

    \b
    Example:
      coord whoami
    """
    snapshot, me = run.read_as_session()
    run.note_problems(snapshot)
    session = known_session(snapshot.state, me.session)
    name = f" ({line(session.name)})" if session.name else ""
    agent = f", subagent {line(me.agent)}" if me.agent else ""
    run.say(
        f"{session.id}{name}{agent}, identified by {me.how}",
        {"session": session.id, "name": session.name, "agent": me.agent, "how": me.how, "status": session.status},
    )
