"""A NATS JetStream stream as a remote: one message for each piece, and publications on a condition.

The stream's sequence is the order of publications. Several pieces are published as one atomic batch, so that all or
none of them are stored. A publication on a condition expects the last sequence to be the cursor's. Just before it, the
stream is compared with the cursor, because another stream, or one restored from a copy, can have the same sequence.

A repeated publication is stored again, which is harmless: pieces may overlap. Message ids that make the server drop
repeated messages are not used. Within its window the server would also drop a message that the stream has lost since,
and acknowledge it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from eventlog.events import Instant
from eventlog.instants import from_micros, to_micros
from eventlog.remotes.nats.connection import (
    RETRY_S,
    ApiError,
    Connection,
    Credentials,
    NotSent,
    answer,
    parse_address,
)
from eventlog.remotes.nats.stream import (
    MISSING,
    NO_LEADER,
    NOT_STORED,
    WRONG_LAST_SEQUENCE,
    Cursor,
    StreamState,
    headers_of,
    locate,
    open_stream,
    parse_cursor,
    piece_digest,
    read_messages,
    read_state,
    subject_of,
)
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEHIND, Behind, OutcomeUnknown, ReadResult, RemoteAway, RemoteRefused

T = TypeVar("T")

MAX_BATCH = 500  # messages; a server takes up to 1000 in a batch
READ_AT_ONCE = 100  # messages in memory while reading
REQUEST_SHARE = 0.4  # of the limit of a call: it waits for a connection, and then for an answer
HEADER_BYTES = 1024  # more than the headers of a message take


class NatsRemote:
    """Implement `Remote` over a stream. Any thread may call any method; `read` and `publish` one at a time.

    A publication of more than `MAX_BATCH` messages is made in several steps. Each is on the condition that nothing came
    after the one before, and the last step has the last pieces, so a claim in them is never published without the rest.
    """

    agrees = True
    whole_segments = False

    def __init__(
        self, url: str, *, credentials: str = "", user: str = "", password: str = "", limit_s: float = 10
    ) -> None:
        try:
            import nats as nats  # the library, which is an extra
        except ImportError:
            raise RemoteAway("a NATS remote needs the package nats-py: install coord with the extra `nats`") from None
        address = parse_address(url)
        self.name = address.name
        self._stream = address.stream
        self._news = asyncio.Event()  # used in the connection's thread only
        self._closing = False
        login = Credentials(credentials, user, password)
        news = f"{self._stream}-stored.>"  # where the server tells what it has stored
        self._connection = Connection(address, login, limit_s * REQUEST_SHARE, news, self._news.set)
        try:
            self._time = self._ask(open_stream(self._connection, self._stream)).time
        except BaseException:
            self.close()
            raise

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """Read everything after `cursor`, from the leader of the stream."""
        state, start = self._locate(cursor)
        last = start or Cursor(state.created, 0, MISSING, 0)
        piece: Piece | None = None
        for first in range(max(last.seq + 1, state.first_seq), state.last_seq + 1, READ_AT_ONCE):
            end = min(first + READ_AT_ONCE - 1, state.last_seq)
            for piece in self._ask(read_messages(self._connection, self._stream, first, end)):
                if piece:
                    use(piece)
        if state.last_seq > last.seq:
            last = Cursor(state.created, state.last_seq, piece_digest(piece) if piece else MISSING, state.lost)
        return ReadResult(str(last), restarted=start is None)

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """Publish pieces if nothing came after `cursor`; see `Remote.publish`, and this class about very many."""
        state, at = self._locate(cursor)
        if at is None or at.seq != state.last_seq:
            return BEHIND
        small = [part for piece in pieces for part in _split(piece, self._connection.max_payload - HEADER_BYTES)]
        for batch in _batches(small):
            seq = self._publish_batch(batch, at.seq)
            if seq is None:
                return BEHIND
            at = Cursor(at.created, seq, piece_digest(batch[-1]), at.lost)
        return str(at)

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """Wait for news: the server tells when a message is stored. Nothing is asked while nothing happens.

        The server tells it once; if its leader dies in that instant, only the next call of `watch` finds the message.
        """
        if self._closing:
            return False
        try:
            return self._connection.run(self._watch(cursor, timeout_s))
        except RemoteAway:
            if self._closing:
                return False
            raise
        except ApiError as error:
            raise self._refused(error) from None

    def clock(self) -> Instant:
        """Return the time of the server that leads the stream, at its last answer."""
        seconds, _, fraction = self._time.removesuffix("Z").partition(".")
        return from_micros(to_micros(f"{seconds}.{fraction[:6].ljust(6, '0')}Z")) if seconds else ""

    def close(self) -> None:
        """Close the connection and end all waits."""
        self._closing = True
        self._connection.close()

    def _locate(self, cursor: str) -> tuple[StreamState, Cursor | None]:
        state, place = self._ask(locate(self._connection, self._stream, cursor))
        self._time = state.time
        return state, place

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._connection.run(work)
        except ApiError as error:
            raise self._refused(error) from None

    def _refused(self, error: ApiError) -> RemoteAway | RemoteRefused:
        kind = RemoteAway if error.code == 503 else RemoteRefused
        return kind(f"{self.name} answered: {error.text}")

    def _publish_batch(self, batch: list[Piece], expected: int) -> int | None:
        """Publish these pieces, all or none, and return the sequence of the last; None if `expected` is not the last.

        Raises RemoteAway and RemoteRefused if nothing was published, and OutcomeUnknown.
        """
        try:
            return self._connection.run(self._send_batch(batch, expected))
        except ApiError as error:
            if error.number in WRONG_LAST_SEQUENCE:
                return None
            if error.number in NOT_STORED:
                raise self._connection.away(f"did not take the publication: {error.text}") from None
            if error.code < 500:
                raise self._refused(error) from None
            raise OutcomeUnknown(f"{self.name} answered a publication: {error.text}") from None
        except (TimeoutError, RemoteAway):
            raise OutcomeUnknown(
                f"{self.name} did not answer a publication; whether it was stored is unknown"
            ) from None

    async def _send_batch(self, batch: list[Piece], expected: int) -> int:
        """Send a batch, again if no server took it, until time is up."""
        end = asyncio.get_running_loop().time() + self._connection.timeout_s
        while True:
            try:
                messages = self._messages(batch, expected)
                for subject, data, headers in messages[:-1]:
                    await self._connection.send(subject, data, headers)
                return int(answer(await self._connection.request(*messages[-1]))["seq"])
            except NotSent:
                if asyncio.get_running_loop().time() > end:
                    raise ApiError(503, NO_LEADER, "no server of the stream can be reached") from None
                await asyncio.sleep(RETRY_S)

    def _messages(self, batch: list[Piece], expected: int) -> list[tuple[str, bytes, dict[str, str]]]:
        """Return the subject, data and headers of each message of a batch."""
        name = uuid4().hex
        messages = []
        for n, piece in enumerate(batch, 1):
            headers = headers_of(piece)
            if len(batch) > 1:
                headers |= {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(n)}
            if len(batch) > 1 and n == len(batch):
                headers["Nats-Batch-Commit"] = "1"
            if n == 1:
                headers["Nats-Expected-Last-Sequence"] = str(expected)
            messages.append((subject_of(self._stream, piece), piece.data, headers))
        return messages

    async def _watch(self, cursor: str, timeout_s: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        known = parse_cursor(cursor)
        while True:
            self._news.clear()
            if self._closing:
                return False
            if self._connection.connected:
                state = await read_state(self._connection, self._stream)
                if (known.created, known.seq) != (state.created, state.last_seq) if known else state.last_seq:
                    return True
            try:
                await asyncio.wait_for(self._news.wait(), max(end - loop.time(), 0))
            except TimeoutError:
                if not self._connection.connected and not self._closing:
                    raise self._connection.away("cannot be reached") from None
                return False


def _split(piece: Piece, limit: int) -> Iterator[Piece]:
    """Split a piece into pieces of at most `limit` bytes; only the last one can complete the journal."""
    starts = range(0, max(len(piece.data), 1), limit)
    for start in starts:
        last = start == starts[-1]
        yield Piece(
            piece.session, piece.offset + start, piece.data[start : start + limit], archived=piece.archived and last
        )


def _batches(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Split into batches of which the last is full, so that it holds as many of the last pieces as possible."""
    first = len(pieces) % MAX_BATCH
    if first:
        yield pieces[:first]
    for start in range(first, len(pieces), MAX_BATCH):
        yield pieces[start : start + MAX_BATCH]
