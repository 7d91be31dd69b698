"""The rows and sections of a report, and how it writes sessions, times and event ids."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from coord.render.format import duration_text, session_label, time_text
from coord.render.needs import Escape
from eventlog.events import DAY_S, Instant, seconds_between
from projections.views.activity import ReportItem
from projections.views.report import Report

MOST_ROWS = 6  # of a section
FEW_DETAILS = 2  # rows below a row, where there are many such rows


class ReportRow(Struct, frozen=True):
    """A row of a section, and the rows indented below it."""

    text: str
    under: Sequence[str] = ()


class Section(Struct, frozen=True):
    """A section of the report; `shown` and `more` are the numbers of rows that are and are not shown."""

    sign: str
    title: str
    rows: Sequence[ReportRow]
    shown: int
    more: int = 0


class ReportStyle:
    """How one report writes its values; `escape` depends on the output format.

    The time of day is enough for a report on less than a day.
    """

    def __init__(self, report: Report, escape: Escape, code: Callable[[str], str]) -> None:
        self.code = code  # writes a command
        self.since, self.now, self.names, self.escape = report.since, report.until, report.names, escape
        self.within_a_day = seconds_between(report.since, report.until) < DAY_S

    def who(self, session: str) -> str:
        """Return a session as `session_label` does."""
        return self.escape(session_label(session, self.names), 120)

    def people(self, sessions: Sequence[str], most: int = 3) -> str:
        """Return the first sessions by name, and how many more there are."""
        more = f" and {len(sessions) - most} more" if len(sessions) > most else ""
        return ", ".join(self.who(session) for session in sessions[:most]) + more

    def at(self, at: Instant) -> str:
        """Return a time, with its date if the time of day alone would be ambiguous."""
        return time_text(at, at if self.within_a_day and at >= self.since else self.now)

    def lasted(self, item: ReportItem) -> str:
        """Return how long something lasted, up to now if it has not ended."""
        return duration_text(seconds_between(item.at, item.until or self.now))


def event_ids(item: ReportItem) -> str:
    """Return the last event ids of an item, in brackets."""
    more = f" and {len(item.events) - 2} more" if len(item.events) > 2 else ""
    return f" ({', '.join(item.events[-2:])}{more})" if item.events else ""
