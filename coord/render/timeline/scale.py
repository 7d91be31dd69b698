"""Time from left to right: where an instant lies, and which times are written along the way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from coord.render.format import local_time, time_text
from eventlog.events import DAY_S, HOUR_S, MINUTE_S, Instant, add_time, seconds_between, to_micros

_LEAST_S = 2  # a stretch is drawn at least so long
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * MINUTE_S for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_S for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_S for days in (1, 2, 7, 14, 30, 91, 182, 365)),
)


class Scale(Struct, frozen=True):
    """The instants from `start` to `end`, between the places `left` and `right`."""

    start: Instant
    end: Instant
    left: float
    right: float

    def x(self, at: Instant) -> float:
        """The place of an instant; what lies outside is at the edge."""
        begin, end = to_micros(self.start), to_micros(self.end)
        part = (to_micros(at) - begin) / (end - begin)
        return round(self.left + min(max(part, 0), 1) * (self.right - self.left), 1)


class Tick(Struct, frozen=True):
    """A time that is written."""

    x: float
    label: str
    day: str  # the date, where another begins than that of the tick before; else empty


def make_scale(start: Instant, end: Instant, left: float, right: float) -> Scale:
    """The scale of a stretch, which is drawn as two seconds if it is shorter."""
    return Scale(start, max(end, add_time(start, _LEAST_S)), left, right)


def period_label(start: Instant, end: Instant) -> str:
    """From when to when, as finely as it must be told."""
    fine = seconds_between(start, end) < HOUR_S
    return f"{time_text(start, '', seconds=fine)} to {time_text(end, start, seconds=fine)}"


def ticks(on: Scale, apart: float) -> list[Tick]:
    """The times to write, at least so far apart: round ones of this machine's zone."""
    seconds = seconds_between(on.start, on.end)
    most = max(1, (on.right - on.left) // apart)
    step = next((step for step in _STEPS_S if seconds / step <= most), 0)
    step = step or _STEPS_S[-1] * (int(seconds / _STEPS_S[-1] / most) + 1)
    form = "%H:%M:%S" if step < MINUTE_S else "%H:%M" if step < DAY_S else "%Y-%m-%d"
    found: list[Tick] = []
    before = local_time(on.start).date()
    for at in _round(on, step):
        local = local_time(at)
        day = local.strftime("%Y-%m-%d") if step < DAY_S and local.date() != before else ""
        before = local.date()
        found.append(Tick(on.x(at), local.strftime(form), day))
    return found


def _round(on: Scale, step: int) -> Iterator[Instant]:
    """The round times of a scale, every `step` seconds of the local day, or at the beginning of a local day."""
    here = local_time(on.start)
    midnight = datetime(here.year, here.month, here.day)
    size = timedelta(seconds=step)
    wall = midnight + size * int((here.replace(tzinfo=None) - midnight) / size)
    before = ""
    while True:
        try:
            local = wall.replace(tzinfo=UTC) if here.tzinfo is UTC else wall.astimezone()
            at = local.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
            wall += size
        except (OverflowError, ValueError, OSError):
            return
        if at > on.end:
            return
        if at >= on.start and at > before:
            before = at
            yield at
