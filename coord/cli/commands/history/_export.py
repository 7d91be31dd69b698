"""Write the page of a span into one file, for `coord web --export` and `coord report --html`."""

import os

from coord.cli.commands.history._picture import write_picture
from coord.cli.commands.history._stories import stories
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.format import line, plural
from coord.render.timeline.scale import period_label
from coord.servers.export.page import exported_page
from coord.servers.export.span import MOST_EVENTS, read_span, span_data
from eventlog.events import DAY_S, add_time
from projections.views.point_in_time import PointInTime, before_instant


def export_page(run: Run, file: str, since: str | None, until: str | None, default_s: int = DAY_S) -> None:
    """Write the page of the span between two times; without `since`, it has the last `default_s` seconds before the end.

    Raises CoordError (2), and then an existing file is unchanged.
    """
    past = run.full_history()
    run.note_problems(past.snapshot)
    first, last = _bounds(past, since, until, default_s)
    path = os.path.join(run.system.cwd, file)
