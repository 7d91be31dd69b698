"""Compute the state at any point in time of the history from a small part of it.

The part is a segment from the newest older checkpoint before the time up to the next one, or to the present. It is used
under the rule of `coord.engine.history.segment`, and if the present continues its end: each journal has the same lines
up to there, and its next event sorts after the end. Otherwise the history is folded from its beginning up to the time,
in limited memory. The answer is the same.

Damage that was done to a journal after its lines were read is noticed only inside the segment.
"""

import gc
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from operator import attrgetter
from threading import Lock
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from coord.engine.cache import older_checkpoints
from coord.engine.cache.buckets import CacheDamaged
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.history.recent import read_known_event
from coord.engine.history.replayed import replay_until
from coord.engine.history.segment import (
    End,
    Journals,
    WholeHistoryNeeded,
    check_continued,
    end_at,
    end_of,
    read_segment,
    start_of,
)
from coord.engine.snapshot import Snapshot
from coord.engine.times.points_in_time import is_event_name, only_event, parse_cut, parse_instant, split_event_name
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event
from eventlog.listing import ArchiveSummary
from eventlog.local.journal import is_session_id
from eventlog.scanning import Position
from projections.rules.fold import as_of, fold
from projections.rules.rows import ids_with_prefix, listed_sessions
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, SortKey, after_event, after_instant

_MOST_PARTS = 2  # kept in memory
_MOST_EVENTS = 20_000  # in a part that ends at the present; a longer one is read again from a newer checkpoint
_COLLECT_AFTER = 3  # states; each leaves megabytes in few objects, of which Python's own collection takes no notice
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(SavedFold).decode
_key = attrgetter("key")
Present: TypeAlias = tuple[int, SortKey, dict[str, Position], ArchiveSummary]
"""Identifies a present state: if it is equal, nothing has changed."""


class _Part(Struct, eq=False):
    """A segment in memory. `end_count` is the number of events before its end; None if its end is the present."""

    begin: int  # the number of events before it
    end_count: int | None
    events: list[Event]
    start: bytes  # the encoded fold at its start
    store: StoreVersion
    new: set[str]  # the sessions that have no event before it
    end: End
    present: Present  # when it was checked last


class _Reached(Struct):
    """The last state, after the first `done` events of a part."""

    part: _Part
    done: int
    state: State


