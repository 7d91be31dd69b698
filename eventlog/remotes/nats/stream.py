"""The stream of a NATS remote: how it is made, what is checked if it exists, and the form of its messages and cursors.

Each message carries one piece: headers hold the session, the offset, and whether the journal is complete. The subject
ends with the session too, without its dots, for people who look at the stream. The server publishes each stored message
again, without its data, on a subject of its own that wakes watchers.
"""

import asyncio
import base64
from typing import Any

from msgspec import Struct

from eventlog.digest import blake2b
from eventlog.remotes.nats.connection import ApiError, Connection
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEGINNING, RemoteRefused

SESSION, OFFSET, ARCHIVED = "Coord-Session", "Coord-Offset", "Coord-Archived"
WRONG_LAST_SEQUENCE = {10071, 10164}  # JetStream's numbers of errors
NO_LEADER = 10009  # no JetStream server answers for the stream
NOT_STORED = {NO_LEADER, 10008, 10176}  # after these, no message of the publication is stored
NO_MESSAGE, NO_STREAM, NAME_IN_USE, NOT_CLUSTERED = 10037, 10059, 10058, 10074
MISSING = "-"  # stands for the digest of a message that is not in the stream


class Cursor(Struct, frozen=True):
    """A place in a stream: after the message `seq`, which has this digest, of the stream made at `created`.

    `lost` is how many messages up to there are not in the stream any more. It changes when the stream loses some.
    """

    created: str
    seq: int
    digest: str
    lost: int

    def __str__(self) -> str:
        return f"{self.created} {self.seq} {self.digest} {self.lost}"


class StreamState(Struct, frozen=True):
    """What the leader of a stream tells about it."""

    created: str
    first_seq: int
    last_seq: int
    lost: int
    time: str  # of the server's clock


def parse_cursor(text: str) -> Cursor | None:
    """Return the cursor that was written as `text`, or None if it was not written by a NATS remote."""
    try:
        created, seq, digest, lost = text.split(" ")
        return Cursor(created, int(seq), digest, int(lost))
    except ValueError:
        return None


def piece_digest(piece: Piece) -> str:
    """Return a digest of everything that a message says."""
    head = f"{piece.session} {piece.offset} {int(piece.archived)} ".encode()
    return blake2b(head + piece.data, digest_size=12).hexdigest()


def headers_of(piece: Piece) -> dict[str, str]:
    """Return the headers of the message that carries `piece`."""
    return {SESSION: piece.session, OFFSET: str(piece.offset), **({ARCHIVED: "1"} if piece.archived else {})}


def subject_of(stream: str, piece: Piece) -> str:
    """Return the subject of the message that carries `piece`. A dot would separate two parts of a subject."""
    return f"{stream}.{piece.session.replace('.', '_')}"


def stream_state(info: dict[str, Any]) -> StreamState:
    """Return the state that JetStream's description of a stream contains."""
    state = info["state"]
    first, last = int(state["first_seq"]), int(state["last_seq"])
    return StreamState(info["created"], first, last, last - int(state["messages"]), info.get("ts", ""))


async def open_stream(connection: Connection, stream: str) -> StreamState:
    """Return the state of the stream, made if it does not exist. Raises RemoteRefused if it could lose data."""
    try:
        info = await connection.ask(f"STREAM.INFO.{stream}")
    except ApiError as error:
        if error.number != NO_STREAM:
            raise
        info = await _make_stream(connection, stream)
    if wrong := _wrong_settings(info["config"], stream):
        raise RemoteRefused(
            f"the stream {stream} cannot carry a log: {', '.join(wrong)}. "
            "Set this with `nats stream edit`, or name a stream that does not exist: it is made as needed"
        )
    return stream_state(info)


def settings(stream: str, replicas: int) -> dict[str, Any]:
    """Return the configuration of a new stream."""
    return {
        "name": stream, "subjects": [f"{stream}.>"], "storage": "file", "num_replicas": replicas, "retention": "limits",
        "max_msgs": -1, "max_bytes": -1, "max_age": 0, "max_msgs_per_subject": -1, "max_msg_size": -1,
        "max_consumers": -1, "discard": "new", "allow_atomic": True,
        "republish": {"src": f"{stream}.>", "dest": f"{stream}-stored.>", "headers_only": True},
    }  # fmt: skip


