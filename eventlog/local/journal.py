"""Find and read one session's journal file. `eventlog.scanning` checks what its lines contain.

1. A journal that is shorter than before, or has other content before the known position, was rewound. It is reported
   and takes no more events.
2. An archived journal is in `log/ended/`, complete, under the same name, and takes no more events. It is moved there by
   one rename and never moved back. A reader that looks first in the log and then in the archive always finds it, with
   or without the lock.

`eventlog.local.writer` appends.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, TypeVar

from eventlog.codec import MAX_LINE, NO_HASH, DamagedLine, decode_line, stored_hash
from eventlog.errors import LogError, Unreadable
from eventlog.events import Event, EventId
from eventlog.local.files import ARCHIVE_FOLDER, BINARY, JOURNAL_SUFFIX, NOFOLLOW
from eventlog.local.lock import SEAL_SUFFIX
from eventlog.scanning import Position, scan

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ID_CHARACTERS = _LETTERS | set("._-")
_NUMBER = "[1-9][0-9]{0,15}"
_LINE_HEAD = re.compile(rb'\{"v":[0-9]+,"at":"[^"]*","session":"([^"]*)","n":([1-9][0-9]{0,15}),')
_SEARCHED_BYTES = 1 << 14  # a part of a journal of this size is searched line by line
_CHUNK_BYTES = 1 << 20  # bytes per read in `read_in_chunks`
MAX_JOURNAL_BYTES = 1 << 28  # a larger journal is not read, so that no file can fill the memory
FULL_JOURNAL_BYTES = MAX_JOURNAL_BYTES // 2  # a journal of this size is closed; its session continues in another
T = TypeVar("T")


def is_session_id(text: str) -> bool:
    """Return whether `text` has the form of a session id, so that a journal can have this name."""
    return text[:1] in _LETTERS and len(text) <= 100 and _ID_CHARACTERS.issuperset(text)


def journal_paths(folder: str, session: str) -> tuple[str, str]:
    """Return the paths where a session's journal can be, in the order of rule 2: in the log, and in the archive."""
    name = session + JOURNAL_SUFFIX
    return os.path.join(folder, name), os.path.join(folder, ARCHIVE_FOLDER, name)


def with_journal_path(folder: str, session: str, use: Callable[[str], T]) -> T:
    """Return `use(path)` for the path of a journal, even if it is archived during the call (rule 2).

    Raises what `use` raises, OSError or LogError.
    """
    active, archived = journal_paths(folder, session)
    try:
        return use(active)
    except (OSError, LogError):
        if os.path.lexists(active):
            raise
    return use(archived)


def _open_journal(path: str) -> BinaryIO:
    """Open a journal for reading. Raises LogError if it cannot be read, is not a regular file or is too large."""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    except OSError as error:
        if os.path.islink(path):
            raise LogError("it is a symbolic link, and links are not followed") from None
        raise Unreadable(f"it cannot be read: {error.strerror}") from None
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_JOURNAL_BYTES:
        return os.fdopen(fd, "rb")
    os.close(fd)
    if stat.S_ISREG(status.st_mode):
        raise LogError(f"it has {status.st_size} bytes; a journal of more than {MAX_JOURNAL_BYTES} bytes is not read")
    raise LogError("it is not a regular file")


def read_from(path: str, size: int, last: bytes, chunk_bytes: int = 0) -> tuple[bytes, bool]:
    """Return the bytes of a journal after the first `size`, and whether it was rewound.

    It was rewound if it is shorter, or if the first `size` bytes do not end in `last`; it is then read from its
    beginning. If `chunk_bytes` is 0, it is read to its end. Otherwise one chunk is read, and further ones until there
    is a line end or more than `MAX_LINE` bytes. A result of fewer than `chunk_bytes` means that the end was reached.
    Raises LogError if it cannot be read or is not a regular file.
    """
    with _open_journal(path) as file:
        try:
            file.seek(size - len(last))
            rewound = file.read(len(last)) != last
            if rewound:
                file.seek(0)
            if not chunk_bytes:
                return file.read(), rewound
            pieces = [file.read(chunk_bytes)]
            length = len(pieces[0])
            while len(pieces[-1]) == chunk_bytes and length <= MAX_LINE and b"\n" not in pieces[-1]:
                pieces.append(file.read(chunk_bytes))
                length += len(pieces[-1])
            return b"".join(pieces), rewound
        except OSError as error:
            raise Unreadable(f"it cannot be read: {error.strerror}") from None


def prefix_differs(path: str, size: int, last: bytes) -> bool:
    """Return whether the first `size` bytes of a journal do not end in `last`. Raises LogError."""
    with _open_journal(path) as file:
        try:
            file.seek(size - len(last))
            return file.read(len(last)) != last
        except OSError as error:
            raise Unreadable(f"it cannot be read: {error.strerror}") from None