class Moments:
    """Computes states of the past in a process that runs for a long time, such as a server.

    The events near the last times are kept, and the last state, so a step forward folds only the events in between.
    """

    def __init__(self, system: System, workspace: Workspace) -> None:
        self._system, self._workspace, self._lock = system, workspace, Lock()
        self._journals = Journals(workspace.log)
        self._present: Snapshot | None = None
        self._parts: list[_Part] = []  # the one that was used last at the end
        self._reached: _Reached | None = None
        self._asked = 0

    @contextmanager
    def at(self, text: str = "", step: int = 0) -> Iterator[Snapshot]:
        """Yield a snapshot of the point in time that `text` names, or of the present if `text` is empty.

        With `step`, it is the point just after the event that is `step` events later, or earlier if `step` is
        negative, within the history. The state is valid inside the `with` block; other threads wait for its end. Raises
        CoordError (2) for a time, and (4) if there is no log.
        """
        with self._lock:
            self._collect_garbage()
            if not text and not step:
                snapshot = Snapshot(self._system, self._workspace)
                snapshot.catch_up(consistent=True)
            else:
                snapshot = copy(self._read_present())
                snapshot.full = True
                point = _point(snapshot, text)
                try:
                    snapshot.state, snapshot.at = self._state_at(snapshot, point, step)
                except (WholeHistoryNeeded, CacheDamaged, LogError, OSError):
                    self._parts, self._reached = [], None
                    snapshot.state, snapshot.at = replay_until(snapshot, point, step)
            yield snapshot

    def _collect_garbage(self) -> None:
        """Free what the last states have left, which is in cycles."""
        self._asked += 1
        if self._asked % _COLLECT_AFTER == 0:
            gc.collect()

    def _read_present(self) -> Snapshot:
        """Return the present. If there is no checkpoint that can be used, the history is folded only once."""
        present = Snapshot(self._system, self._workspace)
        if not present.fresh and self._present:
            present = self._present
        present.catch_up(consistent=True)
        self._present = None if present.fresh else present
        return present

    def _state_at(self, present: Snapshot, point: PointInTime, step: int) -> tuple[State, str]:
        """Return the state `step` events after a point in time, and its time. Raises as `_part` does."""
        part = self._part(present, older_checkpoints.counts_before(self._workspace.cache, point.key))
        done = bisect_right(part.events, point.key, key=_key)
        if not part.begin + done:  # before the first event, which is an error
            parse_cut(point.at, "--at", present.now, part.events)
        if step:
            number = min(max(part.begin + done + step, 1), present.state.events)
            if not part.begin < number <= part.begin + len(part.events):
                counts = older_checkpoints.older_counts(self._workspace.cache)
                part = self._part(present, [count for count in counts if count < number])
            done = number - part.begin
            point = after_event(part.events[done - 1])
        return self._fold(present, part, done, point), point.at

    def _fold(self, present: Snapshot, part: _Part, done: int, point: PointInTime) -> State:
        """Return the state at a point in time after the first `done` events of a part."""
        reached = self._reached
        if reached is None or reached.part is not part or reached.done > done or reached.state.reached > point.at:
            folded = _decode(part.start)
            start_of(present, folded, part.store).expect_none(part.new)
            reached = _Reached(part, 0, folded.state)
        self._reached = None  # if folding fails
        fold(reached.state, part.events[reached.done : done])
        as_of(reached.state, point.at)
        self._reached = _Reached(part, done, reached.state)
        return reached.state

    def _part(self, present: Snapshot, counts: list[int]) -> _Part:
        """Return the part that begins at the last usable older checkpoint of `counts`, or at the beginning.

        Raises `WholeHistoryNeeded`, CacheDamaged, LogError or OSError if it cannot be used.
        """
        if not present.fresh or any(map(is_session_id, present.history.problems)):
            raise WholeHistoryNeeded
        begin = counts[-1] if counts else 0
        for part in self._parts:
            if part.begin == begin and self._is_current(present, part):
                self._parts.remove(part)
                self._parts.append(part)
                return part
        part = self._read_part(present, begin)
        self._parts = [*(other for other in self._parts if other.begin != begin), part][-_MOST_PARTS:]
        return part

    def _is_current(self, present: Snapshot, part: _Part) -> bool:
        """Return whether a part in memory still belongs to the history. One that ends at the present is extended.

        Raises as `_part` does.
        """
        if part.present == (now := _identity(present)):
            return True
        try:
            if part.end_count is None:
                end = end_of(present)
                more = read_segment(present, self._journals, part.end, end)
                part.events += more.events
                part.new |= more.new
                part.end = _copied(end)
            else:
                check_continued(present, self._journals, part.end)
        except WholeHistoryNeeded:
            return False
        part.present = now
        return len(part.events) <= _MOST_EVENTS

    def _read_part(self, present: Snapshot, begin: int) -> _Part:
        """Read the part from an older checkpoint up to the next one, or to the present. Raises as `_part` does."""
        cache = self._workspace.cache
        start, store = SavedFold({}, State()), StoreVersion()
        if begin:
            older = older_checkpoints.load_older_checkpoint(cache, begin)
            if older is None or older[0].state.events != begin:
                raise WholeHistoryNeeded
            start, store = older
        encoded = _encode(start)
        end, end_count = _copied(end_of(present)), None
        for count in older_checkpoints.older_counts(cache):
            if count > begin and (older_end := older_checkpoints.load_end(cache, count)):
                end, end_count = end_at(older_end, older_end.store), count
                break
        segment = read_segment(present, self._journals, end_at(start, store), end)
        if end_count is not None:
            check_continued(present, self._journals, end)
        return _Part(begin, end_count, segment.events, encoded, store, set(segment.new), end, _identity(present))


def _identity(present: Snapshot) -> Present:
    end = _copied(end_of(present))
    return end.state.events, end.state.last, end.in_log, end.store.archive


def _copied(end: End) -> End:
    """Return an end that does not change when the snapshot reads on."""
    state = State(events=end.state.events, last=end.state.last, reached=end.state.reached)
    store = replace(end.store, archive=replace(end.store.archive))
    return End(dict(end.in_log), state, store)


def _point(present: Snapshot, text: str) -> PointInTime:
    """Return the point in time that `text` names. Raises CoordError (2)."""
    if not text:
        return after_instant(present.now)
    if is_event_name(text):
        return after_event(read_known_event(present, text) or _event(present, text))
    return after_instant(parse_instant(text, "--at", present.now))


def _event(present: Snapshot, text: str) -> Event:
    """Return the event of a shortened id, or of the name of a session. Raises CoordError (2)."""
    state, (wanted, n) = present.state, split_event_name(text)
    named = [session.id for session in listed_sessions(state, f"name/{wanted}") if session.name == wanted]
    ids = sorted(filter(present.history.position, named or ids_with_prefix(state, wanted)))
    found = [event for name in ids if (event := read_known_event(present, f"{name}/{n}"))]
    return only_event(text, ids, found)
