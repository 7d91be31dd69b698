"""Verify every byte of every journal, and compare the checkpoint with them. Takes no lock and changes nothing.

1. Every hash is computed again, from the first line to the last. Archived journals are verified too.
2. A journal must begin with what it had when the checkpoint was saved. If it is shorter or different, it was rewound.
3. The checkpoint is a cache. Its state, with the rows and the postings that are kept beside it, must be what the
   journals give, up to where it read them. If it is not, answers can be wrong, and it must be deleted. A checkpoint
   that is damaged, or was saved by other code, is never used. For the comparison the journals are read again in chunks,
   so that they are never in memory as a whole.
4. The checkpoint is read before the journals. A journal only grows, so sessions that write at the same time cause no
   false alarm.
5. A tear is not damage, and neither are events that are held back because another machine's clock is ahead. Both are
   reported.
"""

import os
from contextlib import suppress
from functools import partial
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from coord.engine.cache import checkpoint
from coord.engine.cache.buckets import Buckets, CacheDamaged
from coord.engine.cache.ended import EndedRows, StoredPositions, final_positions
from coord.engine.cache.posted import PostingDigests
from coord.engine.cache.recompute import recompute
from coord.engine.journals.unreadable import is_unused
from coord.engine.snapshot import Snapshot
from coord.errors import no_log
from coord.render.console.progress import ProgressBar
from coord.workspace.paths import REMOVED, Workspace, read_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event, Instant, add_time
from eventlog.history import LogReader, lines_read_text
from eventlog.listing import Archive
from eventlog.local.journal import journal_paths, prefix_differs, read_from, read_in_chunks, with_journal_path
from eventlog.order import MAX_CLOCK_LEAD_S, acceptance_limit
from eventlog.scanning import Damage, Position, scan
from projections.postings.collect import PostingCollector
from projections.rules.fold import as_of
from projections.rules.state import State

_AFTER_ALL = ("~", "", 0)  # a sort key after those of all events

CheckpointStatus: TypeAlias = Literal["none", "same", "other code", "damaged", "different", "not compared"]
"""`none`: there is no checkpoint. `same`: its state is what the journals give. `other code`: it was saved by another
version. `damaged`: it cannot be read. `different`: its state or a posting is not what the journals give. `not
compared`: a journal is not as it was written, or a journal or the checkpoint was changed during the comparison."""


class JournalResult(Struct, frozen=True):
    """The result for one journal. `file` is its path inside the shared folder."""

    session: str
    file: str
    bytes: int = 0  # of complete lines
    lines: int = 0
    events: int = 0
    damage: tuple[Damage, ...] = ()
    tear: int = 0  # bytes after the last complete line
    rewound: str = ""  # how it differs from what the checkpoint saw
    problem: str = ""  # why it cannot be read
    held_back: Instant = ""  # the time of its first event that is held back

    @property
    def whole(self) -> bool:
        """Whether the journal is as it was written."""
        return not (self.damage or self.rewound or self.problem)


class VerifyResult(Struct, frozen=True):
    """The results for all journals. `duplicates` names those that are both in the log and in the archive; `journals`
    has both.
    """

    journals: list[JournalResult]
    duplicates: list[str]
    checkpoint: CheckpointStatus

    @property
    def whole(self) -> bool:
        """Whether all journals are as they were written, and the checkpoint agrees with them."""
        return self.checkpoint != "different" and all(journal.whole for journal in self.journals)


class _VerifiedJournal(Struct, frozen=True):
    """The result of reading one journal, before the journals are compared with each other and with the checkpoint."""

    path: str
    position: Position
    events: int
    ahead: list[Instant]  # the times of its events that may be held back
    tear: int
    replaced: bool  # whether its beginning is not what the checkpoint saw


