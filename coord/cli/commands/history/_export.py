"""Write the page of a period into one file, for `coord web --export` and `coord report --html`."""

import os
from collections.abc import Sequence
from typing import Any

from coord.cli.commands.history._stories import stories
from coord.cli.commands.history._written import write_result
from coord.engine.board import board_of
from coord.engine.history.full import FullHistory
from coord.engine.history.search import searched_text
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.board.text import ROWS
from coord.render.format import line, plural, time_text
from coord.render.timeline.scale import period_label
from coord.servers.export.page import exported_page
from coord.servers.export.span import MOST_EVENTS, read_span, span_data
from coord.servers.web.documents import Viewer, moment_document
from coord.servers.web.stories import group_found
from eventlog.events import DAY_S, Event, Instant, add_time
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, before_instant, count_until


def export_page(run: Run, file: str, since: str | None, until: str | None, default_s: int = DAY_S) -> None:
    """Write the page of the period between two times; without `since`, of the last `default_s` seconds before the end.

    Raises CoordError (2), and then an existing file is unchanged.
    """
    past = run.full_history()
    run.note_problems(past.snapshot)
    first, last = _bounds(past, since, until, default_s)
    span = read_span(past, first, last)
    snapshot = past.snapshot
    viewer = Viewer(folder=os.path.basename(run.workspace.root), read_only=True)

    def describe(state: State, at: Instant) -> dict[str, object]:
        snapshot.state, snapshot.at = state, at
        board = board_of(run.system, run.config, snapshot, at, most=ROWS)
        return moment_document(board, state, viewer, live=False)

    data = span_data(span, describe, lambda subjects: stories(run, past, last, subjects), _search_groups(span.events))
    period = period_label(span.since, span.until)
    page = exported_page(data, f"{os.path.basename(run.workspace.root)}, {period}")
    path = write_result(run, file, page, "the page")
    facts = f"{plural(len(span.events), 'event')}, {period}"
    text = f"Wrote {line(file, 200)}: {facts}. Open it in a browser; it needs no server and no network."
    run.say(text, {"file": path, "since": span.since, "until": span.until, "events": len(span.events)})


def _search_groups(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return everything that a search in these events can find, each row with the text that is searched in `find`."""
    searched = {event.id: searched_text(event) for event in events}
    groups = group_found("", events)
    for group in groups:
        for row in group["results"]:
            row["find"] = searched.get(row["about"], row["text"].casefold())
    return groups


def _bounds(past: FullHistory, since: str | None, until: str | None, default_s: int) -> tuple[PointInTime, PointInTime]:
    """Return the beginning and the end of the span. Raises CoordError (2)."""
    last = past.cut(until, "--until")
    first = past.since(since, "--since") if since is not None else before_instant(add_time(last.at, -default_s))
    if last.at < first.at:
        begin, end = (time_text(at, "", seconds=True) for at in (first.at, last.at))
        raise usage_error(f"--since is {begin}, after the end, {end}.")
    count = count_until(past.events, last) - count_until(past.events, first)
    if count > MOST_EVENTS:
        raise usage_error(
            f"this period has {count} events, and a page in a file can have at most {MOST_EVENTS}. Nothing was "
            "written. Name a shorter period: --since -2h, or --since TIME --until TIME."
        )
    return first, last
