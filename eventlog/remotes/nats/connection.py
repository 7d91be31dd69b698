"""A connection to NATS servers, used from ordinary threads: nats-py runs in an event loop in a thread of its own.

Every error of the library becomes RemoteAway, RemoteRefused or, for a publication without an answer, OutcomeUnknown.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError as Cancelled
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from eventlog.remotes.remote import RemoteAway, RemoteRefused

if TYPE_CHECKING:
    from nats.aio.client import Client

T = TypeVar("T")

PING_S = 20  # how often an idle connection is tested
RETRY_S = 0.1  # between two attempts while the servers elect a leader
PONG_S = 1  # a server that answers no ping for this long is left for another one


class Address(Struct, frozen=True):
    """The parts of `nats://HOST:PORT[,HOST:PORT…]/STREAM`."""

    servers: tuple[str, ...]
    stream: str
    name: str  # the whole, as people write it


class Credentials(Struct, frozen=True):
    """How to log in: a credentials file, or a user and a password, or nothing."""

    file: str = ""
    user: str = ""
    password: str = ""


class ApiError(Exception):
    """JetStream's answer to a request is an error."""

    def __init__(self, code: int, number: int, text: str) -> None:
        super().__init__(text)
        self.code, self.number, self.text = code, number, text


class NotSent(Exception):
    """No server has taken the request, so it has no effect."""


