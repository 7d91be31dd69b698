"""Write journals of other machines into the log: only whole lines that verify, and never a journal of this folder.

The caller holds the machine's lock, since a journal may be archived at the same time.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from coord.engine.sync.exchange.local_journals import LocalJournal, LocalJournals
from coord.engine.sync.exchange.remote_sizes import RemoteSizes
from coord.engine.sync.pending import Draft
from coord.workspace.paths import Workspace
from eventlog.codec import MAX_LINE
from eventlog.errors import LogError
from eventlog.local.files import BINARY, JOURNAL_SUFFIX, NOFOLLOW, sync_data, sync_folder
from eventlog.local.journal import MAX_JOURNAL_BYTES, is_session_id
from eventlog.local.lock import mark_sync_failed
from eventlog.local.writer import archive_journal, sync_names
from eventlog.remotes.piece import Piece
from eventlog.scanning import scan

_SYNC_ALONE = 64  # from this many files on, one sync of everything is faster than one for each


@contextmanager
def as_log_error() -> Iterator[None]:
    """Raise LogError if the log cannot be written."""
    try:
        yield
    except OSError as error:
        raise LogError(f"{error.filename or 'the log'} cannot be written: {error.strerror or error}") from None


class Incoming:
    """Writes pieces that were read from a remote. `report` gets the session and text of what is not accepted.

    `sizes` collects what the remote has, as far as it was accepted or is the same here. `events` counts the lines that
    were written. `found_draft` tells whether the remote has the lines of `draft`, which are not in its journal here.
    `gaps` are the journals of which bytes before those that were read are missing here.
    """

    def __init__(
        self,
        workspace: Workspace,
        journals: LocalJournals,
        report: Callable[[str, str], None],
        draft: Draft | None = None,
    ) -> None:
        self._workspace, self._journals, self._report = workspace, journals, report
        self.draft, self.found_draft = draft, False
        self._rest: dict[str, tuple[int, bytes]] = {}  # what follows the journal here, and cannot be written yet
        self._beyond: dict[str, int] = {}  # where journals of this folder end at the remote, if that is later than here
        self._written: set[str] = set()
        self._archived: dict[str, LocalJournal] = {}  # to be archived when their lines are on the disk
        self.sizes = RemoteSizes()
        self.events, self.new_journals = 0, 0
        self.gaps: set[str] = set()

    def write(self, piece: Piece) -> None:
        """Write what is new in a piece. Raises OSError if the log cannot be written."""
        name, end = piece.session, piece.offset + len(piece.data)
        if not is_session_id(name):
            self._report(name[:100], "it is not the name of a session. It was not accepted.")
            return
        if piece.offset < 0 or end > MAX_JOURNAL_BYTES:
            self._report(name, f"it has more than {MAX_JOURNAL_BYTES} bytes at the remote. It was not accepted.")
            return
        local = self._journals.read(name)
        if local.problem:
            self.sizes.leave(name, end)
            self._report(name, f"{local.problem}. What the remote has of it was not accepted.")
            return
        same = self._compare(piece, local)
        if same < min(end, local.size):
            return
        if same > piece.offset:
            self.sizes.has(name, piece.offset, same)
        if end > local.size:
            self._write_rest(piece, local)
        if piece.archived and local.size == end and local.size:
            self.sizes.archived(name, end)
            if not local.archived and not self._journals.is_ours(local.position):
                self._archived[name] = local

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
            line = self._journals.line_start(piece.session, at)  # others accept whole lines only
            self.sizes.differs(piece.session, line, piece.offset + len(piece.data))
            self._report(piece.session, f"{what}, and is published again.")
        else:  # only its own machine publishes it again
            self.sizes.leave(piece.session, local.size)
            self._report(piece.session, f"{what}.")
        return at

    def _write_rest(self, piece: Piece, local: LocalJournal) -> None:
        name, begin = piece.session, local.size
        rest_at, rest = self._rest.pop(name, (begin, b""))
        if rest_at != begin:
            rest = b""
        start = begin + len(rest)
        if piece.offset > start:
            self.gaps.add(name)
            self._report(name, f"the remote lacks its bytes {start} to {piece.offset}. What follows was not accepted.")
            return
        data = rest + piece.data[start - piece.offset :]
        lines = data[: data.rfind(b"\n") + 1]
        if self._is_own(name, local, lines):
            self._see_own(name, local, data)
            return
        if local.position.damage or local.archived:
            why = "is archived" if local.archived else "is damaged"
            self._report(name, f"it {why} here, and has more at the remote. That was not accepted.")
            return
        events, position = scan(name, lines, local.position)
        if position.damage or len(data) - len(lines) > MAX_LINE:
            good = position.damage[0].byte - begin if position.damage else len(lines)
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
            self.sizes.has(name, begin, local.size)

    def _is_own(self, name: str, local: LocalJournal, lines: bytes) -> bool:
        """Return whether this folder writes the journal, so that only it knows what is in it."""
        position = local.position if local.position.machine else scan(name, lines, local.position)[1]
        return self._journals.is_ours(position)

    def _see_own(self, name: str, local: LocalJournal, data: bytes) -> None:
        """Look for the draft in the bytes that follow the journal of this folder. They may come in several pieces."""
        draft, begin = self.draft, local.size
        self._beyond[name] = begin + len(data)
        if draft is None or draft.session != name or not draft.offset <= begin < draft.end:
            return
        missing = draft.data[begin - draft.offset :]
        if data.startswith(missing):
            self.found_draft = True
            self.sizes.has(name, begin, draft.end)
        if len(data) < len(missing):
            self._rest[name] = (begin, data)

    def _append(self, name: str, begin: int, lines: bytes) -> None:
        path = os.path.join(self._workspace.log, name + JOURNAL_SUFFIX)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW | BINARY, 0o666)
        try:
            if os.fstat(fd).st_size > begin:
                os.ftruncate(fd, begin)  # the beginning of a line that a killed process wrote
            if os.write(fd, lines) != len(lines):
                os.ftruncate(fd, begin)
                raise OSError(errno.ENOSPC, "only part of it could be written", path)
        finally:
            os.close(fd)
        self._written.add(path)

    @property
    def has_own(self) -> bool:
        """Whether the remote had more of a journal of this folder than was here."""
        return bool(self._beyond)

    def report_own(self) -> None:
        """Report the journals of this folder of which the remote has more, after everything was read.

        This folder was restored from an older copy, or someone else wrote the rest. Such a journal takes no more
        events, so that no number is given to two events: its session continues in another one.
        """
        for name, end in self._beyond.items():
            local, draft = self._journals.read(name), self.draft
            known = draft.end if draft and draft.session == name and self.found_draft else local.size
            if end <= known:
                continue
            self.sizes.leave(name, end)
            mark_sync_failed(os.path.join(self._workspace.log, name + JOURNAL_SUFFIX))
            self._report(
                name,
                f"this machine writes it, but the remote has {end - known} bytes more than this folder. "
                "They were not accepted. It takes no more events; its session continues in another journal.",
            )

    def _sync(self) -> None:
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
        """Make everything durable, and archive what is archived on its machine. Raises OSError or LogError."""
        self._sync()
        moved = False
        for name, local in self._archived.items():
            try:
                archive_journal(self._workspace.log, name)
                local.archived = moved = True
            except LogError as error:
                self._report(name, f"it is archived on its machine, but not here: {error}")
        self._archived.clear()
        if moved:
            sync_names(self._workspace.log)
