"""The options `--limit` and `--before` of lists, and the page of a list that they select.

A page has the newest rows, in the order of the list. It says how many older rows there are, and which command shows
them. In JSON documents these are the fields `older` and `next`.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from coord.cli.parser import Number, option
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.format import line, plural
from eventlog.local.journal import read_event
from projections.views.point_in_time import SortKey, newest

T = TypeVar("T")
_LIMIT_HELP = "Show at most N {rows}."
_BEFORE_HELP = "Show only what is older than TIME: 18:00, -90m, yesterday, or an event id."


def limit_option(rows: str, *more_names: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Declare `--limit` for a command that lists `rows`."""
    help_text = _LIMIT_HELP.format(rows=rows)
    return option("--limit", *more_names, metavar="N", number=Number(least=1), help=help_text)


before_option = option("--before", metavar="TIME", help=_BEFORE_HELP)


class Page(Struct, Generic[T]):
    """The rows to show, how many older ones there are, and the command that shows them ("" if there are none)."""

    rows: Sequence[T]
    older: int = 0
    next_command: str = ""

    def hint(self, row: str) -> str:
        """Return the line about the older rows, or "" if there are none. `row` is the singular of what is listed."""
        return f"… {plural(self.older, f'older {row}')}: {self.next_command}" if self.older else ""

    @property
    def data(self) -> dict[str, object]:
        """The fields of a JSON document."""
        return {"older": self.older, "next": self.next_command}


def rest_hint(run: Run, name: str, count: int, shown: int) -> list[str]:
    """Return the line about the rows after the first `shown` of `count`, and the command that shows them, if any."""
    return [f"… and {count - shown} more: {run.repeat(name, limit=count)}"] if count > shown else []


def newest_page(
    run: Run, name: str, rows: Sequence[T], key: Callable[[T], SortKey], limit: int | None, before: str | None
) -> Page[T]:
    """Return the newest `limit` rows (all if it is None) that are older than `before`. `name` is the command's.

    The rows can have any order, which is kept. Raises CoordError (2) for an unknown `before`.
    """
    if before is None and (limit is None or len(rows) <= limit):
        return Page(rows)
    shown, older = newest(rows, key, limit, None if before is None else cut_before(run, before, list(map(key, rows))))
    if not older:
        return Page(shown)
    _, session, number = min(map(key, shown))
    return Page(shown, len(older), run.repeat(name, before=f"{session}/{number}"))


def cut_before(run: Run, text: str, keys: Sequence[SortKey] = ()) -> SortKey:
    """Return the sort key before which rows are older than `text`, which is a time or the id of a row or an event.

    Raises CoordError (2).
    """
    from coord.engine.times.points_in_time import (  # they are slow to load, and rarely needed
        is_event_name,
        parse_instant,
    )

    if not is_event_name(text):
        return parse_instant(text, "--before", run.system.wall()), "", 0
    session, _, number = text.rpartition("/")
    if listed := [key for key in keys if key[1:] == (session, int(number))]:
        return listed[0]
    event = read_event(run.workspace.log, text)
    if event is None:
        raise usage_error(f"--before: there is no event {line(text, 60)}. Write the id as lists show it.")
    return event.key
