"""The timeline as tables of rows by key, kept up to date event by event.

`TimelineChanges` begins with a state and takes the events after it. Its tables are those of the timeline of everything
after that state: applying all changes in order gives what `period.build_timeline` gives for the whole, but bars are not
arranged in rows. The time that an event takes depends on how many rows it changes.

Events that are slightly older than the present can still arrive, so what time alone has ended is kept apart: it is
computed from a copy, and dropped when the next event arrives. An event that sorts before an earlier one cannot be
added; the caller begins again from an older state.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import EVERYONE, Event, Instant, MessageSent
from projections.rules.fold import as_of
from projections.rules.state import Decision, State
from projections.views.intervals.analysis import HistoryObserver
from projections.views.intervals.values import ClaimInterval, SessionInterval
from projections.views.replay import copy_state
from projections.views.timeline.rows import (
    Link,
    Mark,
    TimelineMessage,
    Transfers,
    continuation,
    death_mark,
    decision_mark,
    message_row,
)

TableName: TypeAlias = Literal["lanes", "bars", "marks", "messages", "links"]
TABLES: tuple[TableName, ...] = ("lanes", "bars", "marks", "messages", "links")


class LaneRow(Struct, frozen=True, kw_only=True):
    """One session in the period, without its bars."""

    session: str
    name: str
    client: str
    first_at: Instant = ""  # its first and last event in the period; empty if it wrote none
    last_at: Instant = ""
    lives: tuple[SessionInterval, ...]


TableRow: TypeAlias = LaneRow | ClaimInterval | Mark | TimelineMessage | Link
Tables: TypeAlias = dict[TableName, dict[str, TableRow | None]]
_Key: TypeAlias = tuple[TableName, str]


def bar_key(bar: ClaimInterval) -> str:
    """Return the key of a bar."""
    return f"{bar.id} {bar.kind} {bar.start}"


def is_over(row: TableRow, at: Instant) -> bool:
    """Return whether what a row is about had ended before `at`."""
    if isinstance(row, ClaimInterval):
        return "" < row.end < at
    if isinstance(row, LaneRow):
        return row.last_at < at and all("" < life.end < at for life in row.lives)
    return row.at < at


def sessions_of(row: TableRow) -> tuple[str, ...]:
    """Return the sessions that have a lane because of a row."""
    if isinstance(row, TimelineMessage):
        return () if row.everyone else row.to
    return (row.session, row.to) if isinstance(row, Link) else (row.session,)


class TimelineChanges:
    """The tables of the timeline after the state `start`, which is changed."""

    def __init__(self, start: State) -> None:
        self.state, self.since = start, start.at
        self._count = start.events  # including the event that is being added
        self._rows: dict[_Key, TableRow | None] = {}
        self._changed: dict[_Key, int] = {}  # after how many events each row last changed, in that order
        self._lives: dict[str, dict[int, SessionInterval]] = {}
        self._acted: dict[str, tuple[Instant, Instant]] = {}  # the first and last event of each session
        self._addressed: dict[str, list[tuple[TimelineMessage, tuple[str, ...]]]] = {}  # by unknown recipient
        self._new_lanes: dict[str, None] = {}  # the sessions whose lanes change with the event that is being added
        self._ended: list[SessionInterval] = []  # by that event
        self._early: dict[_Key, ClaimInterval] = {}  # the bars that time alone has changed
        self._early_due: Instant = ""
        self.advanced_to: Instant = ""  # the time of `_early`, if it is not empty
        self._transfers = Transfers()
        self._observer = HistoryObserver(start, self._put_bar, self._put_life)
        self._make_lanes()

    @property
    def count(self) -> int:
        """The number of events in the state, from the beginning of the history on."""
        return self._count

    def add(self, events: Iterable[Event]) -> None:
        """Add the next events, in order. Raises ValueError for an event that sorts before an earlier one."""
        for event in events:
            self._count += 1
            self._drop_early()
            self._add(event)
            self._make_lanes()

    def _add(self, event: Event) -> None:
        decisions: list[Decision] = []
        self._ended.clear()
        if self._observer.fold(event, decisions.append):
            first, _ = self._acted.get(event.actor, (event.at, ""))
            self._acted[event.actor] = first, event.at
            self._new_lanes[event.actor] = None
            if isinstance(event.payload, MessageSent):
                self._add_message(event, event.payload)
            for row, to in self._addressed.pop(event.actor, ()):
                self._put_message(replace(row, to=self._known(to)))
        for decision in decisions:
            self._put_mark(decision_mark(decision, event if decision.cause else None))
            self._put_link(self._transfers.observe(decision))
        for life in self._ended:
            if life.cause == event.id:
                self._put_mark(death_mark(life, event.actor))
                self._put_link(continuation(life, event.actor))

    def advance(self, now: Instant) -> None:
        """Show what time alone has ended by `now`, until the next event is added."""
        if (self._early_due or self.state.due) > now:
            return
        early: dict[_Key, ClaimInterval] = {}
        claims = self._observer.claims.copy(lambda _, bar: early.update({("bars", bar_key(bar)): bar}))
        later = as_of(copy_state(self.state), now, lambda decision: claims.observe(decision, None))
        self._early, self._early_due, self.advanced_to = early, later.due, now

    def forget_before(self, at: Instant) -> None:
        """Remove the rows of what was over before `at`, to save memory. Readers that have them keep them."""
        rows = self._rows.items()
        needed = {name for _, row in rows if row is not None and not is_over(row, at) for name in sessions_of(row)}
        for (table, key), row in list(rows):
            if row is not None and is_over(row, at) and not (table == "lanes" and key in needed):
                del self._rows[table, key], self._changed[table, key]
                if table == "lanes":
                    self._lives.pop(key, None)
                    self._acted.pop(key, None)

    def tables(self) -> Tables:
        """Return all rows."""
        tables: Tables = {name: {} for name in TABLES}
        for (table, key), row in (self._rows | self._early).items():
            if row is not None:
                tables[table][key] = row
        return tables

    def changed_since(self, count: int, advanced_to: Instant = "") -> Tables:
        """Return the rows that changed after the first `count` events; None for those that are gone.

        If these are all events, bars that time alone had changed by `advanced_to` are left out.
        """
        changed: Tables = {name: {} for name in TABLES}
        for table, key in self._changed_after(count):
            changed[table][key] = self._rows[table, key]
        known = advanced_to if count == self._count else ""
        for (table, key), bar in self._early.items():
            if (bar.end or bar.start) > known:
                changed[table][key] = bar
        return changed

    def _changed_after(self, count: int) -> Iterator[_Key]:
        for key in reversed(self._changed):
            if self._changed[key] <= count:
                return
            yield key

    def _set(self, table: TableName, key: str, row: TableRow | None) -> None:
        self._changed.pop((table, key), None)  # so that it moves to the end
        self._changed[table, key] = self._count
        self._rows[table, key] = row

    def _drop_early(self) -> None:
        early, self._early, self._early_due, self.advanced_to = self._early, {}, "", ""
        for table, key in early:
            self._set(table, key, self._rows.get((table, key)))

    # --- rows -------------------------------------------------------------------------------------------------------

    def _put_bar(self, _number: int, bar: ClaimInterval) -> None:
        self._set("bars", bar_key(bar), bar)
        self._need_lane(bar.session)

    def _put_life(self, number: int, life: SessionInterval) -> None:
        if life.end and not life.cause:
            return  # it had ended before the first event
        self._lives.setdefault(life.session, {})[number] = life
        self._new_lanes[life.session] = None
        if life.end:
            self._ended.append(life)

    def _put_mark(self, mark: Mark | None) -> None:
        if mark:
            self._set("marks", f"{mark.id} {mark.kind} {mark.claim}", replace(mark, others=()))
            self._need_lane(mark.session)

    def _put_link(self, link: Link | None) -> None:
        if link:
            self._set("links", f"{link.id} {link.claim}", link)

    def _add_message(self, event: Event, payload: MessageSent) -> None:
        if not event.imported:
            self._put_message(message_row(event, payload, tuple(sorted(self.state.messages[event.id].unread_by))))
            return
        to = payload.to if payload.to != EVERYONE else ()
        row = message_row(event, payload, self._known(to))
        self._put_message(row)
        for name in set(to) - set(row.to):
            self._addressed.setdefault(name, []).append((row, to))

    def _put_message(self, row: TimelineMessage) -> None:
        self._set("messages", row.id, row)
        for name in () if row.everyone else row.to:
            self._need_lane(name)

    def _known(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in self.state.sessions)

    def _need_lane(self, session: str) -> None:
        if ("lanes", session) not in self._rows:
            self._new_lanes[session] = None

    def _make_lanes(self) -> None:
        for name in self._new_lanes:
            session, (first, last) = self.state.sessions[name], self._acted.get(name, ("", ""))
            lives = tuple(self._lives.get(name, {}).values())
            row = LaneRow(
                session=name, name=session.name, client=session.client, first_at=first, last_at=last, lives=lives
            )
            self._set("lanes", name, row)
        self._new_lanes.clear()
