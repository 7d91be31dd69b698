"""Find the newest events that contain a text, in limited memory. The events are those of `coord log TEXT`.

The journals are searched backwards as bytes, and only lines that can contain the text are decoded. A line that contains
the text is verified against the hash in the line before it. A damaged journal is read from its beginning.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import heappush, heappushpop
from operator import itemgetter
from typing import BinaryIO

import msgspec

from coord.engine.snapshot import Snapshot
from eventlog.errors import LogError
from eventlog.events import Event, Instant, Unknown
from eventlog.local.files import BINARY, NOFOLLOW
from eventlog.local.journal import find_line, is_session_id, read_in_chunks, with_journal_path
from eventlog.scanning import Position
from projections.views.point_in_time import SortKey

_BLOCK_BYTES = 1 << 20  # read at a time
_RUN = re.compile(r'[^"\\/\x00-\x1f\x7f-\U0010ffff]+')  # characters that JSON never escapes
_decode = msgspec.json.Decoder(Event).decode


def searched_text(event: Event) -> str:
    """Return the text of an event in which a search looks, in lower case."""
    payload = event.payload
    values = msgspec.json.decode(payload.raw) if isinstance(payload, Unknown) else msgspec.to_builtins(payload)
    return "\n".join([event.id, *(word.casefold() for word in _strings_in(values))])


def contains(event: Event, text: str) -> bool:
    """Return whether an event contains a text, whatever the case of its letters."""
    return text.casefold() in searched_text(event)


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings_in(part)


def find_text(
    snapshot: Snapshot, text: str, most: int, shorten: Callable[[Event], Event] = lambda event: event
) -> list[Event]:
    """Return the newest events that contain a text, at most `most`, the newest first; each as `shorten` returns it.

    Journals that cannot be read are left out.
    """
    found: list[tuple[SortKey, Event]] = []
    history = snapshot.history
    names = filter(is_session_id, history.names())
    ends = {name: position for name in names if (position := history.position(name))}
    for name, position in sorted(ends.items(), key=lambda item: item[1].at, reverse=True):
        try:
            for event in _search(snapshot, name, position, text, partial(_oldest, found, most)):
                if event.at <= snapshot.state.at and event.n <= position.n:
                    _add(found, shorten(event), most)
        except (LogError, OSError):
            continue
    return [event for _, event in sorted(found, key=itemgetter(0), reverse=True)]


def _search(
    snapshot: Snapshot, name: str, position: Position, text: str, oldest: Callable[[], Instant]
) -> Iterable[Event]:
    folder = snapshot.workspace.log
    if position.damage:
        return _search_whole(folder, name, text)
    return _search_backwards(folder, name, position.size, text, oldest)


def _oldest(found: list[tuple[SortKey, Event]], most: int) -> Instant:
    """Return the time before which an event is not among the newest."""
    return found[0][0][0] if len(found) >= most else ""


def _add(found: list[tuple[SortKey, Event]], event: Event, most: int) -> None:
    if all(event.id != other.id for _, other in found):
        (heappush if len(found) < most else heappushpop)(found, (event.key, event))


def _search_backwards(folder: str, name: str, size: int, text: str, oldest: Callable[[], Instant]) -> Iterator[Event]:
    """Yield the events of a journal that contain a text, the newest first. Raises LogError or OSError."""
    is_candidate = _candidates(text)
    for line in filter(is_candidate, _lines_backwards(folder, name, size, is_candidate)):
        try:
            event = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield from _search_whole(folder, name, text)
            return
        if event.at < oldest():
            return
        if contains(event, text):
            verified = find_line(folder, name, event.n)
            if verified is None or verified[1] != line:
                yield from _search_whole(folder, name, text)
                return
            yield verified[0]


def _search_whole(folder: str, name: str, text: str) -> list[Event]:
    """Return the events of a journal that contain a text, from its beginning. Raises LogError or OSError."""

    def read(path: str) -> list[Event]:
        return [event for events, _, _ in read_in_chunks(path, name) for event in events if contains(event, text)]

    return with_journal_path(folder, name, read)


def _lines_backwards(folder: str, name: str, size: int, is_wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Yield the lines in the first `size` bytes of a journal, the last one first, from the blocks that are wanted.

    Raises OSError.
    """

    def opened(path: str) -> BinaryIO:
        return os.fdopen(os.open(path, os.O_RDONLY | NOFOLLOW | BINARY), "rb")

    with with_journal_path(folder, name, opened) as file:
        rest = b""
        while size > 0:
            begin = max(0, size - _BLOCK_BYTES)
            file.seek(begin)
            block, size = file.read(size - begin) + rest, begin
            rest, _, after = block.partition(b"\n")
            if is_wanted(after):
                yield from filter(None, reversed(after.split(b"\n")))
        yield rest


def _candidates(text: str) -> Callable[[bytes], bool]:
    """Return a function that tells whether a line can contain a text.

    Letters outside ASCII can have lower cases in ASCII, so every line with such letters can contain the text.
    """
    wanted = text.casefold()
    run = max(_RUN.findall(wanted), key=len, default="").encode()
    if not run and wanted.isascii():
        return lambda line: True
    if not run:
        return lambda line: not line.isascii() or b"\\u" in line
    return lambda line: run in line.lower() or not line.isascii() or b"\\u" in line
