"""Checking every byte of every journal, and the checkpoint against them. Takes no lock and changes nothing.

1. Every hash is computed anew, from the first line to the last, of the archived journals too.
2. A journal is at least what the checkpoint saw of it, and the same up to there; if not, it was rewound.
3. The checkpoint is a cache. Its fold must be what the journals give up to where it read them; if it is not, answers
   are wrong, and it is to be deleted. A checkpoint that is damaged, or of other code, is not used by anyone. To compare
   it the journals are read again, in order and in blocks, so that they are never in the memory as a whole.
4. The checkpoint is read before the journals: a journal only grows, so who writes meanwhile causes no alarm.
5. A tear, and events that another machine's clock put too far ahead, are told and are no damage.
"""

import os
from contextlib import suppress
from functools import partial
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from coord.engine import checkpoint
from coord.engine.snapshot import Snapshot, is_unused
from coord.errors import no_log
from coord.render.console.progress import ProgressBar
from coord.workspace.paths import REMOVED, Workspace, read_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Instant, add_time
from eventlog.history import MAX_CLOCK_LEAD_S, LogReader, acceptance_limit, lines_read_text
from eventlog.local.journal import journal_paths, prefix_differs, read_from, read_in_chunks, with_journal_path
from eventlog.scanning import Damage, Position, scan
from projections.rules.fold import as_of, fold
from projections.rules.state import State

CheckpointStatus: TypeAlias = Literal["none", "same", "other code", "damaged", "different", "not compared"]
"""What the checkpoint is: there is none; its fold is what the journals give; it is of other code; it cannot be read;
its fold is another; or the journals are not as they were written, so there is nothing to compare with."""


class JournalResult(Struct, frozen=True):
    """One journal, read from its beginning to its end. `file` is its name inside the shared folder."""

    session: str
    file: str
    bytes: int = 0  # of whole lines
    lines: int = 0
    events: int = 0
    damage: tuple[Damage, ...] = ()
    tear: int = 0  # bytes after the last whole line
    rewound: str = ""  # against what the checkpoint saw
    problem: str = ""  # why it cannot be read, if it cannot
    held_back: Instant = ""  # the first of its times that lies too far ahead

    @property
    def whole(self) -> bool:
        """Whether it is as it was written."""
        return not (self.damage or self.rewound or self.problem)


class VerifyResult(Struct, frozen=True):
    """All journals. `duplicates` names those that are in the log and among the ended; both are in `journals`."""

    journals: list[JournalResult]
    duplicates: list[str]
    checkpoint: CheckpointStatus

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written, and every answer follows from it."""
        return self.checkpoint != "different" and all(journal.whole for journal in self.journals)


class _VerifiedJournal(Struct, frozen=True):
    """A journal as it was read, with what is needed to look at all of them together."""

    path: str
    position: Position
    events: int
    far: list[Instant]  # those of its times that may lie too far ahead
    tear: int
    other: bool  # whether it is not the one that the checkpoint saw


def verify(system: System, workspace: Workspace) -> VerifyResult:
    """Check every journal of a folder. Raises CoordError (4) if there is no log."""
    saved, folded = checkpoint.load(workspace.cache)
    history = LogReader(workspace.log, system.here.machine)
    try:
        names = sorted(history.names())
    except LogError as error:
        if not is_unused(workspace):
            Snapshot(system, workspace).catch_up()  # says best what is missing
            raise no_log(str(error)) from None
        names = []
    wall = system.wall()
    near = add_time(wall, MAX_CLOCK_LEAD_S)
    read, problems = _read_all(workspace, names, saved.seen, near)
    second, more = _read_all(workspace, sorted(history.duplicates), {}, near, ended=True)
    accepted = max((position.at for position in folded.positions.values()), default="") if folded else ""
    horizon = acceptance_limit((one.position for one in read.values()), system.here.machine, wall, accepted)
    journals = [_checked(workspace, name, one, saved.seen.get(name), horizon, system) for name, one in read.items()]
    journals += [_checked(workspace, name, one, None, horizon, system) for name, one in second.items()]
    problems |= more | {journal_paths(workspace.log, name)[0]: (name, why) for name, why in history.problems.items()}
    journals += [JournalResult(name, _file(workspace, path), problem=why) for path, (name, why) in problems.items()]
    for name in saved.seen.keys() - set(names) - history.problems.keys():
        if saved.seen[name].size:
            gone = f"it is gone; {lines_read_text(saved.seen[name].lines)} before"
            journals.append(JournalResult(name, _file(workspace, journal_paths(workspace.log, name)[0]), rewound=gone))
    mark = read_marker(workspace)
    if mark and mark not in {journal.session for journal in journals}:
        journals.append(JournalResult(mark, _file(workspace, journal_paths(workspace.log, mark)[0]), rewound=REMOVED))
    journals.sort(key=lambda journal: (journal.session, journal.file))
    if not all(journal.whole for journal in journals):
        return VerifyResult(journals, sorted(history.duplicates), "not compared")
    return VerifyResult(journals, sorted(history.duplicates), _compared(system, workspace, saved, folded))


def _read_all(
    workspace: Workspace,
    names: list[str],
    seen: dict[str, checkpoint.HighWaterMark],
    near: Instant,
    *,
    ended: bool = False,
) -> tuple[dict[str, _VerifiedJournal], dict[str, tuple[str, str]]]:
    """The journals by name, and by path the names of those that cannot be read, with the reason; with `ended` those
    among the ended, whatever is in the log.
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
            here, aside = journal_paths(workspace.log, name)
            check = partial(_read, name, seen.get(name), near, bar)
            try:
                read[name] = check(aside) if ended else with_journal_path(workspace.log, name, check)
            except LogError as error:
                failed[aside if ended or not os.path.lexists(here) else here] = (name, str(error))
    finally:
        bar.close()
    return read, failed


