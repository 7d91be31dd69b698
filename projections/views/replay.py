"""Step through a history, forward and back.

A step is one event, or one instant between events at which a lease or wait ended. A step forward applies it. A step
back restores the nearest saved state and folds again up to the step before. After any sequence of steps, the state is
exactly the one that `projections.views.point_in_time.state_at` returns for that point.

States are saved at regular intervals, so a step back needs only a short fold. If there are too many, every second one
is dropped, so memory is limited for any length of history.
"""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from eventlog.events import Event, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from projections.views.point_in_time import PointInTime, after_event, after_instant, count_until

_SAVE_INTERVAL = 200  # the initial number of steps between two saved states
_MAX_SAVED = 64  # the largest number of saved states


class ReplayStep(Struct, frozen=True):
    """What happened in one step: the event, or None if only time passed, and the decisions of the rules."""

    number: int  # counted from 1
    cut: PointInTime  # the point in time just after it
    event: Event | None
    decisions: tuple[Decision, ...]


class _Saved(Struct, frozen=True):
    """The position after a step: how many events had happened, the point in time, and the encoded state."""

    number: int
    done: int
    cut: PointInTime
    state: bytes


def copy_state(state: State) -> State:
    """Return an independent copy of a state."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)


class ReplayCursor:
    """A position in a history between two points in time, and the state there.

    It starts at `first`. `start`, if given, is the state at `first`; the cursor changes it. Callers must not change
    `state`. `number` counts the steps from `first`, and `done` the events from the beginning of the history.
    """

    def __init__(
        self, events: Sequence[Event], first: PointInTime, last: PointInTime, start: State | None = None
    ) -> None:
        self._events = events
        self.first_done, self.last_done = count_until(events, first), count_until(events, last)
        self.last = last
        self.number, self.done, self.cut = 0, self.first_done, first
        self.state = as_of(start or fold(State(), events[: self.done]), first.at)
        self._every, self._saved = _SAVE_INTERVAL, [self._save()]

    @property
    def next(self) -> Event | Instant:
        """The next step: an event, or an instant at which something ends; empty at the end."""
        due = self.state.due
        if self.done < self.last_done and self._events[self.done].at <= due:
            return self._events[self.done]
        return due if due <= self.last.at else ""

    def forward(self) -> ReplayStep | None:
        """Take one step forward and return it; return None at the end."""
        following = self.next
        if not following:
            return None
        decisions: list[Decision] = []
        event = following if isinstance(following, Event) else None
        if event:
            fold(self.state, [event], decisions.append)
            self.done += 1
        self.cut = after_event(event) if event else after_instant(str(following))
        as_of(self.state, self.cut.at, decisions.append)
        self.number += 1
        if self.number == self._saved[-1].number + self._every:
            self._keep()
        return ReplayStep(self.number, self.cut, event, tuple(decisions))

    def back(self) -> bool:
        """Take one step back; return False at the beginning."""
        if self.number == 0:
            return False
        self.go_to(self.number - 1)
        return True

    def go_to(self, number: int) -> ReplayStep | None:
        """Go to a step by its number, or to the nearest one. Return the last step applied, or None."""
        if number < self.number:
            index = self._index(max(number, 0))
            saved = self._saved[index]
            self.number, self.done, self.cut = saved.number, saved.done, saved.cut
            self.state = msgspec.msgpack.decode(saved.state, type=State)
        step = None
        while self.number < number and (applied := self.forward()):
            step = applied
        return step

    def _index(self, number: int) -> int:
        """Return the index of the last saved state that is not after step `number`."""
        return bisect_right(self._saved, number, key=lambda saved: saved.number) - 1

    def _save(self) -> _Saved:
        return _Saved(self.number, self.done, self.cut, msgspec.msgpack.encode(self.state))

    def _keep(self) -> None:
        self._saved.append(self._save())
        if len(self._saved) > _MAX_SAVED:
            self._saved, self._every = self._saved[::2], self._every * 2
