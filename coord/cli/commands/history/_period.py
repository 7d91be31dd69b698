"""Read the period between `--since` and `--until`, for `coord report`."""

from msgspec import Struct

from coord.engine.board import board_of
from coord.engine.history.full import Past
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.console.progress import chunks
from coord.render.format import line, time_text
from eventlog.events import HOUR_S, add_time
from projections.views.board import Board
from projections.views.intervals.analysis import HistoryAnalysis, analyze_history
from projections.views.point_in_time import PointInTime, before_instant

DEFAULT_PERIOD_S = 8 * HOUR_S  # without --since


class Period(Struct, frozen=True):
    """The history up to the end of a period and its analysis, the beginning of the period, and the board at its end."""

    past: Past
    analysis: HistoryAnalysis
    since: PointInTime
    board: Board

    @property
    def damage(self) -> list[str]:
        """The problems of journals, because of which events can be missing."""
        return [problem.text for problem in self.past.snapshot.journal_problems()]


def read_period(run: Run, since: str | None, until: str | None) -> Period:
    """Read the period between two times; without `since`, the last 8 hours before `until`. Raises CoordError (2)."""
    past = run.open_past(lambda past: min(_bounds(past, since, until), key=lambda point: point.key), with_waits=True)
    first, last = _bounds(past, since, until)
    if last.at < first.at:
        begin, end = (time_text(at, "", seconds=True) for at in (first.at, last.at))
        limit = f"--until {line(until, 40)}" if until else "now"
        raise usage_error(f"--since {line(since or '', 40)} is {begin}, after {limit}, {end}.")
    analysis = analyze_history(past.until(last), last.at, lambda events: chunks("replaying", events), past.start)
    past.snapshot.state = analysis.state
    if until is not None:
        past.snapshot.at = last.at
    return Period(past, analysis, first, board_of(run.system, run.config, past.snapshot, last.at))


def _bounds(past: Past, since: str | None, until: str | None) -> tuple[PointInTime, PointInTime]:
    """Return the beginning and the end of the period. Raises CoordError (2)."""
    last = past.cut(until, "--until")
    first = past.since(since, "--since") if since is not None else before_instant(add_time(last.at, -DEFAULT_PERIOD_S))
    return first, last
