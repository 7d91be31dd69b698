"""List the journals of a log folder that a read must look at, and keep what is known of the archived ones.

1. Nothing is appended to an archived journal. The position of one that is undamaged and was read to its end is final.
   It is kept here, apart from the positions of the journals in the log, and is looked up by name.
2. The folder's modification time shows whether names were added or removed since it was listed. A time that is too
   recent to show the next change is not recorded, so the folder is listed again.
3. All other files in the folder are remembered by name: those that are damaged, unreadable or held back, and those that
   are also in the log.
"""

import os
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from eventlog.errors import LogError
from eventlog.events import HOUR_S, Instant
from eventlog.local.files import ARCHIVE_FOLDER, is_settled, journal_names, list_journal_sizes, modified_at_ns
from eventlog.local.journal import is_session_id, journal_paths
from eventlog.scanning import Position

ARCHIVE_AFTER_S = HOUR_S  # after the end of a session, its journal can be archived
UNKNOWN = -1  # instead of a modification time: the folder must be listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class StoredPositions(Protocol):
        """Saved positions of archived journals, by name. A dict is one."""

        def get(self, name: str, /) -> Position | None:
            """Return the position of this journal, or None if it has none."""

        def __iter__(self) -> Iterator[str]: ...


class ArchiveSummary(Struct):
    """What each read needs to know of the archive as a whole."""

    listed_ns: int = UNKNOWN  # its modification time when it was listed; 0 if there was no archive
    others: set[str] = set()  # the names in it that have no final position
    latest: dict[str, Instant] = {}  # the latest time in the journals of each machine
    bytes: int = 0  # of the journals that have a final position
    journals: int = 0  # how many they are


class Archive:
    """The final positions of archived journals: `stored`, with `changes` since. None in `changes` is a removed one."""

    def __init__(self, summary: ArchiveSummary | None = None, stored: "StoredPositions | None" = None) -> None:
        self.summary = summary or ArchiveSummary()
        self.stored: StoredPositions = {} if stored is None else stored
        self.changes: dict[str, Position | None] = {}

    def get(self, name: str) -> Position | None:
        """Return the final position of a journal, or None if it has none."""
        if name in self.changes or not self.summary.journals:
            return self.changes.get(name)
        return self.stored.get(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all journals that have a final position. This reads all that is stored."""
        yield from (name for name, position in self.changes.items() if position is not None)
        yield from (name for name in self.stored if name not in self.changes)

    def items(self) -> Iterator[tuple[str, Position]]:
        """Iterate over all final positions, with their names."""
        for name in self:
            if position := self.get(name):
                yield name, position

    def copy(self) -> "Archive":
        """Return a copy that can be changed without changing this one."""
        summary = self.summary
        copied = Archive(replace(summary, others=set(summary.others), latest=dict(summary.latest)), self.stored)
        copied.changes = dict(self.changes)
        return copied

    def add(self, name: str, position: Position) -> None:
        """Add the final position of a journal that has none yet."""
        summary = self.summary
        self.changes[name] = position
        summary.others.discard(name)
        summary.latest[position.machine] = max(position.at, summary.latest.get(position.machine, ""))
        summary.bytes += position.size
        summary.journals += 1

    def remove(self, name: str) -> Position | None:
        """Remove the final position of a journal, and return it; None if it has none.

        The latest times stay, because its events are still part of the history. If they are not, all positions are
        discarded.
        """
        position = self.get(name)
        if position:
            self.changes[name] = None
            self.summary.bytes -= position.size
            self.summary.journals -= 1
        return position

    def is_current(self, log: str) -> bool:
        """Return whether certainly no name was added to the archive or removed since it was listed."""
        try:
            return self.summary.listed_ns == archive_modified_ns(log)
        except OSError:
            return False

    def record_moves(self, log: str, *, was_current: bool) -> None:
        """Record that names were added to the archive by moves that are known here.

        Without `was_current`, other changes are possible, so the folder must be listed again. That is also so if its
        file system only stores whole seconds, in which others could change it too.
        """
        try:
            modified_ns = archive_modified_ns(log)
        except OSError:
            modified_ns = 0
        self.summary.listed_ns = modified_ns if was_current and modified_ns % 1_000_000_000 else UNKNOWN

    def refresh(self, log: str, *, force: bool) -> dict[str, Position]:
        """List the archive if its names have changed, or with `force`. Return the positions of the journals that are
        not in it any more, which are removed here. Raises OSError.
        """
        modified_ns = archive_modified_ns(log)  # before the listing: a later change must be noticed
        if modified_ns == self.summary.listed_ns and not force:
            return {}
        try:
            listed = journal_names(os.path.join(log, ARCHIVE_FOLDER))
        except FileNotFoundError:
            listed = set()
        known = set(self)
        self.summary.others = listed - known
        self.summary.listed_ns = modified_ns if is_settled(modified_ns) else UNKNOWN
        return {name: position for name in known - listed if (position := self.remove(name))}


def archive_modified_ns(log: str) -> int:
    """Return when a name was last added to the archive or removed, in nanoseconds since 1970; 0 if there is no archive.

    Raises OSError.
    """
    try:
        return modified_at_ns(os.path.join(log, ARCHIVE_FOLDER))
    except FileNotFoundError:
        return 0


class Listing(Struct):
    """The journals that have no final position in the archive.

    `removed` has the positions that were final, of journals that are not only in the archive any more. The archive does
    not have them now.
    """

    sizes: dict[str, int] = {}  # of the files in the log, as `list_journal_sizes` returns them
    names: set[str] = set()
    archived: set[str] = set()  # those that are only in the archive
    duplicates: set[str] = set()  # those that are in both places
    problems: dict[str, str] = {}  # why a file is not one of them
    removed: dict[str, Position] = {}


def list_journals(folder: str, positions: Mapping[str, Position], archive: Archive) -> Listing:
    """List the log and, if its names have changed, the archive. Raises LogError if a folder cannot be listed.

    The log is listed before the archive, so a journal that is archived in between appears in at least one list. If a
    journal that was read is missing, the archive is listed in any case.
    """
    try:
        sizes = list_journal_sizes(folder)
    except OSError as error:
        raise LogError(f"cannot read the log {folder}: {error.strerror}") from None
    present = sizes.keys() | archive.summary.others
    missing = any(name not in present and not old.rewound for name, old in positions.items())
    try:
        removed = archive.refresh(folder, force=missing)
    except OSError as error:
        raise LogError(f"cannot read the archived journals in {ARCHIVE_FOLDER}/: {error.strerror}") from None
    for name in sizes.keys() - positions.keys() - removed.keys():
        if is_session_id(name) and (position := archive.remove(name)):  # it was moved or copied back
            removed[name] = position
            if os.path.lexists(journal_paths(folder, name)[1]):
                archive.summary.others.add(name)
    others = archive.summary.others
    names = sizes.keys() | others
    problems = {
        name: "is not named like a session"
        for name in names - positions.keys() - removed.keys()
        if not is_session_id(name)
    }
    return Listing(
        sizes=sizes,
        names=names - problems.keys(),
        archived=others - sizes.keys(),
        duplicates={name for name in sizes.keys() & others if os.path.lexists(journal_paths(folder, name)[0])},
        problems=problems,
        removed=removed,
    )
