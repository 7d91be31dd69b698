"""Write journals of other machines into the log: only whole lines that verify, and never a journal of this folder.

The caller holds the machine's lock, since a journal may be archived at the same time.
"""

import os
from collections.abc import Callable

from coord.engine.sync.exchange.local_journals import LocalJournal, LocalJournals
from coord.engine.sync.pending import Draft
from coord.workspace.paths import Workspace
from eventlog.errors import LogError
from eventlog.local.files import BINARY, JOURNAL_SUFFIX, NOFOLLOW, sync_data, sync_folder
from eventlog.local.journal import MAX_JOURNAL_BYTES, is_session_id
from eventlog.local.writer import archive_journal, sync_names
from eventlog.remotes.piece import Piece
from eventlog.scanning import scan

_SYNC_ALONE = 64  # from this many files on, one sync of everything is faster than one for each


class Incoming:
    """Writes pieces that were read from a remote. `report` gets the session and text of what is not accepted.

    `sizes` are the bytes of each journal at the remote, as far as they were accepted or are the same here; negative if
    the journal is archived there. `events` counts the lines that were written. `found_draft` tells whether a piece has
    the lines of `draft`, which are not in its journal here.
    """

    def __init__(self, workspace: Workspace, journals: LocalJournals, report: Callable[[str, str], None]) -> None:
        self._workspace, self._journals, self._report = workspace, journals, report
        self._rest: dict[str, tuple[int, bytes]] = {}  # the beginning of a line whose end was not read yet
        self._written: set[str] = set()
        self._moved = False
        self.sizes: dict[str, int] = {}
        self.events, self.new_journals = 0, 0
        self.draft: Draft | None = None
        self.found_draft = False
        self.differs: set[str] = set()

    def write(self, piece: Piece) -> None:
        """Write what is new in a piece. Raises OSError if the log cannot be written."""
        name, end = piece.session, piece.offset + len(piece.data)
        if not is_session_id(name) or end > MAX_JOURNAL_BYTES:
            self._report(name[:100], "it is not the name of a session, or is too large. It was not accepted.")
            return
        local = self._journals.read(name)
        same = self._compare(piece, local)
        if same < min(end, local.size):
            return
        if same > abs(self.sizes.get(name, 0)):
            self.sizes[name] = same
        if end > local.size:
            self._write_rest(piece, local)
        if piece.archived and local.size == end and local.size:
            self.sizes[name] = -end
            self._archive(name, local)

    def _compare(self, piece: Piece, local: LocalJournal) -> int:
        """Return the end of the bytes of a piece that are the same here. Reports a difference."""
        end = min(piece.offset + len(piece.data), local.size)
        if end <= piece.offset:
            return end
        ours = self._journals.data(piece.session, piece.offset, end)
        theirs = piece.data[: len(ours)]
        if ours == theirs:
            return end
        at = piece.offset + next((n for n, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), 0)
        what = f"it differs at the remote from byte {at} on. What is here was kept"
        if self._journals.is_ours(local.position):
            self.sizes[piece.session] = min(at, abs(self.sizes.get(piece.session, at)))
            self.differs.add(piece.session)
            self._report(piece.session, f"{what}, and is published again.")
        else:  # only its own machine publishes it again
            self.sizes[piece.session] = max(local.size, abs(self.sizes.get(piece.session, 0)))
            self._report(piece.session, f"{what}.")
        return at

    def _write_rest(self, piece: Piece, local: LocalJournal) -> None:
        name, begin = piece.session, local.size
        rest_at, rest = self._rest.pop(name, (begin, b""))
        start = begin + len(rest) if rest_at == begin else begin
        if piece.offset > start:
            self._report(name, f"the remote lacks its bytes {start} to {piece.offset}. What follows was not accepted.")
            return
        data = (rest if rest_at == begin else b"") + piece.data[start - piece.offset :]
        lines = data[: data.rfind(b"\n") + 1]
        if self._is_own(name, local, lines):
            self._see_own(name, begin, data)
            return
        if local.position.damage or local.archived:
            why = "is archived" if local.archived else "is damaged"
            self._report(name, f"it {why} here, and has more at the remote. That was not accepted.")
            return
        events, position = scan(name, lines, local.position)
        if position.damage:
            good = position.damage[0].byte - begin
            self._report(name, f"it is damaged at the remote at byte {begin + good}. What follows was not accepted.")
            lines = lines[:good]
            events, position = scan(name, lines, local.position)
        elif len(data) > len(lines):
            self._rest[name] = (begin + len(lines), data[len(lines) :])
        if lines:
            self._append(name, begin, lines)
            self.new_journals += not begin
            self.events += len(events)
            local.position = position
            self.sizes[name] = local.size

    def _is_own(self, name: str, local: LocalJournal, lines: bytes) -> bool:
        """Return whether this folder writes the journal, so that only it knows what is in it."""
        position = local.position if local.position.machine else scan(name, lines, local.position)[1]
        return self._journals.is_ours(position)

    def _see_own(self, name: str, begin: int, data: bytes) -> None:
        draft = self.draft
        if draft and draft.session == name and begin == draft.offset and data.startswith(draft.data):
            self.found_draft = True
            self.sizes[name] = begin + len(draft.data)
            data = data[len(draft.data) :]
        if data:
            self._report(
                name,
                f"this machine writes it, but the remote has {len(data)} bytes more than this folder. "
                "They were not accepted.",
            )

    def _append(self, name: str, begin: int, lines: bytes) -> None:
        path = os.path.join(self._workspace.log, name + JOURNAL_SUFFIX)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW | BINARY, 0o666)
        try:
            if os.fstat(fd).st_size > begin:
                os.ftruncate(fd, begin)  # the beginning of a line that a killed process wrote
            if os.write(fd, lines) != len(lines):
                os.ftruncate(fd, begin)
                raise OSError(28, "only part of it could be written", path)
        finally:
            os.close(fd)
        self._written.add(path)

    def _archive(self, name: str, local: LocalJournal) -> None:
        if local.archived or self._journals.is_ours(local.position):
            return
        try:
            self.sync()
            archive_journal(self._workspace.log, name)
            local.archived = self._moved = True
        except LogError as error:
            self._report(name, f"it is archived on its machine, but not here: {error}")

    def sync(self) -> None:
        """Make everything that was written durable. Raises OSError or LogError."""
        if len(self._written) >= _SYNC_ALONE and hasattr(os, "sync"):
            os.sync()
        else:
            for path in self._written:
                fd = os.open(path, os.O_RDWR | NOFOLLOW | BINARY)
                try:
                    sync_data(fd)
                finally:
                    os.close(fd)
        if self._written:
            sync_folder(self._workspace.log)
        self._written.clear()

    def finish(self) -> None:
        """Make everything durable, including what was archived. Raises OSError or LogError."""
        self.sync()
        if self._moved:
            sync_names(self._workspace.log)
            self._moved = False
