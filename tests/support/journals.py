"""Events, lines and files of journals."""

from pathlib import Path

from eventlog.codec import NO_HASH, encode_line, line_hash
from eventlog.events import (
    VERSION,
    AnyPayload,
    Event,
    Instant,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position, scan

START: Instant = "2026-11-22T11:00:00.000000Z"
SESSION = "amber-otter"


def event(n: int, session: str = SESSION, second: float | None = None, payload: AnyPayload | None = None) -> Event:
    """The n-th event of a session, by default n seconds after the start."""
    said = payload or SessionHeartbeat(action=f"step {n}")
    return Event(v=VERSION, at=add_time(START, n if second is None else second), session=session, n=n, payload=said)


def lines_of(events: list[Event]) -> list[bytes]:
    """The lines of a journal that holds these events."""
    lines, previous = [], NO_HASH
    for one in events:
        line, previous = encode_line(one, previous)
        lines.append(line)
    return lines


def plain(count: int, session: str = SESSION) -> list[bytes]:
    """The lines of an undamaged journal."""
    return lines_of([event(n, session) for n in range(1, count + 1)])


def numbers(data: bytes, session: str = SESSION) -> list[int]:
    """The numbers of the events that a reader accepts in these bytes."""
    return [one.n for one in scan(session, data, Position())[0]]


def position_of(folder: Path, session: str = SESSION) -> Position:
    path = folder / f"{session}.jsonl"
    return scan(session, path.read_bytes() if path.exists() else b"", Position())[1]


def writer(folder: Path, session: str = SESSION) -> JournalWriter:
    return JournalWriter(str(folder), session, position_of(folder, session))


def write(folder: Path, session: str, machine: str, seconds: list[float]) -> None:
    """Write or extend the journal of a session on a machine, with an event at each of these seconds."""
    end = writer(folder, session)
    for second in seconds:
        payload = SessionStarted(machine=machine, folder=str(folder)) if end.n == 1 else None
        end.append(event(end.n, session, second, payload))
    end.sync()
    end.close()


LINES = plain(3)
WHOLE = b"".join(LINES)


def line_of(body: str | bytes, previous: bytes = NO_HASH) -> bytes:
    """A line, without its newline, with a correct hash. `body` is the line without its last brace."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return raw + b',"hash":"' + line_hash(previous, raw) + b'"}'


def at(second: float) -> Instant:
    """The time that many seconds after the start of the history."""
    return add_time(START, second)


def keys(events: list[Event]) -> list[str]:
    """The ids of these events."""
    return [one.id for one in events]
