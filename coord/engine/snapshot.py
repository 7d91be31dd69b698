"""Compute the present state: load the checkpoint, read what is new in the journals, and fold it."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from coord.engine.cache import checkpoint, older_checkpoints
from coord.engine.cache.buckets import Buckets
from coord.engine.cache.ended import EndedRows, StoredPositions, final_positions
from coord.engine.cache.older_checkpoints import EventKey
from coord.engine.cache.recompute import recompute
from coord.engine.cache.requests_id import kept_or_new_id, set_id
from coord.engine.cache.spool import Place, Spool
from coord.engine.journals.problems import JournalProblem, clock_note, journal_problems
from coord.engine.journals.rewinds import mark_removed, mark_shortened, present_marks
from coord.engine.journals.unreadable import first_incomplete, log_bytes, log_modified_ns, refuse_missing_log
from coord.render.console.progress import ProgressBar
from coord.workspace.paths import Workspace, read_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant, seconds_between
from eventlog.history import Batch, LogReader
from eventlog.listing import Archive
from eventlog.order import order_key
from eventlog.scanning import Position
from projections.postings.collect import PostingCollector
from projections.rules.fold import fold
from projections.rules.state import State

BEFORE_ALL: EventKey = ("", "", 0)  # before all events
_SLICE = 4096  # events folded between two times that rows leave the state


class Snapshot:
    """The state after all events that can be read, and the problems found while reading. Takes no lock.

    `unreadable` is the name of a journal that cannot be read now and whose events are missing from the state. What its
    session holds is then unknown, so no claim may be granted. `fresh` is whether the state continues the checkpoint's,
    without a replay. With `posts`, what is folded is also posted (see `projections.postings`); whoever saves a
    checkpoint must ask for it. `posted` is whether the store has the postings of all events in the state.
    """

    def __init__(self, system: System, workspace: Workspace, *, posts: bool = False) -> None:
        self._posts, self.posted = posts, False
        self.system, self.workspace, self.unreadable = system, workspace, ""
        saved, folded = checkpoint.load(workspace.cache)
        self._seen, self._reported, self.fresh = saved.seen, set(saved.told), folded is not None
        if posts and folded and not saved.store.posted:
            folded, self.fresh = None, False
        if folded is None:  # the final positions are valid for every version of the code
            self._seen = checkpoint.high_water_marks(saved.seen, final_positions(workspace.cache, saved.store), ())
        positions, archive = self._use(folded, saved.store)
        set_id(folded.state if folded else State(), saved.requests_id)
        # How many events the newest older checkpoint on the disk has folded, and the newest one including `_unsaved`.
        self._newest_saved = self._newest_older = saved.rung if folded else 0
        self._unsaved: dict[int, Place] = {}  # older checkpoints to save, in the spool, by their number of events
        self._spool = Spool()
        self.history = LogReader(workspace.log, system.here.machine, positions, archive=archive)
        self._read_ahead, self._log_changed_ns = Batch([]), saved.listed
        self.marked = read_marker(workspace)  # a journal that was here
        self.full = False  # whether the whole history was read, by `read_all`
        self.at: Instant = ""  # the time of a past state; empty for the present

    def read_all(self, lines: dict[EventId, bytes] | None, *, consistent: bool = True) -> list[Event]:
        """Return all events that can be read, in order, without folding them.

        The line of each event is put into `lines`, if given. `consistent` is as in `catch_up`.
        """
        self.fresh, self.full, self.state = False, True, State()
        self.history = LogReader(self.workspace.log, self.system.here.machine, self._start_positions(), lines)
        events: list[Event] = []
        self._fold_new(consistent, events.extend, events.clear)
        return events

    def _use(
        self, folded: checkpoint.SavedFold | None, store: checkpoint.StoreVersion
    ) -> tuple[dict[str, Position], Archive]:
        """Continue from a fold, or from the beginning. Return the positions of the journals and of archived ones."""
        if folded is None:
            folded, store = checkpoint.SavedFold(self._start_positions(), State()), checkpoint.StoreVersion()
            store.posted = self._posts
        self.state, self.posted, self._settled = folded.state, store.posted, folded.state.events
        self._collector = PostingCollector()
        buckets = Buckets(self.workspace.cache, store.head, store.pending)
        self.ended = EndedRows(buckets, self.state, self._recomputed)
        return folded.positions, Archive(store.archive, StoredPositions(buckets))

    def _recomputed(self) -> State:
        """Return the present state, computed from the journals alone. Raises CoordError (4)."""
        history = LogReader(self.workspace.log, self.system.here.machine)
        try:
            return recompute(history, self.system.wall(), self.history, self.state.last)
        except LogError as error:
            refuse_missing_log(self.workspace, error, self.history, len(self._seen))
            return State()

    def _start_positions(self) -> dict[str, Position]:
        """Return the positions for a replay: the beginning of each journal, with the known rewinds still marked."""
        return {name: Position(rewound=seen.rewound) for name, seen in self._seen.items() if seen.rewound}

    def catch_up(self, *, consistent: bool = False) -> None:
        """Read and fold what is new. Raises CoordError (4) if there is no log.

        Journals are read one after the other, so a reader without the lock could see an answer without its question.
        With `consistent` they are read twice. Events of the second reading count only up to the latest time of the
        first: all earlier events were in the log by then.
        """

        def use(events: list[Event]) -> None:
            for first in range(0, len(events), _SLICE):
                self._fold(events[first : first + _SLICE])
                if self.state.events - self._settled >= _SLICE:
                    self._settled = self.state.events
                    self.ended.put_away(self.state, self.history)
                    bar.reach(0 if self.fresh else self.history.size())
            if not consistent:  # otherwise the positions can be ahead of the state
                self._keep_older_checkpoint()

        bar = ProgressBar("reading", 0 if self.fresh else log_bytes(self.workspace, self.history))
        try:
            self._fold_new(consistent, use, lambda: None)
        finally:
            bar.close()

    def _fold(self, events: list[Event]) -> None:
        self.ended.expect_none([event.session for event in events if event.n == 1])  # these sessions are new
        if self._posts:
            self._collector.fold(self.state, events)
            self._post()
        else:
            fold(self.state, events)
            self.posted &= not events

    def _post(self) -> None:
        self.ended.buckets.append(self._collector.take())
        self.posted &= not self.ended.damaged

    def advance(self, now: Instant) -> None:
        """Let time pass in the state, as `projections.rules.fold.as_of` does."""
        self._collector.advance(self.state, now)
        self._post()

    def _keep_older_checkpoint(self) -> None:
        """Keep the state as an older checkpoint, if it is far enough from the previous one."""
        events = self.state.events
        if older_checkpoints.is_due(events, self._newest_older):
            self._newest_older = events
            self._unsaved[events] = self._spool.add(checkpoint.encoded(*self._folded()))
            self._unsaved = {n: self._unsaved[n] for n in older_checkpoints.to_keep(self._unsaved, events)}

    def read_ahead(self) -> None:
        """Before the lock is taken, read what can take long: journals that others, such as git, have added or removed.

        The commands of this machine save a checkpoint after they write, so what a journal has grown by since is short
        enough to be read under the lock. The events are folded together with those that are read later, so none of
        these is late. A replay, which takes long, is done now, while no other process waits for the lock.
        """
        with suppress(LogError):  # the next reading reports it
            is_listed = self._log_changed_ns == log_modified_ns(self.workspace)
            if self.fresh and not (is_listed and self.history.archive.is_current(self.workspace.log)):
                self._read_ahead = self.history.catch_up(self.system.wall())
        if not self.fresh or self._late_key(self._read_ahead) is not None:
            self.catch_up()

    def read_new(self) -> list[Event]:
        """Return what was written since the last reading, in order, without folding it. Raises CoordError (4)."""
        try:
            return self.history.catch_up(self.system.wall()).events
        except LogError as error:
            refuse_missing_log(self.workspace, error, self.history, len(self._seen))
            return []

    def _fold_new(self, consistent: bool, use: Callable[[list[Event]], object], restart: Callable[[], object]) -> None:
        """Pass all new events to `use`, piece by piece, and find the problems of the journals.

        If a new event sorts before the end of the state, go back to an earlier state, call `restart`, and read again
        from there.
        """
        try:
            while (late := self._read(consistent, use)) is not None:
                # A replay is compared with all marks, also with those that final positions stand for.
                self._seen = checkpoint.high_water_marks(
                    present_marks(self.history, self._seen), dict(self.history.archive.items()), ()
                )
                self.fresh = False
                start = self._start_positions()  # an older checkpoint does not know of a rewind since
                older = None
                if not start and late != BEFORE_ALL:
                    older = older_checkpoints.older_checkpoint_before(self.workspace.cache, late)
                self.history.positions, self.history.archive = self._use(*(older or (None, checkpoint.StoreVersion())))
                self._newest_saved, self._newest_older, self._unsaved = self.state.events, self.state.events, {}
                restart()
        except LogError as error:
            refuse_missing_log(self.workspace, error, self.history, len(self._seen))
        mark_removed(self.workspace, self.history, self.marked)
        self.unreadable = first_incomplete(self.workspace, self.history, self._seen, fresh=self.fresh)
        mark_shortened(self.history, self._seen)

    def repeat_problems(self) -> None:
        """Report all problems of the journals again, for a session that is new here."""
        self._reported = set()

    def _read(self, consistent: bool, use: Callable[[list[Event]], object]) -> EventKey | None:
        """Read what is new and pass it to `use`.

        Stop at an event that sorts before the end of the state, and return its key; otherwise return None.
        """
        ahead, self._read_ahead = self._read_ahead, Batch([])
        batches: Iterable[Batch] = self.history.batches(self.system.wall())
        if ahead.events or ahead.rewound:
            new = self.history.catch_up(self.system.wall())
            batches = [Batch(sorted([*ahead.events, *new.events], key=order_key), ahead.rewound or new.rewound)]
        last: list[Event] = []
        for batch in batches:
            if (late := self._late_key(batch)) is not None:
                return late
            if not consistent:
                use(batch.events)
                continue
            if last:
                use(last)
            last = batch.events
        if not last:
            return None
        more, latest = self.history.catch_up(self.system.wall()), last[-1].at
        last = sorted([*last, *(event for event in more.events if event.at <= latest)], key=order_key)
        if (late := self._late_key(Batch(last, more.rewound))) is None:
            use(last)
            self._read_ahead = Batch([event for event in more.events if event.at > latest])
        return late

    def _late_key(self, batch: Batch) -> EventKey | None:
        """Return the key of the first event if it sorts before the end of the state, otherwise None.

        After a rewind, return BEFORE_ALL, because everything that was folded is invalid.
        """
        if batch.rewound:
            return BEFORE_ALL
        first = batch.events[0] if batch.events else None
        return first.key if first and not self.state.precedes(first.key) else None

    def fold_own(self, event: Event, position: Position) -> None:
        """Fold an event that this process has just appended."""
        self._fold([event])
        self.history.record_append(event.session, position)

    def save(self, *, reported: bool = True) -> None:
        """Write a checkpoint, so that the next command need not fold these events again, and notices rewinds.

        With `reported`, the present problems of the journals count as reported from then on.
        """
        texts = [problem.text for problem in self.journal_problems()] if reported else sorted(self._reported)
        folded, store = self._folded()
        if self.ended.damaged:
            self._newest_saved, self._unsaved = 0, {}  # the older checkpoints belong to the damaged files
        else:
            try:
                self.ended.buckets.write()
            except OSError:
                return  # the files would not be what the checkpoint expects
        if self._unsaved or not self.fresh or self.ended.damaged:
            cache = self.workspace.cache
            older_checkpoints.save_older_checkpoints(cache, self._newest_saved, self._unsaved, self._spool)
            self._newest_saved, self._unsaved, self._spool = self._newest_older, {}, Spool()
        usable, listed = None if self.ended.damaged else folded, log_modified_ns(self.workspace)
        marks = present_marks(self.history, self._seen)
        rung, requests = self._newest_older, kept_or_new_id(self.state)
        checkpoint.save(self.workspace.cache, marks, texts, usable, rung, listed, store, requests)

    def _folded(self) -> tuple[checkpoint.SavedFold, checkpoint.StoreVersion]:
        """Return the fold as it is saved: without what is kept in the store."""
        history, ended = self.history, self.ended
        ended.put_away(self.state, self.history)
        ended.put_positions(history.archive)
        store = checkpoint.StoreVersion(ended.buckets.head, ended.buckets.pending, history.archive.summary, self.posted)
        return checkpoint.SavedFold(history.positions, self.state), store

    @property
    def now(self) -> Instant:
        """The time of a past state; otherwise the present: the clock, but not earlier than the latest event."""
        return self.at or max(self.system.wall(), self.history.latest)

    @property
    def clock_behind_s(self) -> float:
        """Seconds by which this machine's clock is behind the log."""
        return max(0.0, seconds_between(self.system.wall(), latest)) if (latest := self.history.latest) else 0.0

    def problem_notes(self, *, again: bool) -> list[str]:
        """Return notes to print with a result, one line each: a clock that is behind, and the journals' problems.

        Problems that a command reported before are included only with `again`, for commands that only read.
        """
        notes = [clock_note(self.clock_behind_s)] if self.clock_behind_s >= 1 else []
        texts = [problem.text for problem in self.journal_problems() if again or problem.text not in self._reported]
        more = f" (and {len(texts) - 1} more: coord status)" if len(texts) > 1 else ""
        doubt = "; answers that depend on it can be wrong" if self.full else ""
        return notes + [text + more + doubt for text in texts[:1]]

    def journal_problems(self) -> list[JournalProblem]:
        """Return the problems of the journals that were read."""
        return journal_problems(self.history)
