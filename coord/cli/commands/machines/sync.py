"""`coord sync`: exchange journals with the remote now."""

import msgspec

from coord.cli.commands.machines._exchange import exchanged_text, failed, opened, run_exchange
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.link.client import LinkClient
from coord.engine.sync.link.start import link_listens
from coord.engine.sync.record import joined_remote
from coord.errors import refused, usage_error
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
    if link_listens(run.workspace):
        try:
            answer = LinkClient(run.workspace.cache, _LIMIT_S).sync(compact=compact)
        except LogError as error:
            raise failed(error, "What is not published yet stays here and is published later") from None
        done = msgspec.convert(answer.exchanged, Exchanged)
    else:
        with opened(run, joined) as exchange:
            try:
                done = run_exchange(exchange)
                if compact:
                    exchange.compact()
            except (LogError, OSError) as error:
                raise failed(error, "What is not published yet stays here and is published later") from None
    run.say(exchanged_text(done), done.as_document())
