"""Catching up: from the checkpoint and what is new in the journals to the present state."""

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from coord.engine import checkpoint
from coord.engine.checkpoint import older_checkpoint_interval
from coord.errors import no_log
from coord.render.console.progress import ProgressBar
from coord.render.format import duration_text, plural
from coord.workspace.paths import REMOVED, Workspace, read_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant, seconds_between
from eventlog.history import Batch, LogReader, lines_read, order_key
from eventlog.local.files import ARCHIVE_FOLDER, modified_at_ns
from eventlog.local.journal import MAX_JOURNAL_BYTES, is_session_id, journal_paths
from eventlog.scanning import Position
from projections.rules.fold import fold
from projections.rules.state import DecisionRecorder, State, ignore_decision

EventKey: TypeAlias = tuple[Instant, str, int]  # a place in the total order
BEFORE_ALL: EventKey = ("", "", 0)  # before all events


class JournalProblem(Struct, frozen=True):
    """Something that is wrong with a journal, for people."""

    journal: str
    text: str


def is_unused(workspace: Workspace) -> bool:
    """Whether nobody was ever here, as in a fresh clone: git carries neither the log nor what is made from it."""
    saved = os.path.join(workspace.cache, checkpoint.NAME)
    return not any(os.path.lexists(path) for path in (workspace.log, saved, workspace.board))