def verify(system: System, workspace: Workspace) -> VerifyResult:
    """Verify every journal of a folder. Raises CoordError (4) if there is no log."""
    saved, folded = checkpoint.load(workspace.cache)
    seen = checkpoint.high_water_marks(saved.seen, final_positions(workspace.cache, saved.store), ())
    history = LogReader(workspace.log, system.here.machine)
    try:
        names = sorted(history.names())
    except LogError as error:
        if not is_unused(workspace):
            Snapshot(system, workspace).catch_up()  # raises an error that says what is missing
            raise no_log(str(error)) from None
        names = []
    wall = system.wall()
    near = add_time(wall, MAX_CLOCK_LEAD_S)
    read, problems = _read_all(workspace, names, seen, near)
    archived, more = _read_all(workspace, sorted(history.duplicates), {}, near, archived=True)
    accepted = _reader(system, workspace, saved, folded).latest if folded else ""
    limit = acceptance_limit((one.position for one in read.values()), system.here.machine, wall, accepted)
    journals = [_result(workspace, name, one, seen.get(name), limit, system) for name, one in read.items()]
    journals += [_result(workspace, name, one, None, limit, system) for name, one in archived.items()]
    problems |= more | {journal_paths(workspace.log, name)[0]: (name, why) for name, why in history.problems.items()}
    journals += [JournalResult(name, _file(workspace, path), problem=why) for path, (name, why) in problems.items()]
    for name in seen.keys() - set(names) - history.problems.keys():
        if seen[name].size:
            gone = f"it is gone; {lines_read_text(seen[name].lines)} before"
            journals.append(JournalResult(name, _file(workspace, journal_paths(workspace.log, name)[0]), rewound=gone))
    mark = read_marker(workspace)
    if mark and mark not in {journal.session for journal in journals}:
        journals.append(JournalResult(mark, _file(workspace, journal_paths(workspace.log, mark)[0]), rewound=REMOVED))
    journals.sort(key=lambda journal: (journal.session, journal.file))
    if not all(journal.whole for journal in journals):
        return VerifyResult(journals, sorted(history.duplicates), "not compared")
    return VerifyResult(journals, sorted(history.duplicates), _compare_checkpoint(system, workspace, saved, folded))


def _read_all(
    workspace: Workspace,
    names: list[str],
    seen: dict[str, checkpoint.HighWaterMark],
    near: Instant,
    *,
    archived: bool = False,
) -> tuple[dict[str, _VerifiedJournal], dict[str, tuple[str, str]]]:
    """Read journals. Return them by name, and for each that cannot be read its name and the error, by path.

    With `archived`, read those in the archive even if the log has a journal with the same name.
    """
    read: dict[str, _VerifiedJournal] = {}
    failed: dict[str, tuple[str, str]] = {}
    sizes = 0
    for name in names:
        with suppress(OSError):
            sizes += with_journal_path(workspace.log, name, lambda path: os.lstat(path).st_size)
    bar = ProgressBar("checking", sizes)
    try:
        for name in names:
            in_log, in_archive = journal_paths(workspace.log, name)
            check = partial(_read, name, seen.get(name), near, bar)
            try:
                read[name] = check(in_archive) if archived else with_journal_path(workspace.log, name, check)
            except LogError as error:
                failed[in_archive if archived or not os.path.lexists(in_log) else in_log] = (name, str(error))
    finally:
        bar.close()
    return read, failed


def _read(
    name: str, seen: checkpoint.HighWaterMark | None, near: Instant, bar: ProgressBar, path: str
) -> _VerifiedJournal:
    """Read one journal by rules 1, 2 and 5. Raises LogError.

    If it ends in an incomplete line, the end is read a second time: another session may just be writing it.
    """
    events, ahead, position, rest = 0, list[Instant](), Position(), b""
    for chunk, end, tail in read_in_chunks(path, name):
        events += len(chunk)
        ahead += [event.at for event in chunk if event.at > near]
        bar.step(end.size - position.size)
        position, rest = end, tail
    if rest:
        more, replaced = read_from(path, position.size, position.last)
        chunk, position = scan(name, b"" if replaced else more, position)
        events += len(chunk)
        ahead += [event.at for event in chunk if event.at > near]
        rest = b"" if position.stopped else more[more.rfind(b"\n") + 1 :]
    replaced = bool(seen and seen.last and seen.size <= position.size and prefix_differs(path, seen.size, seen.last))
    return _VerifiedJournal(path, position, events, ahead, len(rest), replaced)


