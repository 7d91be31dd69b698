"""One event as one line of a journal, and the hash that chains the lines.

A line is the event's JSON, then `,"hash":"<32 hex digits>"}` and a newline. The hash is a 128-bit BLAKE2b of the
previous line's stored hash (32 zeros before the first) followed by this line's bytes up to `,"hash"`. It finds
accidents, not forgers: whoever can write the file can compute it.

JSON parsers quietly accept what another reader would see differently: duplicate keys, numbers beyond 2^53 (and NaN, but
ours does not). A line that is byte for byte what we would have written has none of these; any other takes the careful
way. Nearly all are of the first kind, so whole blocks of them are tried at once.
"""

import json
import re
from operator import lt

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from eventlog.digest import blake2b
from eventlog.events import MAX_INT, VERSION, Event, Imported, Instant, Unknown, is_instant

NO_HASH = b"0" * 32
HASH_KEY = b',"hash":"'
_TAIL = len(HASH_KEY) + 32 + len(b'"}')
HASH_SUFFIX = re.compile(rb',"hash":"[0-9a-f]{32}"\}')  # where a whole line ends, newline aside
MAX_LINE = 8 << 20  # bytes; the longest message, with every character escaped, stays below

_encode, _encode_lines = Encoder().encode, Encoder().encode_lines
_decode, _decode_lines = Decoder(Event).decode, Decoder(Event).decode_lines


class _Envelope(Struct, rename={"payload": "event"}):
    """What every version of a line has: enough to place an event that is not understood."""

    v: int
    at: str
    session: str
    n: int
    payload: Raw
    imported: Imported | None = None


class _Type(Struct):
    type: str = "(no type)"


_decode_envelope = Decoder(_Envelope).decode
_decode_type = Decoder(_Type).decode


class DamagedLine(ValueError):
    """These bytes are not a line that was written by the one whose journal this is."""


def line_hash(previous: bytes, body: bytes) -> bytes:
    """The hash of a line with this `body` that follows a line whose stored hash is `previous`."""
    return blake2b(previous + body, digest_size=16).hexdigest().encode()


def encode_line(event: Event, previous: bytes) -> tuple[bytes, bytes]:
    """The line of `event`, newline and all, and its hash.

    Raises ValueError (msgspec's or UnicodeEncodeError) for text that is not valid Unicode or a line over `MAX_LINE`.
    """
    body = _encode(event)[:-1]
    if len(body) > MAX_LINE - _TAIL:
        raise ValueError(f"the event takes {len(body)} bytes; a line holds {MAX_LINE}")
    digest = line_hash(previous, body)
    return body + HASH_KEY + digest + b'"}\n', digest


def encode_lines(events: list[Event], previous: bytes) -> list[bytes]:
    """The lines of these events, newlines and all, the first of which follows a line whose hash is `previous`.

    Raises ValueError as `encode_line` does, and for an event that would be read back as something else.
    """
    lines: list[bytes] = []
    for event in events:
        line, previous = encode_line(event, previous)
        lines.append(line)
    try:
        same = _decode_lines(b"".join(lines)) == events and _are_canonical(events)
    except (ValueError, RecursionError):
        same = False
    if not same and [decode_event(line[:-1]) for line in lines] != events:
        raise ValueError("a value is out of its range")
    return lines


def can_follow(events: list[Event], session: str, n: int, at: Instant) -> bool:
    """Whether these can come next in the journal of `session`, behind its event number `n` at `at`."""
    times = [event.at for event in events]
    return (
        [event.n for event in events] == list(range(n + 1, n + 1 + len(events)))
        and {event.session for event in events} <= {session}
        and all(map(lt, [at, *times], times))
    )


def _are_canonical(events: list[Event]) -> bool:
    """Whether nothing in these needs a closer look than that their lines are as we would have written them."""
    return (
        {event.v for event in events} <= {VERSION}
        and not any(event.imported for event in events)  # which holds values of any kind
        and are_instants([event.at for event in events])
    )


def stored_hash(line: bytes) -> bytes:
    """The hash that a line (without its newline) says it has, by its place; it may be nonsense in a damaged line."""
    return line[-34:-2]


