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
from coord.engine.snapshot import Present, is_unused
from coord.errors import no_log
from coord.render.console.progress import Bar
from coord.workspace.paths import REMOVED, Place, marked
from coord.workspace.system import World
from eventlog.errors import LogError
from eventlog.events import Instant, later
from eventlog.history import HORIZON_S, History, horizon_of, lines_read
from eventlog.local.journal import in_pieces, is_other_at, paths_of, read_from, wherever
from eventlog.scanning import Damage, Position, scan
from projections.rules.fold import as_of, fold
from projections.rules.state import State

Cache: TypeAlias = Literal["none", "same", "other code", "damaged", "different", "not compared"]
"""What the checkpoint is: there is none; its fold is what the journals give; it is of other code; it cannot be read;
its fold is another; or the journals are not as they were written, so there is nothing to compare with."""


class Checked(Struct, frozen=True):
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


class Verified(Struct, frozen=True):
    """All journals. `twice` names those that are in the log and among the ended; both are in `journals`."""

    journals: list[Checked]
    twice: list[str]
    checkpoint: Cache

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written, and every answer follows from it."""
        return self.checkpoint != "different" and all(journal.whole for journal in self.journals)


class _Read(Struct, frozen=True):
    """A journal as it was read, with what is needed to look at all of them together."""

    path: str
    position: Position
    events: int
    far: list[Instant]  # those of its times that may lie too far ahead
    tear: int
    other: bool  # whether it is not the one that the checkpoint saw


def verify(world: World, place: Place) -> Verified:
    """Check every journal of a folder. Raises CoordError (4) if there is no log."""
    saved, folded = checkpoint.load(place.cache)
    history = History(place.log, world.here.machine)
    try:
        names = sorted(history.names())
    except LogError as error:
        if not is_unused(place):
            Present(world, place).catch_up()  # says best what is missing
            raise no_log(str(error)) from None
        names = []
    wall = world.wall()
    near = later(wall, HORIZON_S)
    read, problems = _read_all(place, names, saved.seen, near)
    second, more = _read_all(place, sorted(history.twice), {}, near, ended=True)
    accepted = max((position.at for position in folded.positions.values()), default="") if folded else ""
    horizon = horizon_of((one.position for one in read.values()), world.here.machine, wall, accepted)
    journals = [_checked(place, name, one, saved.seen.get(name), horizon, world) for name, one in read.items()]
    journals += [_checked(place, name, one, None, horizon, world) for name, one in second.items()]
    problems |= more | {paths_of(place.log, name)[0]: (name, why) for name, why in history.problems.items()}
    journals += [Checked(name, _file(place, path), problem=why) for path, (name, why) in problems.items()]
    for name in saved.seen.keys() - set(names) - history.problems.keys():
        if saved.seen[name].size:
            gone = f"it is gone; {lines_read(saved.seen[name].lines)} before"
            journals.append(Checked(name, _file(place, paths_of(place.log, name)[0]), rewound=gone))
    mark = marked(place)
    if mark and mark not in {journal.session for journal in journals}:
        journals.append(Checked(mark, _file(place, paths_of(place.log, mark)[0]), rewound=REMOVED))
    journals.sort(key=lambda journal: (journal.session, journal.file))
    if not all(journal.whole for journal in journals):
        return Verified(journals, sorted(history.twice), "not compared")
    return Verified(journals, sorted(history.twice), _compared(world, place, saved, folded))


def _read_all(
    place: Place, names: list[str], seen: dict[str, checkpoint.Seen], near: Instant, *, ended: bool = False
) -> tuple[dict[str, _Read], dict[str, tuple[str, str]]]:
    """The journals by name, and by path the names of those that cannot be read, with the reason; with `ended` those
    among the ended, whatever is in the log.
    """
    read: dict[str, _Read] = {}
    failed: dict[str, tuple[str, str]] = {}
    sizes = 0
    for name in names:
        with suppress(OSError):
            sizes += wherever(place.log, name, lambda path: os.lstat(path).st_size)
    bar = Bar("checking", sizes)
    try:
        for name in names:
            here, aside = paths_of(place.log, name)
            check = partial(_read, name, seen.get(name), near, bar)
            try:
                read[name] = check(aside) if ended else wherever(place.log, name, check)
            except LogError as error:
                failed[aside if ended or not os.path.lexists(here) else here] = (name, str(error))
    finally:
        bar.close()
    return read, failed


def _read(name: str, seen: checkpoint.Seen | None, near: Instant, bar: Bar, path: str) -> _Read:
    """Rules 1, 2 and 5. What is no whole line yet is looked at twice: it may be on its way. Raises LogError."""
    events, far, position, rest = 0, list[Instant](), Position(), b""
    for found, end, tail in in_pieces(path, name):
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
    other = bool(seen and seen.last and seen.size <= position.size and is_other_at(path, seen.size, seen.last))
    return _Read(path, position, events, far, len(rest), other)


def _checked(
    place: Place, name: str, read: _Read, seen: checkpoint.Seen | None, horizon: Instant, world: World
) -> Checked:
    position, rewound, held_back = read.position, "", ""
    if seen and seen.rewound:
        rewound = seen.rewound
    elif seen and position.size < seen.size:
        rewound = f"{lines_read(seen.lines)} before, {position.lines} now"
    elif seen and read.other:
        rewound = f"its line {seen.lines}, which ends at byte {seen.size}, is not the one that was read before"
    if position.at > horizon and position.machine != world.here.machine:
        held_back = next(at for at in read.far if at > horizon)
    return Checked(
        session=name,
        file=_file(place, read.path),
        bytes=position.size,
        lines=position.lines,
        events=read.events,
        damage=position.damage,
        tear=read.tear,
        rewound=rewound,
        held_back=held_back,
    )


def _file(place: Place, path: str) -> str:
    return os.path.relpath(path, place.folder).replace(os.sep, "/")


def _compared(world: World, place: Place, saved: checkpoint.Checkpoint, folded: checkpoint.Folded | None) -> Cache:
    """Rule 3, where the journals are whole."""
    if not saved.code:
        return "damaged" if os.path.lexists(os.path.join(place.cache, checkpoint.NAME)) else "none"
    if folded is None:
        return "damaged" if saved.of_this_code else "other code"
    upto = {name: position.n for name, position in folded.positions.items()}
    latest = max((position.at for position in folded.positions.values()), default="")
    history, state = History(place.log, world.here.machine), State()
    bar = Bar("folding", sum(position.size for position in folded.positions.values()))
    try:
        for news in history.batches(max(world.wall(), latest)):  # what it has was near enough once
            fold(state, [event for event in news.events if event.n <= upto.get(event.session, 0)])
            bar.reach(history.size())
    except LogError:
        return "not compared"
    finally:
        bar.close()
    if any(history.positions.get(name, Position()).n < n for name, n in upto.items()):
        return "not compared"  # a journal went while it was read
    moment = max(folded.state.reached, folded.state.at)
    return "same" if _image(as_of(state, moment)) == _image(as_of(folded.state, moment)) else "different"


def _image(state: State) -> tuple[bytes, list[str], list[str]]:
    """A state as bytes, and the orders that the bytes do not show."""
    return msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)
