"""A shared or synchronised directory as a remote: Syncthing, NFS, a USB stick. It cannot publish on a condition.

Each machine writes only in its own folder, `FOLDER/MACHINE`: one file for each journal it publishes, `SESSION.jsonl`,
renamed to `ended/SESSION@SIZE.jsonl` once the journal is complete. So no two machines write one file, and whatever
synchronises the directory has nothing to merge. A file can arrive in part: readers pass on what is there, and
the caller takes only lines that verify. Files that a synchroniser makes of conflicts, or while it copies, are ignored.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

from eventlog.digest import blake2b
from eventlog.events import Instant
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece
from eventlog.remotes.remote import Behind, ReadResult, RemoteAway, RemoteRefused

ENDED = "ended"
SUFFIX = ".jsonl"


class _File(Struct, array_like=True, frozen=True):
    """What a cursor remembers of a journal: how much was read, a digest of its last bytes, whether it is complete."""

    size: int
    digest: str = ""
    archived: bool = False


_Cursor = dict[str, _File]  # by `MACHINE/SESSION`


class _Journal(Struct, frozen=True):
    """A file of the directory."""

    key: str  # `MACHINE/SESSION`
    session: str
    path: Path
    full_size: int | None  # of a complete journal


class FolderRemote:
    """Implement `Remote` over a directory. `machine` names the folder in it that this machine writes."""

    agrees = False
    whole_segments = False

    def __init__(self, path: str, machine: str, *, poll_s: float = 5) -> None:
        self.name = path
        self._folder, self._machine, self._poll_s = Path(path), machine, poll_s
        self._ended = threading.Event()
        self._check()

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """Read what files have more than `cursor` remembers, or everything if one of them is not as it was."""
        self._check()
        known = _parse(cursor)
        try:
            restarted = known is None or not self._are_as_before(known)
            now: _Cursor = {} if known is None or restarted else dict(known)
            for journal in list(self._journals()):
                with suppress(FileNotFoundError):  # it became complete just now, and is read at the next call
                    now[journal.key] = _read_journal(journal, now.get(journal.key, _File(0)), use)
        except OSError as error:
            raise _problem(self.name, error) from None
        return ReadResult(encode(now).decode() if now else "", restarted=restarted)

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """Append pieces to this machine's files, durably. The cursor is no condition, and stays what was read.

        Raises RemoteRefused if a piece begins after the end of its file.
        """
        self._check()
        try:
            for piece in pieces:
                self._write(piece)
        except OSError as error:
            raise _problem(self.name, error) from None
        return cursor

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """Look at the sizes of the files again and again."""
        known = {key: (file.size, file.archived) for key, file in (_parse(cursor) or {}).items()}
        end = time.monotonic() + timeout_s
        while not self._ended.is_set():
            self._check()
            if self._sizes() != known:
                return True
            left = end - time.monotonic()
            if left <= 0:
                break
            self._ended.wait(min(left, self._poll_s))
        return False

    def clock(self) -> Instant:
        """Return nothing: the directory may be written by any machine's clock."""
        return ""

    def close(self) -> None:
        """End all waits."""
        self._ended.set()

    def _check(self) -> None:
        if self._ended.is_set():
            raise RemoteAway(f"{self.name} is closed")
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise _problem(self.name, error) from None

    def _journals(self) -> Iterator[_Journal]:
        """Yield the files that hold journals, complete ones last."""
        for machine in sorted(os.listdir(self._folder)):
            for place in ("", ENDED):
                inner = self._folder / machine / place
                if machine[0] in ".~" or not inner.is_dir():
                    continue
                for file in sorted(os.listdir(inner)):
                    if _is_journal(file):
                        session, _, size = file.removesuffix(SUFFIX).partition("@")
                        full_size = int(size) if size.isascii() and size.isdigit() and place else None
                        yield _Journal(f"{machine}/{session}", session, inner / file, full_size)

    def _are_as_before(self, known: _Cursor) -> bool:
        """Return whether everything that was read is still there, as far as the last bytes of it show."""
        same = set()
        for journal in self._journals():
            before = known.get(journal.key)
            if before is None:
                continue
            with suppress(FileNotFoundError), journal.path.open("rb") as file:
                long_enough = os.fstat(file.fileno()).st_size >= before.size
                if long_enough and _digest(file.fileno(), before.size) == before.digest:
                    same.add(journal.key)
        return same == set(known)

    def _sizes(self) -> dict[str, tuple[int, bool]]:
        sizes = {}
        try:
            for journal in self._journals():
                with suppress(FileNotFoundError), journal.path.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    sizes[journal.key] = (size, size == journal.full_size)
        except OSError as error:
            raise _problem(self.name, error) from None
        return sizes

    def _write(self, piece: Piece) -> None:
        own = self._folder / self._machine
        ended = own / ENDED
        path = own / f"{piece.session}{SUFFIX}"
        complete = sorted(ended.glob(f"{piece.session}@*{SUFFIX}"))
        target = complete[-1] if complete and not path.exists() else path
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(target, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0) as file:
            size = _write_piece(file.fileno(), target, piece)
        if piece.archived and target == path:
            ended.mkdir(exist_ok=True)
            os.replace(path, ended / f"{piece.session}@{size}{SUFFIX}")
        for folder in (own, ended):
            if folder.exists():
                _sync_folder(folder)


def _read_journal(journal: _Journal, before: _File, use: Callable[[Piece], None]) -> _File:
    """Pass on what a file has more than `before`, and return what is known then."""
    with journal.path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start, archived = before.size, before.archived
        while start < size or (size == journal.full_size and not archived):
            data = os.pread(file.fileno(), min(MAX_PIECE_BYTES, size - start), start)
            if not data and start < size:  # it became shorter just now
                break
            archived = start + len(data) == journal.full_size
            use(Piece(journal.session, start, data, archived=archived))
            start += len(data)
        return _File(start, _digest(file.fileno(), start), archived)


def _write_piece(file: int, path: Path, piece: Piece) -> int:
    """Write what the file lacks of a piece, durably, and return the file's size."""
    size = os.fstat(file).st_size
    if piece.offset > size:
        raise RemoteRefused(f"{path} ends at {size}, and what follows begins at {piece.offset}: run `coord sync`")
    present = os.pread(file, len(piece.data), piece.offset)
    if piece.data.startswith(present):
        _write_all(file, piece.data[len(present) :], piece.offset + len(present))
    else:  # half a line of a write that was cut off, or the file was changed by something else
        os.ftruncate(file, piece.offset)
        _write_all(file, piece.data, piece.offset)
    os.fsync(file)
    return os.fstat(file).st_size


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some shared directories do not sync folders
            os.fsync(number)
    finally:
        os.close(number)


def _digest(file: int, size: int) -> str:
    start = max(0, size - 256)
    return blake2b(os.pread(file, size - start, start), digest_size=8).hexdigest()


def _is_journal(name: str) -> bool:
    """Return whether a file's name is that of a journal. Synchronisers mark theirs with a dot, a tilde or a word."""
    return name.endswith(SUFFIX) and name[0] not in ".~" and ".sync-conflict-" not in name and "(" not in name


def _parse(cursor: str) -> _Cursor | None:
    """Return what a cursor remembers; None if a folder's remote did not write it."""
    try:
        return decode(cursor, type=_Cursor) if cursor else {}
    except DecodeError:
        return None


def _problem(name: str, error: OSError) -> RemoteAway | RemoteRefused:
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError) or error.errno in (28, 30, 122):  # full, read-only, over the quota
        return RemoteRefused(f"{name}: {reason}")
    return RemoteAway(f"{name}: {reason}")
