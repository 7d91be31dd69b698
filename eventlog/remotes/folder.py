"""A shared or synchronised directory as a remote: a file for each journal, in a folder for each publisher.

Each machine writes only its own folder, so synchronising programs never have to merge. A file can arrive in parts, or
late: readers verify every line. A directory cannot compare and swap, so claims stay provisional.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from eventlog.digest import blake2b
from eventlog.events import Instant
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece
from eventlog.remotes.remote import ReadResult, RemoteAway, RemoteRefused

_SUFFIX, _ENDED = ".jsonl", "ended"


class FolderRemote:
    """A folder as a remote: see `eventlog.remotes.remote.Remote`. `publisher` names the folder for what is published.

    A cursor is a digest of all sizes and times, so that a change is noticed; what changed is found by reading it.
    """

    agrees = False
    whole_segments = False

    def __init__(self, path: str, publisher: str, *, poll_s: float = 5) -> None:
        self.name, self._path, self._publisher, self._poll_s = path, path, publisher, poll_s
        self._closed = threading.Event()
        self._read: dict[str, tuple[int, int]] = {}  # the size and time of each file that was read

    def _files(self) -> Iterator[tuple[str, str, bool, os.stat_result]]:
        """Yield the path, the journal, whether it is archived, and the status of each file of a journal."""
        if not os.path.isdir(self._path):
            raise RemoteAway(f"{self._path} is not there")
        try:
            for publisher in sorted(os.listdir(self._path)):
                for ended in (False, True):
                    folder = os.path.join(self._path, publisher, *([_ENDED] if ended else []))
                    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                        path = os.path.join(folder, name)
                        if name.endswith(_SUFFIX) and os.path.isfile(path) and not os.path.islink(path):
                            yield path, name.removesuffix(_SUFFIX), ended, os.stat(path)
        except FileNotFoundError:
            return  # it was moved meanwhile
        except OSError as error:
            raise RemoteAway(f"{self._path} cannot be read: {error.strerror}") from None

    def _state(self) -> tuple[str, dict[str, tuple[str, bool, tuple[int, int]]]]:
        found = {
            path: (name, ended, (status.st_size, status.st_mtime_ns)) for path, name, ended, status in self._files()
        }
        text = repr(sorted(found.items())).encode(errors="backslashreplace")
        return blake2b(text, digest_size=16).hexdigest(), found

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """See `Remote.read`. The first read is from the beginning, whatever the cursor."""
        digest, found = self._state()
        restarted = not cursor or not self._read
        if digest == cursor and not restarted:
            return ReadResult(cursor)
        for path, (name, ended, stamp) in found.items():
            if not restarted and self._read.get(path) == stamp:
                continue
            try:
                with open(path, "rb") as file:
                    offset = 0
                    while data := file.read(MAX_PIECE_BYTES):
                        use(Piece(name, offset, data, archived=ended and offset + len(data) == stamp[0]))
                        offset += len(data)
            except OSError as error:
                raise RemoteAway(f"{path} cannot be read: {error.strerror}") from None
        self._read = {path: stamp for path, (_, _, stamp) in found.items()}
        return ReadResult(digest, restarted=restarted)

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str:
        """See `Remote.publish`. The cursor is not compared."""
        try:
            for piece in pieces:
                self._write(piece)
        except OSError as error:
            raise RemoteRefused(f"{self._path} cannot be written: {error.strerror}") from None
        return cursor

    def _write(self, piece: Piece) -> None:
        folder = os.path.join(self._path, self._publisher)
        active, ended = (
            os.path.join(place, piece.session + _SUFFIX) for place in (folder, os.path.join(folder, _ENDED))
        )
        os.makedirs(os.path.join(folder, _ENDED), exist_ok=True)
        path = ended if os.path.exists(ended) else active
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if piece.offset > os.fstat(fd).st_size:
                raise OSError(0, "a file is shorter than what was published")
            os.lseek(fd, piece.offset, os.SEEK_SET)
            os.write(fd, piece.data)
            os.fsync(fd)
        finally:
            os.close(fd)
        if piece.archived and path == active:
            os.replace(active, ended)

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """See `Remote.watch`."""
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            if self._state()[0] != cursor:
                return True
            if (left := deadline - time.monotonic()) <= 0:
                return False
            self._closed.wait(min(left, self._poll_s))
        return False

    def clock(self) -> Instant:
        """See `Remote.clock`: a folder has none."""
        return ""

    def close(self) -> None:
        """See `Remote.close`."""
        self._closed.set()
