"""Journals in a stream of NATS JetStream: one message for each piece.

A publication names the last message that was read (`Nats-Expected-Last-Sequence`). If several pieces are published,
each names the one before. So another publication in between stops them, and what was published before it stays: only
the last piece has a draft. A cursor is the time at which the stream was made, the number of a message and its digest,
so that a stream which was restored from an older copy is noticed.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from eventlog.digest import blake2b
from eventlog.events import Instant
from eventlog.remotes.nats.loop import LoopThread
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEHIND, Behind, OutcomeUnknown, ReadResult, RemoteAway, RemoteRefused

_WRONG_LAST_SEQUENCE = 10071
_SESSION, _OFFSET, _ARCHIVED = "Coord-Session", "Coord-Offset", "Coord-Archived"
_FEW = 4  # messages that are got one by one
_LOOK_EVERY_S = 20.0  # whether there is news, in case a wake-up was lost
T = TypeVar("T")


class NatsRemote:
    """A stream as a remote: see `eventlog.remotes.remote.Remote`. `url` is `nats://HOST:PORT/STREAM`."""

    agrees = True
    whole_segments = False

    def __init__(
        self, url: str, *, credentials: str = "", user: str = "", password: str = "", limit_s: float = 10
    ) -> None:
        parts = urlsplit(url)
        self._stream = parts.path.strip("/") or "coord"
        self._servers = [f"{parts.scheme}://{host}" for host in parts.netloc.rpartition("@")[2].split(",")]
        self.name = f"{self._servers[0]}/{self._stream}"
        self._subject = f"{self._stream}.journals"
        self._login = (credentials, user, password)
        self._limit_s = limit_s
        self._loop = LoopThread()
        self._client: Client | None = None
        self._news = threading.Event()
        self._closed = False
        self._clock: Instant = ""

    # --- the protocol of remotes --------------------------------------------------------------------------------------

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """See `Remote.read`."""
        created, last = self._info()
        start = self._run(self._start_after(cursor, created, last))
        digest = cursor.rpartition(" ")[2] if start else ""
        begin = start
        while start < last:
            messages = self._run(self._messages(start + 1, last))
            if not messages:
                raise RemoteAway(f"{self.name} has lost messages after number {start}")
            for number, data, headers in messages:
                if session := headers.get(_SESSION, ""):
                    with suppress(ValueError):
                        use(Piece(session, int(headers.get(_OFFSET, "x")), data, archived=_ARCHIVED in headers))
                start, digest = number, _digest(data)
        return ReadResult(f"{created} {start} {digest}" if start else "", restarted=not begin)

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """See `Remote.publish`."""
        self._clock = ""
        created, number = (cursor.split(" ")[0], int(cursor.split(" ")[1])) if cursor else ("", 0)
        if not cursor:
            created, last = self._info()
            if last:
                return BEHIND
        digest = cursor.rpartition(" ")[2]
        for piece in pieces:
            found = self._run(self._publish(piece, number), published=True)
            if isinstance(found, Behind):
                return BEHIND
            number, digest = found, _digest(piece.data)
        return f"{created} {number} {digest}"

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """See `Remote.watch`."""
        known = int(cursor.split(" ")[1]) if cursor else 0
        self._news.clear()
        left = timeout_s
        while not self._closed:
            if self._info()[1] != known:
                return True
            if left <= 0:
                return False
            if self._news.wait(min(left, _LOOK_EVERY_S)):
                self._news.clear()
                for _ in range(20):  # a message arrives a moment before all servers have it
                    if self._closed or self._info()[1] != known:
                        return not self._closed
                    threading.Event().wait(0.01)
            left -= _LOOK_EVERY_S
        return False

    def clock(self) -> Instant:
        """See `Remote.clock`."""
        return self._clock

    def close(self) -> None:
        """See `Remote.close`."""
        if not self._closed:
            self._closed = True
            self._news.set()
            if self._client is not None:
                with suppress(Exception):  # whatever state the connection is in, it ends here
                    self._loop.run(self._client.close(), 2)
            self._loop.close()

    # --- the connection -----------------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, T], *, published: bool = False) -> T:
        """Return the result of work on the stream. With `published`, no answer means that the outcome is unknown."""
        if self._closed:
            work.close()
            raise RemoteAway(f"{self.name} was closed")
        try:
            return self._loop.run(work, self._limit_s)
        except (RemoteAway, RemoteRefused):
            raise
        except (NoStreamResponseError, nats.errors.NoRespondersError, nats.errors.NoServersError):
            raise RemoteAway(f"{self.name} cannot be reached: no server answers for the stream") from None
        except APIError as error:
            if error.code in (503, 408):
                raise RemoteAway(f"{self.name} cannot be reached: {error.description}") from None
            raise RemoteRefused(f"{self.name} refused: {error.description}") from None
        except nats.errors.AuthorizationError:
            raise RemoteRefused(f"{self.name} refused the credentials") from None
        except (TimeoutError, nats.errors.Error, OSError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            if published:
                raise OutcomeUnknown(f"{self.name} did not answer a publication: {reason}") from None
            raise RemoteAway(f"{self.name} cannot be reached: {reason}") from None

    async def _connected(self) -> Client:
        if self._client is None or self._client.is_closed:
            credentials, user, password = self._login
            options: dict[str, Any] = {"user_credentials": credentials} if credentials else {}
            options |= {"user": user, "password": password} if user else {}
            client = await nats.connect(
                servers=self._servers,
                connect_timeout=2,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=_ignore,
                allow_reconnect=True,
                **options,
            )
            try:
                await self._make_stream(client)
                await client.subscribe(self._subject, cb=self._wake)
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client

    async def _wake(self, _message: Msg) -> None:
        self._news.set()

    async def _api(self, client: Client, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else b""
        answer = await client.request(f"$JS.API.STREAM.{what}.{self._stream}", data, timeout=max(1, self._limit_s / 2))
        found: dict[str, Any] = json.loads(answer.data)
        if error := found.get("error"):
            raise APIError(code=error.get("code"), err_code=error.get("err_code"), description=error.get("description"))
        return found

    async def _make_stream(self, client: Client) -> None:
        """Make the stream if it is missing, and refuse one that can lose messages."""
        try:
            config = (await self._api(client, "INFO"))["config"]
        except APIError as error:
            if error.code != 404:
                raise
            config = {"name": self._stream, "subjects": [self._subject], "storage": "file", "num_replicas": 3}
            config |= {"retention": "limits", "discard": "new", "allow_direct": True, "deny_delete": True}
            try:
                await self._api(client, "CREATE", config)
            except APIError as few:
                if few.err_code not in (10005, 10074):  # there are fewer than three servers
                    raise
                await self._api(client, "CREATE", config | {"num_replicas": 1})
            return
        wrong = [
            name for name in ("max_msgs", "max_bytes", "max_age", "max_msgs_per_subject") if config.get(name, 0) > 0
        ]
        if config.get("storage") != "file" or wrong or self._subject not in config.get("subjects", []):
            what = f"has a limit ({', '.join(wrong)})" if wrong else "is not a stream of coord in file storage"
            raise RemoteRefused(f"{self.name} {what}, so journals could be lost there. Name another stream")

    def _info(self) -> tuple[str, int]:
        """Return when the stream was made, and the number of its last message."""

        async def ask() -> dict[str, Any]:
            return await self._api(await self._connected(), "INFO")

        found = self._run(ask())
        told = str(found.get("ts", ""))
        self._clock = f"{told[:19]}.{(told[20:].rstrip('Z') + '000000')[:6]}Z" if told.endswith("Z") else ""
        return str(found["created"]), int(found["state"]["last_seq"])

    async def _start_after(self, cursor: str, created: str, last: int) -> int:
        """Return the number of the message that a cursor names; 0 if the stream does not have that message."""
        if not cursor:
            return 0
        made, number, digest = cursor.split(" ")
        if made != created or int(number) > last:
            return 0
        try:
            message = await (await self._connected()).jetstream().get_msg(self._stream, int(number))
        except NotFoundError:
            return 0
        return int(number) if _digest(message.data or b"") == digest else 0

    async def _messages(self, first: int, last: int) -> list[tuple[int, bytes, dict[str, str]]]:
        """Return some of the messages from number `first` on, in order."""
        stream = (await self._connected()).jetstream()
        if last - first < _FEW:
            got = [await stream.get_msg(self._stream, number) for number in range(first, last + 1)]
            return [(int(found.seq or 0), found.data or b"", found.headers or {}) for found in got]
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first,
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
        )
        config.num_replicas = 1
        consumer = await stream.pull_subscribe(self._subject, stream=self._stream, config=config)
        try:
            found = await consumer.fetch(min(500, last - first + 1), timeout=max(1, self._limit_s / 2))
            return [(message.metadata.sequence.stream, message.data, message.headers or {}) for message in found]
        finally:
            with suppress(Exception):  # the server removes it by itself otherwise
                await consumer.unsubscribe()

    async def _publish(self, piece: Piece, after: int) -> int | Behind:
        headers = {
            _SESSION: piece.session,
            _OFFSET: str(piece.offset),
            "Nats-Msg-Id": f"{piece.session}/{piece.offset}/{_digest(piece.data)}{'a' * piece.archived}",
            "Nats-Expected-Last-Sequence": str(after),
        }
        if piece.archived:
            headers[_ARCHIVED] = "yes"
        client = await self._connected()
        try:
            answer = await client.request(self._subject, piece.data, timeout=self._limit_s, headers=headers)
        except nats.errors.NoRespondersError:
            raise RemoteAway(f"{self.name} cannot be reached: no server answers for the stream") from None
        found = json.loads(answer.data)
        if error := found.get("error"):
            if error.get("err_code") == _WRONG_LAST_SEQUENCE:
                return BEHIND
            raise APIError(code=error.get("code"), err_code=error.get("err_code"), description=error.get("description"))
        return BEHIND if found.get("duplicate") else int(found["seq"])


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


async def _ignore(_error: Exception) -> None:
    """Every request reports its own failure."""
    await asyncio.sleep(0)