class Snapshot:
    """The state after all that can be read, and what was found on the way. Takes no lock.

    `unread` names a journal that cannot be read now and has what is missing from the state: what its session holds is
    unknown, so nobody may be granted anything. `fresh` is whether the checkpoint spared a full replay.
    """

    def __init__(self, system: System, workspace: Workspace) -> None:
        self.system, self.workspace, self.unread = system, workspace, ""
        saved, folded = checkpoint.load(workspace.cache)
        self._seen, self._told, self.fresh = saved.seen, set(saved.told), folded is not None
        self.state, positions = (folded.state, folded.positions) if folded else (State(), self._anew())
        self._kept = self._rung = saved.rung if folded else 0  # the newest rung that is saved, and that there is
        self._new_checkpoints: dict[int, bytes] = {}  # those to save
        self.history = LogReader(workspace.log, system.here.machine, positions)
        self._ahead, self._listed = Batch([]), saved.listed
        self.marked = read_marker(workspace)  # a journal that was here
        self.whole = False  # whether everything was read from its beginning, to look back on it
        self.at: Instant = ""  # the moment that the state is of, where that is not the present

    def read_all(self, lines: dict[EventId, bytes] | None, *, snapshot: bool = True) -> list[Event]:
        """Everything that can be read, from the beginning and in order, without folding it; `snapshot` as in
        `catch_up`. The line of each event is put into `lines`, if that is given.
        """
        self.fresh, self.whole, self.state = False, True, State()
        self.history = LogReader(self.workspace.log, self.system.here.machine, self._anew(), lines)
        events: list[Event] = []
        self._fold_new(snapshot, events.extend, events.clear)
        return events

    def _anew(self) -> dict[str, Position]:
        """All journals from their beginnings, remembering only what was found rewound."""
        return {name: Position(rewound=seen.rewound) for name, seen in self._seen.items() if seen.rewound}

    def catch_up(self, *, consistent: bool = False) -> None:
        """Read and fold what is new. Raises CoordError (4) if there is no log.

        Journals are read one after the other, so without the lock one could see an answer without its question. With
        `snapshot` they are read twice, and of the second reading only what is no later than the latest of the first
        counts: all that came before that was there by then.
        """

        def use(events: list[Event]) -> None:
            fold(self.state, events)
            if not snapshot:  # else the positions can be ahead of the state
                self._keep_checkpoint()
            if not self.fresh:
                bar.reach(self.history.size())

        bar = ProgressBar("reading", 0 if self.fresh else self._bytes())
        try:
            self._fold_new(snapshot, use, lambda: None)
        finally:
            bar.close()

    def _keep_checkpoint(self) -> None:
        """Make a rung of the state, where it has gone far enough from the last one."""
        events = self.state.events
        if events // older_checkpoint_interval(events) > self._rung // older_checkpoint_interval(events):
            self._rung, self._new_checkpoints[events] = events, checkpoint.encoded(self._folded())

    def _bytes(self) -> int:
        """The bytes of all journals, as far as they are there to be seen."""
        found = 0
        with suppress(LogError):
            for path in (path for name in self.history.names() for path in journal_paths(self.workspace.log, name)):
                with suppress(OSError):
                    found += os.lstat(path).st_size
        return found

    def read_ahead(self) -> None:
        """Read what may be much, so that little is left to read under the lock: journals that came from elsewhere.

        What is written here is in the checkpoint, and one that only grew elsewhere is read under the lock. They are
        folded together with the rest, so nothing that was written meanwhile comes too late. What takes long is folded
        now: it keeps nobody waiting.
        """
        with suppress(LogError):  # the next reading says it
            if self.fresh and self._listed != self._listed_now():
                self._ahead = self.history.catch_up(self.system.wall())
        if not self.fresh or self._late(self._ahead) is not None:
            self.catch_up()

    def _listed_now(self) -> int:
        """When a journal last came to the log or left it, as git and others put them there; 0 if that is unknown."""
        with suppress(OSError):
            return modified_at_ns(self.workspace.log)
        return 0

    def read_new(self) -> list[Event]:
        """What was written since the last reading, in order, without folding it. Raises CoordError (4)."""
        try:
            return self.history.catch_up(self.system.wall()).events
        except LogError as error:
            raise no_log(f"{error}. What is wrong and what to do: coord doctor") from None

    def _fold_new(self, snapshot: bool, use: Callable[[list[Event]], object], begin: Callable[[], object]) -> None:
        """Have all that is new used, piece by piece, and find out what is wrong with it. Where it does not continue
        what was folded, the state goes back to what it does continue, and all begins again from there.
        """
        try:
            while (late := self._read(snapshot, use)) is not None:
                self.fresh, self._seen = False, self._seen_now()
                anew = self._anew()  # what a rung says of a journal that was rewound since does not hold
                rung = (
                    None
                    if anew or late == BEFORE_ALL
                    else checkpoint.older_checkpoint_before(self.workspace.cache, late)
                )
                self.state, self.history.positions = (rung.state, rung.positions) if rung else (State(), anew)
                self._kept, self._rung, self._new_checkpoints = self.state.events, self.state.events, {}
                begin()
        except LogError as error:
            if is_unused(self.workspace):
                self._miss()
                return
            if os.path.isdir(self.workspace.log):
                raise no_log(f"{error}. What is wrong and what to do: coord doctor") from None
            known = len(self._seen)
            lost = f" It held {plural(known, 'journal')} when it was last read." if known else ""
            raise no_log(
                f"{error}.{lost} Restore it if it was removed; `coord start` begins a new one, without that past."
            ) from None
        self._miss()
        self.unread = next((name for name in sorted(self.history.problems) if self._is_incomplete(name)), "")
        for name, seen in self._seen.items():
            found = self.history.positions.get(name, Position())
            if name in self.history.problems:
                continue
            if found.size < seen.size and not found.rewound and name not in self.history.held_back:
                text = f"{lines_read(seen.lines)} before, {found.lines} now"
                self.history.positions[name] = replace(found, rewound=text)

    def _miss(self) -> None:
        """Find the journal that git's own folder knows of rewound, where it is not here and no checkpoint says so."""
        if self.marked and self.marked not in self.history.positions.keys() | self.history.problems.keys():
            self.history.positions[self.marked] = Position(rewound=REMOVED)

    def repeat_problems(self) -> None:
        """Tell what is wrong with the journals even if some command has told it before: to one who is new here."""
        self._told = set()

    def _is_incomplete(self, name: str) -> bool:
        """Whether the state lacks what is, or was, in a journal that cannot be read now. What else stands in the place
        of one that was read before takes nothing from what it said.
        """
        if not self.fresh and name in self._seen and self._seen[name].size:
            return True
        read = self.history.positions.get(name, Position()).size
        never = not read and name not in self._seen  # and it may be another user's: then it takes no part here
        for path in journal_paths(self.workspace.log, name) if is_session_id(name) else ():
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            except OSError:
                return True
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JOURNAL_BYTES:
                return False
            return status.st_size != read and not (never and not os.access(path, os.R_OK))
        return False

    def _read(self, snapshot: bool, use: Callable[[list[Event]], object]) -> EventKey | None:
        """Read on, and have what is read used; the first place that is not behind the state, if that is found."""
        ahead, self._ahead = self._ahead, Batch([])
        pieces: Iterable[Batch] = self.history.batches(self.system.wall())
        if ahead.events or ahead.rewound:
            news = self.history.catch_up(self.system.wall())
            pieces = [Batch(sorted([*ahead.events, *news.events], key=order_key), ahead.rewound or news.rewound)]
        last: list[Event] = []
        for news in pieces:
            if (late := self._late(news)) is not None:
                return late
            if not snapshot:
                use(news.events)
                continue
            if last:
                use(last)
            last = news.events
        if not last:
            return None
        more = self.history.catch_up(self.system.wall())
        last = sorted([*last, *(event for event in more.events if event.at <= last[-1].at)], key=order_key)
        if (late := self._late(Batch(last, more.rewound))) is None:
            use(last)
        return late

    def _late(self, news: Batch) -> EventKey | None:
        """Where the first of the news belongs, if that is not behind the state; before all else where there is a
        rewind: then nothing that was folded holds.
        """
        if news.rewound:
            return BEFORE_ALL
        first = news.events[0] if news.events else None
        return first.key if first and not self.state.precedes(first.key) else None

    def _seen_now(self) -> dict[str, checkpoint.HighWaterMark]:
        """What was ever seen of each journal, this reading included."""
        seen = dict(self._seen)
        for name, position in self.history.positions.items():
            before = seen.get(name, checkpoint.HighWaterMark(0, 0))
            if not position.n and not position.rewound:
                continue  # nothing in it was ever an event, so nobody misses it when it is gone or other
            if (position.size, position.last, position.rewound) == (before.size, before.last, before.rewound):
                continue
            if name not in self.history.held_back or position.size > before.size:
                most = position if position.size else before
                seen[name] = checkpoint.HighWaterMark(most.size, most.lines, position.rewound, most.last)
        return seen

    def fold_own(self, event: Event, position: Position, record: DecisionRecorder = ignore_decision) -> None:
        """Fold an event that this process has just appended."""
        fold(self.state, [event], record)
        self.history.appended(event.session, position)

    def save(self, *, told: bool = True) -> None:
        """Write a checkpoint, so that the next command folds nothing again and sees whether a journal was cut back.

        What is wrong with the journals counts as `told` from then on.
        """
        texts = [finding.text for finding in self.journal_problems()] if told else sorted(self._told)
        if self._new_checkpoints or not self.fresh:
            checkpoint.save_older_checkpoints(self.workspace.cache, self._kept, self._new_checkpoints)
            self._kept, self._new_checkpoints = self._rung, {}
        checkpoint.save(self.workspace.cache, self._seen_now(), texts, self._folded(), self._rung, self._listed_now())

    def _folded(self) -> checkpoint.SavedFold:
        return checkpoint.SavedFold(self.history.positions, self.state)

    @property
    def now(self) -> Instant:
        """The present: this machine's clock, and no earlier than the latest event. Or the moment that is looked at."""
        return self.at or max(self.system.wall(), self.history.latest)

    @property
    def clock_behind_s(self) -> float:
        """Seconds by which this machine's clock is behind the log."""
        latest = self.history.latest
        return max(0.0, seconds_between(self.system.wall(), latest)) if latest else 0.0

    def problem_notes(self, *, again: bool) -> list[str]:
        """What to tell beside a result, a line each: a clock that is behind, and what is wrong with the journals. What
        some command has told before is told `again` only to those who look.
        """
        notes = [self.clock_note()] if self.clock_behind_s >= 1 else []
        found = [finding.text for finding in self.journal_problems() if again or finding.text not in self._told]
        more = f" (and {len(found) - 1} more: coord status)" if len(found) > 1 else ""
        careful = "; what is told here can be wrong where it rests on that" if self.whole else ""
        return notes + [text + more + careful for text in found[:1]]

    def clock_note(self) -> str:
        """What a clock that is behind the log means."""
        return (
            f"this machine's clock is {duration_text(self.clock_behind_s)} behind the log; times stand still until it "
            "catches up, "
            "so claims expire later than they say"
        )

    def journal_problems(self) -> list[JournalProblem]:
        """What is wrong with the journals."""
        found = []
        wrong = {name: found for name, found in self.history.positions.items() if found.damage or found.rewound}
        for name, position in sorted(wrong.items()):
            for spot in position.damage:
                where = f"line {spot.line}, byte {spot.byte}"
                found.append(JournalProblem(name, f"{name}.jsonl is damaged at {where}: {spot.reason}"))
            if position.rewound:
                found.append(JournalProblem(name, f"{name}.jsonl was rewound: {position.rewound}"))
        for name, reason in sorted(self.history.problems.items()):
            found.append(JournalProblem(name, f"{name}.jsonl cannot be used: {reason}"))
        for name in sorted(self.history.twice):
            text = f"{name}.jsonl is in log/ and in log/{ARCHIVE_FOLDER}/; the one in log/ counts"
            found.append(JournalProblem(name, text))
        for name, at in sorted(self.history.held_back.items()):
            text = f"{name}.jsonl comes from a machine whose clock is ahead; its events from {at} on are held back"
            found.append(JournalProblem(name, text))
        return found
