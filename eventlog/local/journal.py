"""One session's journal as a file: where it is, and reading it. What its lines say is in `eventlog.scanning`.

1. A journal that is shorter than it was, or other than it was, has been rewound: told, and no more appends.
2. A journal that was archived lies in `log/ended/`, whole and under its name, and takes no more appends. It gets there
   by one rename and never comes back, so whoever looks in the log first and among the ended next finds it, lock or no
   lock.

Appending is in `eventlog.local.writer`.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, TypeVar

from eventlog.codec import MAX_LINE
from eventlog.errors import LogError, Unreadable
from eventlog.events import Event, EventId
from eventlog.local.files import ARCHIVE_FOLDER, BINARY, JOURNAL_SUFFIX, NOFOLLOW
from eventlog.local.lock import SEAL_SUFFIX
from eventlog.scanning import Position, scan

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_IN_NAMES = _LETTERS | set("._-")
_NUMBER = "[1-9][0-9]{0,15}"
_PIECE = 1 << 20  # bytes that are read at a time where a journal is read piece by piece
MAX_JOURNAL_BYTES = 1 << 28  # of a journal: a larger one is not read, so that nobody's bytes fill the memory
FULL_JOURNAL_BYTES = MAX_JOURNAL_BYTES // 2  # from here on a journal takes no more, and its session goes on in another
T = TypeVar("T")


def is_session_id(text: str) -> bool:
    """Whether a journal may bear this name."""
    return text[:1] in _LETTERS and len(text) <= 100 and _IN_NAMES.issuperset(text)


def journal_paths(folder: str, session: str) -> tuple[str, str]:
    """Where the journal of a session can be, in the order of rule 4: in the log, and among the ended."""
    name = session + JOURNAL_SUFFIX
    return os.path.join(folder, name), os.path.join(folder, ARCHIVE_FOLDER, name)


def with_journal_path(folder: str, session: str, use: Callable[[str], T]) -> T:
    """What `use` makes of the path of a journal, also of one that is archived at this very moment (rule 4).

    Raises what `use` raises, OSError or LogError.
    """
    here, ended = journal_paths(folder, session)
    try:
        return use(here)
    except (OSError, LogError):
        if os.path.lexists(here):
            raise
    return use(ended)


def _opened(path: str) -> BinaryIO:
    """Raises LogError if it cannot be read, is no regular file, or is larger than any that we write."""
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
        raise LogError(f"it has {status.st_size} bytes; one of more than {MAX_JOURNAL_BYTES} is not read")
    raise LogError("it is not a regular file")


def read_from(path: str, size: int, last: bytes, most: int = 0) -> tuple[bytes, bool]:
    """The bytes of a journal after the first `size`, and whether it was rewound: shorter, or other before that place.
    If `most` is not 0, only so many bytes, or as many times that as it takes for a whole line or for more than a line
    can have; fewer are the rest.

    A rewound journal is given from its beginning. Raises LogError if it cannot be read or is no regular file.
    """
    with _opened(path) as file:
        try:
            file.seek(size - len(last))
            rewound = file.read(len(last)) != last
            if rewound:
                file.seek(0)
            if not most:
                return file.read(), rewound
            pieces = [file.read(most)]
            length = len(pieces[0])
            while len(pieces[-1]) == most and length <= MAX_LINE and b"\n" not in pieces[-1]:
                pieces.append(file.read(most))
                length += len(pieces[-1])
            return b"".join(pieces), rewound
        except OSError as error:
            raise Unreadable(f"it cannot be read: {error.strerror}") from None


def prefix_differs(path: str, size: int, last: bytes) -> bool:
    """Whether the first `size` bytes of a journal end otherwise than in `last`. Raises LogError."""
    with _opened(path) as file:
        try:
            file.seek(size - len(last))
            return file.read(len(last)) != last
        except OSError as error:
            raise Unreadable(f"it cannot be read: {error.strerror}") from None


def read_in_chunks(path: str, session: str) -> Iterator[tuple[list[Event], Position, bytes]]:
    """A journal from its beginning, piece by piece, however long it is: the events of each, how far that is, and the
    bytes after it that are no whole line yet; none where reading stops before the end. Raises LogError.
    """
    with _opened(path) as file:
        position, rest = Position(), b""
        while True:
            try:
                piece = file.read(_PIECE)
            except OSError as error:
                raise Unreadable(f"it cannot be read: {error.strerror}") from None
            data, begin = rest + piece, position.size
            events, position = scan(session, data, position)
            rest = b"" if position.stopped else data[position.size - begin :]
            yield events, position, rest
            if not piece or position.stopped:
                return


def read_events(folder: str, session: str) -> Iterator[Event]:
    """Every event of one journal that verifies, from its beginning. Raises LogError if it cannot be read."""
    data, _ = with_journal_path(folder, session, lambda path: read_from(path, 0, b""))
    yield from scan(session, data, Position())[0]


def read_event(folder: str, name: EventId) -> Event | None:
    """The event with this name, from the journal of its session in a log folder; None if there is none."""
    session, _, number = name.rpartition("/")
    if not is_session_id(session) or not re.fullmatch(_NUMBER, number):
        return None
    try:
        return next((event for event in read_events(folder, session) if event.n == int(number)), None)
    except (LogError, OSError):
        return None


def closed_reason(folder: str, session: str, position: Position) -> str:
    """Why a journal takes no more appends, or nothing if it does."""
    if reason := known_closed_reason(folder, session, position):
        return reason
    path = os.path.join(folder, session + JOURNAL_SUFFIX)
    if position.size and os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        return "something else stands in its place"
    with suppress(LogError):  # whoever opens it to write says best why that cannot be
        if prefix_differs(path, position.size, position.last):
            return rewritten_reason(position)
    return ""


def known_closed_reason(folder: str, session: str, position: Position) -> str:
    """Why a journal takes no more appends, as far as that is known without a look into it."""
    if position.damage:
        first = position.damage[0]
        return f"line {first.line} (byte {first.byte}) is damaged: {first.reason}"
    if position.rewound:
        return position.rewound
    if position.ended:
        return "it was archived"
    if position.size >= FULL_JOURNAL_BYTES:
        return f"it is full, with {position.size} bytes"
    if os.path.lexists(os.path.join(folder, session + JOURNAL_SUFFIX + SEAL_SUFFIX)):
        return "its last write could not be made durable"
    return ""


def rewritten_reason(position: Position) -> str:
    """What is wrong with a journal that was read up to there and has other bytes before that place."""
    return f"it is not what it was when its first {position.size} bytes were read"