def hashed_part(line: bytes) -> bytes:
    """The part of a line (without its newline) that its hash covers, by its place."""
    return line[:-_TAIL]


def decode_line(line: bytes, previous: bytes) -> Event:
    """The event of a line (without its newline) that follows a line whose hash is `previous`.

    Raises Damaged, with the reason. An event whose hash is right but whose meaning is not known is `Unknown`.
    """
    digest = stored_hash(line)
    if (
        len(line) < _TAIL
        or line[-_TAIL:] != HASH_KEY + digest + b'"}'
        or line_hash(previous, hashed_part(line)) != digest
    ):
        raise DamagedLine("its hash is wrong")
    return decode_event(line)


def decode_lines(lines: list[bytes], previous: bytes, session: str, n: int, at: Instant) -> list[Event] | None:
    """The events of lines (without their newlines) of the journal of `session`, which follow its event number `n` at
    `at`, whose line's hash is `previous`. None unless each line is byte for byte what we would have written, so that
    `decode_line` would have accepted every one of them, and they follow each other.
    """
    try:
        events = _decode_lines(b"\n".join(lines))
        bodies = _encode_lines(events).split(b"}\n")  # which stands nowhere else: a line break is written as \\n
    except (ValueError, RecursionError):
        return None
    for line, body in zip(lines, bodies, strict=False):  # behind the last body there is an empty one, like no line
        previous = line_hash(previous, body)
        if line != body + HASH_KEY + previous + b'"}':
            return None
    return events if can_follow(events, session, n, at) and _are_canonical(events) else None


def decode_event(line: bytes) -> Event:
    """The event of a line whose hash is known to be right. Raises Damaged if no honest writer made it."""
    try:
        event = _decode(line)
        if event.v != VERSION:
            event = _unknown(line)
    except ValidationError as error:
        event = _unknown(line, str(error))
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedLine(f"it is not JSON ({error})") from None
    if _encode(event)[:-1] != hashed_part(line) or event.imported:  # what was imported holds values of any kind
        _check_strictly(line)
    if not is_instant(event.at):
        raise DamagedLine("its time is not an instant")
    return event


def _unknown(line: bytes, reason: str = "") -> Event:
    try:
        seen = _decode_envelope(line)
        name = _decode_type(seen.payload).type
        if reason and "Invalid value" not in reason:
            name = f"{name} ({reason})"
        return Event(
            v=seen.v,
            at=seen.at,
            session=seen.session,
            n=seen.n,
            payload=Unknown(name=name, raw=Raw(bytes(seen.payload))),
            imported=seen.imported,
        )
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedLine(f"it is not an event ({error})") from None


def _check_strictly(line: bytes) -> None:
    """Reject what msgspec, like most parsers, lets through: duplicate keys and whole numbers of 2^53 and more."""

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        seen = dict(items)
        if len(seen) != len(items):
            raise DamagedLine("a key stands twice")
        return seen

    def whole(text: str) -> int:
        if abs(int(text)) > MAX_INT:
            raise DamagedLine("a number is too large to be read alike everywhere")
        return int(text)

    try:
        json.loads(line, object_pairs_hook=pairs, parse_int=whole)
    except DamagedLine:
        raise
    except (ValueError, RecursionError) as error:
        raise DamagedLine(f"it is not JSON ({error})") from None


_SIXTIES = {minute + second for minute in "012345" for second in "012345"}  # how minutes and seconds begin
_NO_DIGITS = {ord(digit): "0" for digit in "123456789"}


def are_instants(texts: list[str]) -> bool:
    """Whether all of these are instants."""
    if len(texts) == 1:
        return is_instant(texts[0])
    form = "0000-00-00T00:00:00.000000Z"
    if "".join(texts).translate(_NO_DIGITS) != form * len(texts) or {len(text) for text in texts} - {len(form)}:
        return False
    hours = {text[:13] for text in texts}
    return {text[14] + text[17] for text in texts} <= _SIXTIES and all(
        is_instant(f"{hour}:00:00.000000Z") for hour in hours
    )
