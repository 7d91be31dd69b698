"""The past, step by step.

A step is one event, or one instant between two events at which something ended by time alone. Forward applies it; back
restores the nearest saved state before it and folds up to it again. After any walk, forwards and back, the state is
exactly the one that `projections.views.point_in_time.state_at` gives for that moment.

States are saved every so many steps, and where there are too many of them every second one is dropped: memory is
bounded however long the history, and a step back costs a short fold.
"""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from eventlog.events import Event, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from projections.views.point_in_time import PointInTime, after_event, after_instant, count_until

_SAVE_INTERVAL = 200  # steps between two saved states, at first
_MAX_SAVED = 64  # saved states


class ReplayStep(Struct, frozen=True):
    """What happened in one step: the event, or None where time alone passed; and what the rules decided by it."""

    number: int  # counted from 1
    cut: PointInTime  # the moment just after it
    event: Event | None
    decisions: tuple[Decision, ...]


class _Saved(Struct, frozen=True):
    """The place after a step: how many events had happened by then, which moment it was, and the state, encoded."""

    number: int
    done: int
    cut: PointInTime
    state: bytes


def copy_state(state: State) -> State:
    """A state of one's own, equal to this one."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)


class ReplayCursor:
    """A place in a history whose events are given in order, between two moments, and the state there.

    It begins at `first`; `start`, if given, is the state at that moment, and is used up. `state` must only be looked
    at. `number` counts the steps from `first`, and `done` the events from the beginning of the history.
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
        """What the next step is: an event, or an instant at which something ends; the empty one at the end."""
        due = self.state.due
        if self.done < self.last_done and self._events[self.done].at <= due:
            return self._events[self.done]
        return due if due <= self.last.at else ""

    def forward(self) -> ReplayStep | None:
        """One step forward; None at the end."""
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
        """One step back; False at the beginning."""
        if self.number == 0:
            return False
        self.go_to(self.number - 1)
        return True

    def go_to(self, number: int) -> ReplayStep | None:
        """To a step by its number, or as near as there is; the step, if one was made to come there."""
        if number < self.number:
            index = self._index(max(number, 0))
            saved = self._saved[index]
            self.number, self.done, self.cut = saved.number, saved.done, saved.cut
            self.state = msgspec.msgpack.decode(saved.state, type=State)
        step = None
        while self.number < number and (made := self.forward()):
            step = made
        return step

    def _index(self, number: int) -> int:
        """The last saved state that is not after a step."""
        return bisect_right(self._saved, number, key=lambda saved: saved.number) - 1

    def _save(self) -> _Saved:
        return _Saved(self.number, self.done, self.cut, msgspec.msgpack.encode(self.state))

    def _keep(self) -> None:
        self._saved.append(self._save())
        if len(self._saved) > _MAX_SAVED:
            self._saved, self._every = self._saved[::2], self._every * 2
