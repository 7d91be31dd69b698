"""The time axis of the timeline: the x position of an instant, and the ticks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from coord.render.clock import instant_at, local_time
from coord.render.format import time_text
from eventlog.events import DAY_S, HOUR_S, MINUTE_S, Instant, add_time, seconds_between, to_micros

_LEAST_S = 2  # the shortest period that is drawn
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * MINUTE_S for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_S for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_S for days in (1, 2, 7, 14, 30, 91, 182, 365)),
)


class Scale(Struct, frozen=True):
    """Maps the instants from `start` to `end` to x positions from `left` to `right`."""

    start: Instant
    end: Instant
    left: float
    right: float

    def x(self, at: Instant) -> float:
        """Return the x position of an instant; one outside the period is at the edge."""
        begin, end = to_micros(self.start), to_micros(self.end)
        part = (to_micros(at) - begin) / (end - begin)
        return round(self.left + min(max(part, 0), 1) * (self.right - self.left), 1)


class Tick(Struct, frozen=True):
    """A time on the axis."""

    x: float
    label: str
    day: str  # the date, if it is not that of the tick before; else empty


def make_scale(start: Instant, end: Instant, left: float, right: float) -> Scale:
    """Return the scale of a period, which is extended to two seconds if it is shorter."""
    return Scale(start, max(end, add_time(start, _LEAST_S)), left, right)


def period_label(start: Instant, end: Instant) -> str:
    """Return the start and end of a period, with seconds if it is shorter than an hour."""
    fine = seconds_between(start, end) < HOUR_S
    return f"{time_text(start, '', seconds=fine)} to {time_text(end, start, seconds=fine)}"


def ticks(scale: Scale, apart: float) -> list[Tick]:
    """Return the ticks: round times of the local zone, at least `apart` pixels apart."""
    seconds = seconds_between(scale.start, scale.end)
    most = max(1, (scale.right - scale.left) // apart)
    step = next((step for step in _STEPS_S if seconds / step <= most), 0)
    step = step or _STEPS_S[-1] * (int(seconds / _STEPS_S[-1] / most) + 1)
    form = "%H:%M:%S" if step < MINUTE_S else "%H:%M" if step < DAY_S else "%Y-%m-%d"
    marks: list[Tick] = []
    before = local_time(scale.start).date()
    for at in _round_times(scale, step):
        local = local_time(at)
        day = local.strftime("%Y-%m-%d") if step < DAY_S and local.date() != before else ""
        before = local.date()
        marks.append(Tick(scale.x(at), local.strftime(form), day))
    return marks


def _round_times(scale: Scale, step: int) -> Iterator[Instant]:
    """Yield every `step` seconds counted from local midnight; whole days if `step` is a number of days."""
    here = local_time(scale.start)
    midnight = datetime(here.year, here.month, here.day)
    size = timedelta(seconds=step)
    wall = midnight + size * int((here.replace(tzinfo=None) - midnight) / size)
    before = ""
    while True:
        try:
            local = wall.replace(tzinfo=UTC) if here.tzinfo is UTC else wall.astimezone()
            at = instant_at(local)
            wall += size
        except (OverflowError, ValueError, OSError):
            return
        if at > scale.end:
            return
        if at >= scale.start and at > before:
            before = at
            yield at
