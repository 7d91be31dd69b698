"""The journals in this folder as the exchange sees them: how far each verifies, and whether this folder writes it."""

import os
from functools import partial

from msgspec import Struct

from coord.workspace.paths import Workspace
from eventlog.codec import MAX_LINE
from eventlog.errors import LogError
from eventlog.events import Instant
from eventlog.local.files import ARCHIVE_FOLDER, JOURNAL_SUFFIX, journal_names, list_journal_sizes
from eventlog.local.journal import is_session_id, journal_paths, read_from, with_journal_path
from eventlog.scanning import Position, scan


class LocalJournal(Struct):
    """One journal: `size` are its first bytes that verify. `problem` is why it cannot be read, if it exists."""

    position: Position = Position()
    archived: bool = False
    problem: str = ""

    @property
    def size(self) -> int:
        """The number of bytes that verify, up to the first damage."""
        return self.position.damage[0].byte if self.position.damage else self.position.size


class LocalJournals:
    """Reads the journals of a folder, and remembers how far each verified."""

    def __init__(self, workspace: Workspace, machine: str) -> None:
        self._workspace, self._machine = workspace, machine
        self._known: dict[str, LocalJournal] = {}

    def names(self) -> tuple[dict[str, int], set[str]]:
        """Return the sizes of the journals in the log, and the names of the archived ones. Raises OSError."""
        log = self._workspace.log
        sizes = {name: size for name, size in list_journal_sizes(log).items() if is_session_id(name)}
        try:
            archived = set(filter(is_session_id, journal_names(os.path.join(log, ARCHIVE_FOLDER))))
        except FileNotFoundError:
            archived = set()
        return sizes, archived - sizes.keys()

    def read(self, name: str) -> LocalJournal:
        """Return a journal, after reading what is new in it. One that cannot be read has no bytes."""
        found = self._known.setdefault(name, LocalJournal())
        if found.archived and found.position.size:
            return found
        try:
            position = found.position
            data, rewound = with_journal_path(
                self._workspace.log, name, partial(read_from, size=position.size, last=position.last)
            )
            found.position = scan(name, data, Position() if rewound else position)[1]
            active = os.path.join(self._workspace.log, name + JOURNAL_SUFFIX)
            found.archived, found.problem = not os.path.lexists(active), ""
        except (OSError, LogError) as error:
            is_there = any(map(os.path.lexists, journal_paths(self._workspace.log, name)))
            found.position, found.problem = Position(), str(error) if is_there else ""
        return found

    def data(self, name: str, begin: int, end: int) -> bytes:
        """Return bytes of a journal. Raises OSError or LogError if they cannot be read."""

        def read(path: str) -> bytes:
            try:
                with open(path, "rb") as file:
                    file.seek(begin)
                    return file.read(end - begin)
            except IsADirectoryError:
                raise LogError("it is not a file") from None

        return with_journal_path(self._workspace.log, name, read)

    def line_start(self, name: str, at: int) -> int:
        """Return where the line begins that has the byte `at`. Raises OSError or LogError if it cannot be read."""
        begin = max(0, at - MAX_LINE)
        return begin + self.data(name, begin, at).rfind(b"\n") + 1

    def is_ours(self, position: Position) -> bool:
        """Return whether this folder, on this machine, writes the journal that is read up to `position`."""
        return position.machine == self._machine and self._workspace.is_recorded_as(position.folder)

    def newest_of_machines(self) -> dict[str, Instant]:
        """Return the time of the newest event of each other machine, or other folder of this one, by its id."""
        newest: dict[str, Instant] = {}
        for journal in self._known.values():
            at, machine = journal.position.at, journal.position.machine
            if at and machine and not self.is_ours(journal.position):
                newest[machine] = max(at, newest.get(machine, ""))
        return newest
