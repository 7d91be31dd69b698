"""Encode an event as one line of a journal, and decode it; each line's hash covers the line before it.

A line is the event's JSON, then `,"hash":"<32 hex digits>"}` and a newline. The hash is a 128-bit BLAKE2b of the
previous line's stored hash (32 zeros for the first line) followed by this line's bytes up to `,"hash"`. It detects
accidents, not forgery: anyone who can write the file can compute it.

JSON parsers accept input that other readers interpret differently: duplicate keys, and numbers beyond 2^53. A line that
is byte for byte what this module would write contains neither. Nearly all lines are of this kind, so whole blocks are
decoded at once; any other line is checked strictly, on its own.
"""

from collections.abc import Callable
from datetime import datetime
from operator import lt

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder
from msgspec.structs import asdict, astuple

from eventlog.digest import blake2b
from eventlog.events import MAX_INT, VERSION, Event, Imported, Instant, Unknown

NO_HASH = b"0" * 32
HASH_KEY = b',"hash":"'
_TAIL = len(HASH_KEY) + 32 + len(b'"}')
HASH_SUFFIX = rb',"hash":"[0-9a-f]{32}"\}'  # a pattern: the end of a complete line, without its newline
MAX_LINE = 8 << 20  # bytes; even the longest message, with every character escaped, is shorter

_new_hash = blake2b(digest_size=16).copy  # faster than a new object, whose many parameters are parsed each time
_encode, _encode_lines = Encoder().encode, Encoder().encode_lines
_decode, _decode_any = Decoder(Event).decode, Decoder(Event).decode_lines