def parse_address(url: str) -> Address:
    """Return the parts of a remote's URL. Raises RemoteRefused, with a message that never shows a password."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise RemoteRefused(
            "the URL of a NATS remote must hold no password: set COORD_NATS_USER and COORD_NATS_PASSWORD, "
            "or use a credentials file"
        )
    stream = parts.path.strip("/")
    if parts.scheme not in ("nats", "tls") or not parts.netloc or not stream or set(stream) & set(" .*>/\\\t"):
        raise RemoteRefused("a NATS remote is written nats://HOST:PORT/STREAM, several servers as HOST:PORT,HOST:PORT")
    hosts = [host if ":" in host else f"{host}:4222" for host in parts.netloc.split(",") if host]
    return Address(
        tuple(f"{parts.scheme}://{host}" for host in hosts), stream, f"{parts.scheme}://{parts.netloc}/{stream}"
    )


class Connection:
    """One connection, which is made again by itself, to whichever server can be reached.

    `on_news` is called in the connection's thread after each message on the subject `news`, and after reconnecting.
    """

    def __init__(
        self, address: Address, credentials: Credentials, timeout_s: float, news: str, on_news: Callable[[], None]
    ) -> None:
        self.timeout_s = timeout_s
        self._address = address
        self._on_news = on_news
        self._problem: BaseException | None = None
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        try:
            self._client: Client = self.run(self._connect(credentials, news), timeout_s + PONG_S)
        except BaseException:
            self.close()
            raise

    def run(self, work: Coroutine[Any, Any, T], limit_s: float | None = None) -> T:
        """Run `work` in the connection's thread and return its result. Raises RemoteAway after `limit_s`."""
        if self._closed:
            work.close()
            raise RemoteAway(f"{self._address.name} is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(limit_s)
        except StillRunning:
            future.cancel()
            raise self.away("does not answer") from None
        except (asyncio.CancelledError, Cancelled):
            raise self.away("was closed") from None
        except BaseException:
            future.cancel()
            raise

    def away(self, what: str) -> RemoteAway:
        """Return the error that says the remote is away and why."""
        problem = f" ({self._problem})" if self._problem is not None and str(self._problem) else ""
        return RemoteAway(f"{self._address.name} {what}{problem}")

    @property
    def connected(self) -> bool:
        """Whether there is a connection to a server now."""
        return not self._closed and self._client.is_connected

    @property
    def max_payload(self) -> int:
        """The size of the largest message that the server takes, in bytes."""
        return self._client.max_payload

    def close(self) -> None:
        """Close the connection and end its thread."""
        if self._closed:
            return
        self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(self.timeout_s)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def request(self, subject: str, data: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        """Send a request and return the answer. Raises NotSent, and TimeoutError if nothing answers in time."""
        from nats.errors import Error, NoRespondersError

        await self._wait_until_connected()
        try:
            return (await self._client.request(subject, data, timeout=self.timeout_s, headers=headers)).data
        except NoRespondersError:
            raise NotSent from None
        except TimeoutError:
            await self._leave_stopped_server()
            raise
        except (Error, OSError) as error:
            self._problem = error
            raise TimeoutError from None

    async def send(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        """Send a message without waiting for an answer."""
        from nats.errors import Error

        try:
            await self._client.publish(subject, data, headers=headers)
        except (Error, OSError) as error:
            self._problem = error
            raise TimeoutError from None

    async def ask(self, subject: str, body: object = None) -> dict[str, Any]:
        """Ask JetStream something that changes nothing, or that can be repeated, until it answers or time is up.

        Raises ApiError and RemoteAway.
        """
        data = b"" if body is None else json.dumps(body).encode()
        end = self._loop.time() + self.timeout_s
        while True:
            try:
                return answer(await self.request(f"$JS.API.{subject}", data))
            except TimeoutError:
                raise self.away("does not answer") from None
            except NotSent:
                if self._loop.time() > end:
                    raise self.away("has no JetStream, or its servers have no leader now") from None
            except ApiError as error:
                if error.code != 503 or self._loop.time() > end:
                    raise
            await asyncio.sleep(RETRY_S)

    async def _connect(self, credentials: Credentials, news: str) -> "Client":
        from nats.aio.client import Client
        from nats.errors import AuthorizationError, Error

        client = self._client = Client()
        login: dict[str, Any] = {}
        if credentials.file:
            login["user_credentials"] = credentials.file
        if credentials.user:
            login |= {"user": credentials.user, "password": credentials.password}
        try:
            await asyncio.wait_for(
                client.connect(
                    list(self._address.servers), error_cb=self._note, reconnected_cb=self._wake, name="coord",
                    connect_timeout=2, reconnect_time_wait=1, max_reconnect_attempts=-1, ping_interval=PING_S, **login,
                ),
                self.timeout_s,
            )  # fmt: skip
            await client.subscribe(news, cb=self._wake)
        except ImportError:
            raise RemoteRefused(
                "a credentials file needs the package nkeys: install coord with the extra `nats`"
            ) from None
        except (Error, OSError, ValueError, TimeoutError) as error:
            self._problem = error if str(error) else self._problem
            problem = self._problem
            unusable_file = credentials.file and not isinstance(error, (Error, TimeoutError))
            if unusable_file or isinstance(problem, AuthorizationError) or "uthorization" in str(problem):
                raise RemoteRefused(
                    f"{self._address.name} does not accept these credentials ({problem}). "
                    "Give a credentials file, or set COORD_NATS_USER and COORD_NATS_PASSWORD"
                ) from None
            raise self.away("cannot be reached") from None
        return client

    async def _note(self, error: Exception) -> None:
        self._problem = error

    async def _wake(self, *_: object) -> None:
        self._problem = None
        self._on_news()

    async def _wait_until_connected(self) -> None:
        """Wait for the connection. What is sent without one would be sent later, when nobody waits for it any more."""
        end = self._loop.time() + self.timeout_s
        while not self.connected:
            if self._closed or self._loop.time() > end:
                raise NotSent
            await asyncio.sleep(RETRY_S / 2)

    async def _leave_stopped_server(self) -> None:
        """Connect to another server if this one answers no ping: its process may be stopped, its network cut."""
        from nats.errors import Error

        try:
            await self._client.rtt(PONG_S)
        except (Error, OSError, TimeoutError):
            await self._client.force_reconnect()

    async def _end(self) -> None:
        with suppress(Exception):
            await asyncio.wait_for(self._client.close(), 1)
        with suppress(Exception):  # the library leaves it open if it is closed while it connects
            if self._client._transport:
                self._client._transport.close()  # type: ignore[no-untyped-call]
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # transports end in the next turn of the loop


def answer(data: bytes) -> dict[str, Any]:
    """Return the fields of JetStream's answer. Raises ApiError."""
    try:
        fields = json.loads(data or b"{}")
    except ValueError:
        raise ApiError(500, 0, "the answer is not JSON") from None
    if not isinstance(fields, dict):
        raise ApiError(500, 0, "the answer is not an object")
    if error := fields.get("error"):
        raise ApiError(int(error.get("code", 500)), int(error.get("err_code", 0)), str(error.get("description", "")))
    return fields
