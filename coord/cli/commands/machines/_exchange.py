"""What the commands for several machines share: an exchange in this process, and what it moved as text."""

from collections.abc import Iterator
from contextlib import contextmanager

from coord.engine.run import Run
from coord.engine.sync.exchange.exchange import Exchange
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.record import JoinedRemote, open_remote
from coord.errors import CoordError, refused
from coord.render.format import line
from eventlog.errors import LogError


@contextmanager
def opened(run: Run, joined: JoinedRemote) -> Iterator[Exchange]:
    """Yield an exchange with a remote that reads it from its beginning. Raises CoordError (1)."""
    try:
        remote = open_remote(joined, run.system, run.workspace, run.config)
        exchange = Exchange(
            run.system, run.workspace, run.config, remote, from_beginning=True, wait_s=run.config.agree_seconds
        )
    except LogError as error:
        raise failed(error, "Nothing was exchanged") from None
    try:
        yield exchange
    finally:
        exchange.close()


def run_exchange(exchange: Exchange) -> Exchanged:
    """Exchange in both directions, with a progress bar. Raises LogError, or OSError."""
    done = Exchanged()
    exchange.catch_up(done, shows_progress=True)
    exchange.publish_new(done, shows_progress=True)
    return done


def failed(error: Exception, kept: str) -> CoordError:
    """Return the error for an exchange that failed."""
    reason = str(error)
    return refused(f"{reason[:1].upper()}{reason[1:].rstrip('.')}. {kept}.")


def exchanged_text(done: Exchanged) -> str:
    """Return what was moved, a line for each direction and for each problem."""
    lines = [
        f"Received: {_events(done.events_in)}{_journals(done.journals_in, 'new journal')}",
        f"Published: {_events(done.events_out)}{_journals(done.journals_out, 'journal')}",
        *(f"⚠️ {line(text, 300)}" for text in done.found),
    ]
    return "\n".join(lines)


def _events(count: int) -> str:
    return "nothing" if not count else f"{count} event{'s' * (count != 1)}"


def _journals(count: int, word: str) -> str:
    return f", {count} {word}{'s' * (count != 1)}" if count else ""