def read_in_chunks(path: str, session: str) -> Iterator[tuple[list[Event], Position, bytes]]:
    """Yield a journal in chunks: the events, the position after them, and the incomplete line that follows.

    The incomplete line is empty if reading stops before the end of the file. Raises LogError.
    """
    with _open_journal(path) as file:
        position, rest = Position(), b""
        while True:
            try:
                piece = file.read(_CHUNK_BYTES)
            except OSError as error:
                raise Unreadable(f"it cannot be read: {error.strerror}") from None
            data, begin = rest + piece, position.size
            events, position = scan(session, data, position)
            rest = b"" if position.stopped else data[position.size - begin :]
            yield events, position, rest
            if not piece or position.stopped:
                return


def read_events(folder: str, session: str) -> Iterator[Event]:
    """Yield all events of one journal that verify, from its beginning. Raises LogError if it cannot be read."""
    data, _ = with_journal_path(folder, session, lambda path: read_from(path, 0, b""))
    yield from scan(session, data, Position())[0]


def read_between(folder: str, session: str, start: Position, end: Position) -> list[Event] | None:
    """Return the events of a journal between two positions; None if its lines do not lead from one to the other.

    Each line contains a hash of the lines before it, so the result also shows that `end` continues `start`. Raises
    LogError or OSError if the journal cannot be read.
    """
    if start.size == end.size:
        return [] if start.same_lines(end) else None
    if start.size > end.size:
        return None
    length = end.size - start.size

    def read(path: str) -> tuple[bytes, bool]:
        return read_from(path, start.size, start.last, chunk_bytes=length)

    archived = journal_paths(folder, session)[1]
    data, rewound = read(archived) if end.archived else with_journal_path(folder, session, read)
    events, position = scan(session, data[:length], start)
    return events if not rewound and position.same_lines(end) else None


def read_event(folder: str, name: EventId) -> Event | None:
    """Return the event with this id from a log folder, or None if it is not there."""
    session, _, number = name.rpartition("/")
    if not is_session_id(session) or not re.fullmatch(_NUMBER, number):
        return None
    if found := find_line(folder, session, int(number)):
        return found[0]
    try:
        return next((event for event in read_events(folder, session) if event.n == int(number)), None)
    except (LogError, OSError):
        return None


def find_line(folder: str, session: str, n: int) -> tuple[Event, bytes] | None:
    """Return the event `n` of a journal and its line, without its newline, or None if a search does not find it.

    The search bisects the file by the numbers in its lines, and verifies the line it finds against the hash in the line
    before. It fails where the lines are damaged or not in order; `read_events` then decides.
    """
    try:
        return with_journal_path(folder, session, lambda path: _search(path, session, n))
    except (LogError, OSError):
        return None


def _search(path: str, session: str, n: int) -> tuple[Event, bytes] | None:
    with _open_journal(path) as file:
        low, high = 0, os.fstat(file.fileno()).st_size
        while high - low > _SEARCHED_BYTES:  # the line before the wanted one begins at `low` or after it
            middle = (low + high) // 2
            file.seek(middle)
            begin = middle + len(file.readline(MAX_LINE))
            number = _line_number(file.readline(MAX_LINE), session)
            if number and number < n:
                low = begin
            else:
                high = middle
        file.seek(low)
        before = b""
        for line in iter(lambda: file.readline(MAX_LINE), b""):
            number = _line_number(line, session)
            if number == n and line.endswith(b"\n") and (before or not low):
                try:
                    event = decode_line(line[:-1], stored_hash(before[:-1]) if before else NO_HASH)
                except DamagedLine:
                    return None
                return (event, line[:-1]) if (event.session, event.n) == (session, n) else None
            if not number or number >= n:
                return None
            before = line
    return None


def _line_number(line: bytes, session: str) -> int:
    """Return the number of the event in a line, or 0 if it does not begin as this program writes it."""
    head = _LINE_HEAD.match(line)
    return int(head[2]) if head and head[1] == session.encode() else 0


def closed_reason(folder: str, session: str, position: Position) -> str:
    """Return why a journal takes no more events; empty if it does."""
    if reason := known_closed_reason(folder, session, position):
        return reason
    path = os.path.join(folder, session + JOURNAL_SUFFIX)
    if position.size and os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        return "it was replaced by something that is not a regular file"
    with suppress(LogError):  # opening it for writing gives a better message
        if prefix_differs(path, position.size, position.last):
            return rewritten_reason(position)
    return ""


def known_closed_reason(folder: str, session: str, position: Position) -> str:
    """Return why a journal takes no more events, as far as is known without opening it; empty if no reason is known."""
    if position.damage:
        first = position.damage[0]
        return f"line {first.line} (byte {first.byte}) is damaged: {first.reason}"
    if position.rewound:
        return position.rewound
    active, archived = journal_paths(folder, session)
    if position.archived or (not position.size and os.path.lexists(archived)):  # not even if its position is unknown
        return "it was archived"
    if position.size >= FULL_JOURNAL_BYTES:
        return f"it is full, with {position.size} bytes"
    if os.path.lexists(active + SEAL_SUFFIX):
        return "its last write could not be made durable"
    return ""


def rewritten_reason(position: Position) -> str:
    """Return the message for a journal whose content before `position` has changed since it was read."""
    return f"its first {position.size} bytes have changed since they were read"