def _result(
    workspace: Workspace,
    name: str,
    read: _VerifiedJournal,
    seen: checkpoint.HighWaterMark | None,
    limit: Instant,
    system: System,
) -> JournalResult:
    position, rewound, held_back = read.position, "", ""
    if seen and seen.rewound:
        rewound = seen.rewound
    elif seen and position.size < seen.size:
        rewound = f"{lines_read_text(seen.lines)} before, {position.lines} now"
    elif seen and read.replaced:
        rewound = f"its line {seen.lines}, which ends at byte {seen.size}, is not the line that was read before"
    if position.at > limit and position.machine != system.here.machine:
        held_back = next(at for at in read.ahead if at > limit)
    return JournalResult(
        session=name,
        file=_file(workspace, read.path),
        bytes=position.size,
        lines=position.lines,
        events=read.events,
        damage=position.damage,
        tear=read.tear,
        rewound=rewound,
        held_back=held_back,
    )


def _file(workspace: Workspace, path: str) -> str:
    return os.path.relpath(path, workspace.folder).replace(os.sep, "/")


def _compare_checkpoint(
    system: System, workspace: Workspace, saved: checkpoint.Checkpoint, folded: checkpoint.SavedFold | None
) -> CheckpointStatus:
    """Compare the checkpoint with the journals by rule 3; the journals are as they were written."""
    if not saved.code:
        return "damaged" if os.path.lexists(os.path.join(workspace.cache, checkpoint.NAME)) else "none"
    if folded is None:
        return "damaged" if saved.of_this_code else "other code"
    before = _reader(system, workspace, saved, folded)
    known = {name: position.n for name, position in (*before.positions.items(), *before.archive.items())}
    history = LogReader(workspace.log, system.here.machine)
    collector, postings = PostingCollector(), PostingDigests()

    def fold_and_post(state: State, events: list[Event]) -> None:
        collector.fold(state, events)
        postings.add(collector.take())

    bar = ProgressBar("folding", before.size())
    try:
        state = recompute(history, system.wall(), before, _AFTER_ALL, bar.reach, fold_and_post)
    except LogError:
        return "not compared"
    finally:
        bar.close()
    if any((history.position(name) or Position()).n < n for name, n in known.items()):
        return "not compared"  # a journal was removed during the comparison
    at = max(folded.state.reached, folded.state.at)
    collector.advance(state, at)
    postings.add(collector.take())
    store = Buckets(workspace.cache, saved.store.head, saved.store.pending)
    ended = EndedRows(store, folded.state, lambda: state)
    ended.bring_back()
    try:
        differs = saved.store.posted and postings.differ_from(store)
    except CacheDamaged:
        ended.damaged = True
    if ended.damaged:
        return "damaged" if checkpoint.load(workspace.cache)[0] == saved else "not compared"  # saved anew meanwhile
    return "different" if differs or _state_bytes(state) != _state_bytes(as_of(folded.state, at)) else "same"


def _reader(
    system: System, workspace: Workspace, saved: checkpoint.Checkpoint, folded: checkpoint.SavedFold
) -> LogReader:
    """Return a reader with the positions of a checkpoint, which has read nothing yet."""
    stored = StoredPositions(Buckets(workspace.cache, saved.store.head, saved.store.pending))
    archive = Archive(saved.store.archive, stored)
    return LogReader(workspace.log, system.here.machine, folded.positions, archive=archive)


def _state_bytes(state: State) -> tuple[bytes, list[str], list[str]]:
    """Return a state as bytes, and the orders of its claims and waits, which the bytes do not show."""
    return msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)
