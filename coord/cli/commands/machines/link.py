"""`coord link`: the process that keeps this folder and its remote up to date."""

import sys

from coord.cli.commands.machines._exchange import failed
from coord.cli.commands.machines.remote import status_document
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.sync.exchange.status import read_status
from coord.engine.sync.link.client import LinkClient
from coord.engine.sync.link.start import stop_link
from coord.engine.sync.record import joined_remote
from coord.errors import refused
from coord.render.board.link import link_lines
from eventlog.errors import LogError
from eventlog.remotes.remote import RemoteAway

_LIMIT_S = 5


@command("link", acts=False)
@option("--status", is_flag=True, help="Show the state of the link, and start nothing.")
@option("--stop", is_flag=True, help="End the link that runs.")
@option("--quiet", is_flag=True, help="Print nothing while it runs.")
def link(run: Run, status: bool, stop: bool, quiet: bool) -> None:
    """Run the link: it receives and publishes events as they are written, and agrees on claims for local commands.

    It starts by itself with the first session in a folder that has a remote, and ends ten minutes after the last
    session of this machine. In a terminal it shows its state; Ctrl-C ends it.

    \b
    Examples:
      coord link --status
      coord link --stop
    """
    joined = joined_remote(run.system, run.workspace)
    if joined is None:
        raise refused("no remote is joined on this machine. To join one: coord remote add git")
    if status:
        _show_status(run)
        return
    if stop:
        _stop(run)
        return
    from coord.servers.link.server import Link, run_link

    shown: list[str] = []

    def tell(running: Link) -> None:
        text = "\n".join(link_lines(running.exchange.status, {}, run.system.wall()))
        if not quiet and shown != [text]:
            shown[:] = [text]
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    try:
        run_link(run.system, run.workspace, run.config, joined, tell)
    except (LogError, OSError) as error:
        raise failed(error, "To see the link that runs: coord link --status") from None


def _show_status(run: Run) -> None:
    known = read_status(run.workspace)
    try:
        pid = LinkClient(run.workspace.cache, _LIMIT_S).state().pid
    except LogError:
        pid = 0
    first = f"The link runs (pid {pid})." if pid else "The link does not run. It starts with the next session or claim."
    text = "\n".join([first, *link_lines(known, {}, run.system.wall())])
    run.say(text, {"running": bool(pid), "pid": pid, **status_document(known)})


def _stop(run: Run) -> None:
    try:
        ended = stop_link(run.workspace)
    except RemoteAway:
        raise refused("the link does not run.") from None
    run.say("✅ The link has ended." if ended else "The link ends when it has published.", {"running": not ended})
