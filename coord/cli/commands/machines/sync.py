"""`coord sync`: exchange journals with the remote now."""

import msgspec

from coord.cli.commands.machines._exchange import exchanged_text, failed, opened, run_exchange
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.link.client import LinkClient, is_listening
from coord.engine.sync.link.start import link_listens
from coord.engine.sync.record import JoinedRemote, joined_remote
from coord.errors import CoordError, refused, usage_error
from eventlog.errors import LogError

_LIMIT_S = 120


@command("sync", acts=False)
@option("--compact", is_flag=True, help="Also shorten the history of a git remote to one commit. No event is removed.")
def sync(run: Run, compact: bool) -> None:
    """Exchange journals with the remote now, and show what came in and what was published.

    The link does this by itself. Use this command to be sure, or without a link.

    \b
    Examples:
      coord sync
      coord sync --compact
    """
    joined = joined_remote(run.system, run.workspace)
    if joined is None:
        raise refused("no remote is joined on this machine. To join one: coord remote add git")
    if compact and joined.kind != "git":
        raise usage_error("--compact is for a git remote. The remote here is another kind. Nothing was changed.")
    try:
        done = _exchanged(run, joined, compact=compact)
    except CoordError:
        if not is_listening(run.workspace.cache):
            raise
        done = _exchanged(run, joined, compact=compact)  # a link has started meanwhile
    run.say(exchanged_text(done), done.as_document())


def _exchanged(run: Run, joined: JoinedRemote, *, compact: bool) -> Exchanged:
    """Exchange by the link if it runs, otherwise in this process. Raises CoordError (1)."""
    kept = "What is not published yet stays here and is published later"
    try:
        if link_listens(run.workspace):
            answer = LinkClient(run.workspace.cache, _LIMIT_S).sync(compact=compact)
            return msgspec.convert(answer.exchanged, Exchanged)
        with opened(run, joined) as exchange:
            done = run_exchange(exchange)
            if compact:
                exchange.compact()
            return done
    except (LogError, OSError) as error:
        raise failed(error, kept) from None