class _JournalEvent(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event of a block of lines, equal to the same `Event`.

    Its session is not matched with a pattern, which would be a third of decoding: it is compared with the journal's.
    """

    session: str

    def __eq__(self, other: object) -> bool:
        return astuple(self) == astuple(other) if isinstance(other, Event) else NotImplemented

    def __hash__(self) -> int:
        return hash(Event(**asdict(self)))


class _Envelope(Struct, rename={"payload": "event"}):
    """The fields that every version of a line has: enough to place an event of an unknown version."""

    v: int
    at: str
    session: str
    n: int
    payload: Raw
    imported: Imported | None = None


class _Type(Struct):
    type: str = "(no type)"


_decode_lines: Callable[[bytes], list[Event]] = Decoder(_JournalEvent).decode_lines  # type: ignore[assignment]
_decode_envelope = Decoder(_Envelope).decode
_decode_type = Decoder(_Type).decode


class DamagedLine(ValueError):
    """These bytes are not a line that this journal's session wrote."""


def line_hash(previous: bytes, body: bytes) -> bytes:
    """Return the hash of a line with this `body`; `previous` is the stored hash of the line before."""
    digest = _new_hash()
    digest.update(previous)
    digest.update(body)
    return digest.hexdigest().encode()


def encode_line(event: Event, previous: bytes) -> tuple[bytes, bytes]:
    """Return the line of `event`, with its newline, and the line's hash.

    Raises ValueError (msgspec's or UnicodeEncodeError) for text that is not valid Unicode, or a line over `MAX_LINE`.
    """
    body = _encode(event)[:-1]
    if len(body) > MAX_LINE - _TAIL:
        raise ValueError(f"the event takes {len(body)} bytes; a line holds {MAX_LINE}")
    digest = line_hash(previous, body)
    return body + HASH_KEY + digest + b'"}\n', digest


def encode_lines(events: list[Event], previous: bytes) -> list[bytes]:
    """Return the lines of these events, with their newlines; `previous` is the hash of the line before the first.

    Raises ValueError as `encode_line` does, and for an event that would be decoded differently.
    """
    lines: list[bytes] = []
    for event in events:
        line, previous = encode_line(event, previous)
        lines.append(line)
    try:
        same = _decode_any(b"".join(lines)) == events and _are_canonical(events)
    except (ValueError, RecursionError):
        same = False
    if not same and [decode_event(line[:-1]) for line in lines] != events:
        raise ValueError("a value is out of its range")
    return lines


def can_follow(events: list[Event], session: str, n: int, at: Instant) -> bool:
    """Return whether these events can be appended to the journal of `session` after its event `n` at time `at`."""
    times = [event.at for event in events]
    return (
        [event.n for event in events] == list(range(n + 1, n + 1 + len(events)))
        and {event.session for event in events} <= {session}
        and all(map(lt, [at, *times], times))
    )


def _are_canonical(events: list[Event]) -> bool:
    """Return whether no strict check is needed for these events, whose lines are byte for byte what we would write."""
    return (
        {event.v for event in events} <= {VERSION}
        and not [event for event in events if event.imported]  # an import can contain values of any type
        and are_instants([event.at for event in events])
    )


def stored_hash(line: bytes) -> bytes:
    """Return the hash stored at the end of a line (without its newline), found by position.

    In a damaged line, these bytes can be anything.
    """
    return line[-34:-2]


def hashed_part(line: bytes) -> bytes:
    """Return the part of a line (without its newline) that its hash covers, found by position."""
    return line[:-_TAIL]


def decode_line(line: bytes, previous: bytes) -> Event:
    """Return the event of a line (without its newline); `previous` is the hash of the line before.

    Raises DamagedLine with the reason. An event with a correct hash and an unknown meaning is returned as `Unknown`.
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
    """Return the events of several lines at once, or None if each line must be checked on its own.

    The lines (without their newlines) are of the journal of `session` and follow its event `n` at time `at`, whose line
    has the hash `previous`. The result is None unless the lines follow each other and each is byte for byte what we
    would write. `decode_line` accepts all of these lines.
    """
    bodies = [line[:-_TAIL] for line in lines]
    try:
        events = _decode_lines(b"\n".join(lines))
        if _encode_lines(events) != b"}\n".join([*bodies, b""]):  # a line break inside a value is escaped
            return None
    except (ValueError, RecursionError):
        return None
    right = _have_right_hashes(lines, bodies, previous) and can_follow(events, session, n, at)
    return events if right and _are_canonical(events) else None


def _have_right_hashes(lines: list[bytes], bodies: list[bytes], previous: bytes) -> bool:
    """Return whether each line is its body and then its hash, if `previous` is the hash of the line before the first.

    Each hash is computed from the hash that the line before stores, so that all are compared at once.
    """
    digests = []
    for before, body in zip([previous, *[line[-34:-2] for line in lines]], bodies, strict=False):
        digest = _new_hash()
        digest.update(before)
        digest.update(body)
        digests.append(digest.hexdigest())
    ends = HASH_KEY + '"},"hash":"'.join(digests).encode() + b'"}'
    return b"".join([line[-_TAIL:] for line in lines]) == ends


def is_instant(text: str) -> bool:
    """Return whether `text` has the format of an `Instant` and is a date that exists."""
    if len(text) != 27 or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] + text[26] != "--T::.Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[11:13] < "24"  # newer versions of Python accept hour 24, which would break the text order


def decode_event(line: bytes) -> Event:
    """Return the event of a line whose hash was verified. Raises DamagedLine if this program cannot have written it."""
    try:
        event = _decode(line)
        if event.v != VERSION:
            event = _unknown(line)
    except ValidationError as error:
        event = _unknown(line, str(error))
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedLine(f"it is not JSON ({error})") from None
    if _encode(event)[:-1] != hashed_part(line) or event.imported:  # an import can contain values of any type
        _check_strictly(line)
    if not is_instant(event.at):
        raise DamagedLine("its time is not an instant")
    return event


def _unknown(line: bytes, reason: str = "") -> Event:
    """Return the event of a line whose payload cannot be decoded, as `Unknown`. Raises DamagedLine."""
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
    """Reject what msgspec, like most parsers, accepts: duplicate keys, and integers of 2^53 and more."""
    import json  # loading it takes 3 % of a command, which checks few lines here

    def unique_keys(items: list[tuple[str, object]]) -> dict[str, object]:
        unique = dict(items)
        if len(unique) != len(items):
            raise DamagedLine("it has a duplicate key")
        return unique

    def limited_int(text: str) -> int:
        if abs(int(text)) > MAX_INT:
            raise DamagedLine("it has a number that some JSON parsers would round")
        return int(text)

    try:
        json.loads(line, object_pairs_hook=unique_keys, parse_int=limited_int)
    except DamagedLine:
        raise
    except (ValueError, RecursionError) as error:
        raise DamagedLine(f"it is not JSON ({error})") from None


_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_FORM = b"0000-00-00T00:00:00.000000Z"


def are_instants(texts: list[str]) -> bool:
    """Return whether all of these texts are instants."""
    if len(texts) == 1:
        return is_instant(texts[0])
    joined = "".join(texts).encode(errors="replace")
    length = len(_FORM)
    if joined.translate(_ZEROS) != _FORM * len(texts) or {*map(len, texts)} - {length}:
        return False
    sixties = joined[14::length] + joined[17::length]  # the first digits of all minutes and seconds
    hours = {text[:13] for text in texts}
    return not sixties.translate(None, b"012345") and all(is_instant(f"{hour}:00:00.000000Z") for hour in hours)