async def _make_stream(connection: Connection, stream: str) -> dict[str, Any]:
    for replicas in (3, 1):
        try:
            return await connection.ask(f"STREAM.CREATE.{stream}", settings(stream, replicas))
        except ApiError as error:
            if error.number == NAME_IN_USE:  # another machine has just made it
                return await connection.ask(f"STREAM.INFO.{stream}")
            if error.number != NOT_CLUSTERED:
                raise RemoteRefused(
                    f"the server does not make the stream {stream} ({error.text}). "
                    "A cluster must have three servers that run; the user must be allowed to make streams"
                ) from None
    raise AssertionError("a single server takes a stream with one replica")


def _wrong_settings(config: dict[str, Any], stream: str) -> list[str]:
    """Return what must be set otherwise, each as the setting and the value it needs."""
    limits = ("max_msgs", "max_bytes", "max_age", "max_msgs_per_subject", "max_msg_size")
    republish = config.get("republish") or {}
    needed = {
        "storage must be file": config.get("storage") == "file",
        "retention must be limits": config.get("retention", "limits") == "limits",
        f"subjects must be {stream}.>": config.get("subjects") == [f"{stream}.>"],
        "allow_atomic must be true": bool(config.get("allow_atomic")),
        f"republish must be from {stream}.> to {stream}-stored.>": republish.get("dest") == f"{stream}-stored.>"
        and republish.get("src") in (f"{stream}.>", ">"),
        "persist_mode must not be async": config.get("persist_mode") != "async",
        **{f"{limit} must not limit it": int(config.get(limit) or -1) <= 0 for limit in limits},
    }
    return [what for what, right in needed.items() if not right]


async def read_state(connection: Connection, stream: str) -> StreamState:
    """Return the state of the stream, which is made again if it was deleted."""
    try:
        return stream_state(await connection.ask(f"STREAM.INFO.{stream}"))
    except ApiError as error:
        if error.number != NO_STREAM:
            raise
        return await open_stream(connection, stream)


async def read_message(connection: Connection, stream: str, seq: int) -> Piece | None:
    """Return the piece of a message, or None if the message is not there or carries no piece."""
    try:
        message = (await connection.ask(f"STREAM.MSG.GET.{stream}", {"seq": seq}))["message"]
    except ApiError as error:
        if error.number in (NO_MESSAGE, NO_STREAM) or error.code == 404:
            return None
        raise
    headers = _parse_headers(base64.b64decode(message.get("hdrs") or ""))
    offset = headers.get(OFFSET, "")
    if not (offset.isascii() and offset.isdigit()):
        return None
    data = base64.b64decode(message.get("data") or "")
    return Piece(headers.get(SESSION, ""), int(offset), data, archived=headers.get(ARCHIVED) == "1")


async def read_messages(connection: Connection, stream: str, first: int, last: int) -> list[Piece | None]:
    """Return the pieces of these messages, asked for at once."""
    return await asyncio.gather(*(read_message(connection, stream, seq) for seq in range(first, last + 1)))


async def digest_at(connection: Connection, stream: str, seq: int) -> str:
    """Return the digest of the piece at `seq`."""
    piece = await read_message(connection, stream, seq) if seq else None
    return piece_digest(piece) if piece else MISSING


async def locate(connection: Connection, stream: str, cursor: str) -> tuple[StreamState, Cursor | None]:
    """Return the state of the stream and the place of `cursor` in it; None if the stream is not as it was there."""
    known = parse_cursor(cursor) if cursor != BEGINNING else None
    seq = known.seq if known else 0
    state, digest = await asyncio.gather(read_state(connection, stream), digest_at(connection, stream, seq))
    if cursor == BEGINNING:
        return state, Cursor(state.created, 0, MISSING, 0)
    same = known and known.seq <= state.last_seq and Cursor(state.created, seq, digest, state.lost) == known
    return state, known if same else None


def _parse_headers(data: bytes) -> dict[str, str]:
    lines = data.decode(errors="replace").split("\r\n")[1:]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