def _read(
    name: str, seen: checkpoint.HighWaterMark | None, near: Instant, bar: ProgressBar, path: str
) -> _VerifiedJournal:
    """Rules 1, 2 and 5. What is no whole line yet is looked at twice: it may be on its way. Raises LogError."""
    events, far, position, rest = 0, list[Instant](), Position(), b""
    for found, end, tail in read_in_chunks(path, name):
        events += len(found)
        far += [event.at for event in found if event.at > near]
        bar.step(end.size - position.size)
        position, rest = end, tail
    if rest:
        more, other = read_from(path, position.size, position.last)
        found, position = scan(name, b"" if other else more, position)
        events += len(found)
        far += [event.at for event in found if event.at > near]
        rest = b"" if position.stopped else more[more.rfind(b"\n") + 1 :]
    other = bool(seen and seen.last and seen.size <= position.size and prefix_differs(path, seen.size, seen.last))
    return _VerifiedJournal(path, position, events, far, len(rest), other)


def _checked(
    workspace: Workspace,
    name: str,
    read: _VerifiedJournal,
    seen: checkpoint.HighWaterMark | None,
    horizon: Instant,
    system: System,
) -> JournalResult:
    position, rewound, held_back = read.position, "", ""
    if seen and seen.rewound:
        rewound = seen.rewound
    elif seen and position.size < seen.size:
        rewound = f"{lines_read_text(seen.lines)} before, {position.lines} now"
    elif seen and read.other:
        rewound = f"its line {seen.lines}, which ends at byte {seen.size}, is not the one that was read before"
    if position.at > horizon and position.machine != system.here.machine:
        held_back = next(at for at in read.far if at > horizon)
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


def _compared(
    system: System, workspace: Workspace, saved: checkpoint.Checkpoint, folded: checkpoint.SavedFold | None
) -> CheckpointStatus:
    """Rule 3, where the journals are whole."""
    if not saved.code:
        return "damaged" if os.path.lexists(os.path.join(workspace.cache, checkpoint.NAME)) else "none"
    if folded is None:
        return "damaged" if saved.of_this_code else "other code"
    upto = {name: position.n for name, position in folded.positions.items()}
    latest = max((position.at for position in folded.positions.values()), default="")
    history, state = LogReader(workspace.log, system.here.machine), State()
    bar = ProgressBar("folding", sum(position.size for position in folded.positions.values()))
    try:
        for news in history.batches(max(system.wall(), latest)):  # what it has was near enough once
            fold(state, [event for event in news.events if event.n <= upto.get(event.session, 0)])
            bar.reach(history.size())
    except LogError:
        return "not compared"
    finally:
        bar.close()
    if any(history.positions.get(name, Position()).n < n for name, n in upto.items()):
        return "not compared"  # a journal went while it was read
    moment = max(folded.state.reached, folded.state.at)
    return "same" if _state_bytes(as_of(state, moment)) == _state_bytes(as_of(folded.state, moment)) else "different"


def _state_bytes(state: State) -> tuple[bytes, list[str], list[str]]:
    """A state as bytes, and the orders that the bytes do not show."""
    return msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)
