"""The total order of events, and how far ahead of this machine's clock an event of another machine can be."""

from collections.abc import Iterable
from operator import attrgetter

from eventlog.events import Event, Instant, add_time
from eventlog.scanning import Position

MAX_CLOCK_LEAD_S = 60  # how far ahead an event from another machine can be

order_key = attrgetter("at", "session", "n")


def merge(journals: Iterable[Iterable[Event]]) -> list[Event]:
    """Return all events in the total order, each once, even if the input contains duplicates."""
    unique = {(event.session, event.n): event for journal in journals for event in journal}
    return sorted(unique.values(), key=order_key)


def acceptance_limit(positions: Iterable[Position], machine: str, wall: Instant, accepted: Instant) -> Instant:
    """Return the latest time at which events of other machines are accepted when the clock shows `wall`.

    Everything up to `accepted`, the latest time accepted before, stays accepted.
    """
    ours = max((position.at for position in positions if position.machine == machine), default="")
    return max(add_time(wall, MAX_CLOCK_LEAD_S), ours, accepted)
