"""Answer the requests of local commands on the link's socket."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from coord.engine.sync.exchange.exchange import Exchange
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.link.protocol import MAX_REQUEST, SOCKET, Answer, Request, socket_address
from coord.engine.sync.pending import Draft
from coord.errors import CoordError
from eventlog.errors import LogError
from eventlog.events import Instant
from eventlog.remotes.remote import Behind, OutcomeUnknown, RemoteAway, RemoteRefused

_PATIENCE_S = 30  # for a request that has been connected
_STEP_S = 0.005
_SHARE = 0.5  # of the time that a command waits: the rest is for publishing


def open_socket(cache: str) -> socket.socket:
    """Return the listening socket of the link, which only this user can connect to. Raises OSError."""
    path = os.path.join(cache, SOCKET)
    with suppress(FileNotFoundError):
        os.unlink(path)  # the lock tells that no other link uses it
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with socket_address(cache) as address:
            listening.bind(address)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.listen(64)
    return listening


class Requests:
    """Answers requests. `exchanging` is held while the exchange is used; `sync` exchanges in both directions."""

    def __init__(
        self,
        exchange: Exchange,
        exchanging: threading.Lock,
        since: Instant,
        sync: Callable[[bool], Exchanged],
        stop: Callable[[], None],
    ) -> None:
        self._exchange, self._exchanging, self._since = exchange, exchanging, since
        self._sync, self._stop = sync, stop

    def serve(self, listening: socket.socket) -> None:
        """Accept connections until the socket is closed."""
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(_PATIENCE_S)
            if not _is_same_user(connection):
                return
            data = bytearray()
            while not data.endswith(b"\n") and len(data) <= MAX_REQUEST:
                piece = connection.recv(1 << 16)
                if not piece:
                    return
                data += piece
            connection.sendall(msgspec.json.encode(self.answer(bytes(data))) + b"\n")

    def answer(self, line: bytes) -> Answer:
        """Return the answer to a request."""
        try:
            request = msgspec.json.decode(line, type=Request)
            draft = msgspec.json.decode(request.draft, type=Draft) if request.op == "agree" else None
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return Answer("request", f"the link does not understand this request: {error}")
        try:
            return self._answer(request, draft)
        except OutcomeUnknown as error:
            return self._known("unknown", str(error))
        except RemoteRefused as error:
            return self._known("refused", str(error))
        except RemoteAway as error:
            return self._known("away", str(error))
        except (LogError, CoordError, OSError) as error:
            return self._known("failed", getattr(error, "message", "") or str(error))

    def _answer(self, request: Request, draft: Draft | None) -> Answer:
        if request.op == "stop":
            self._stop()
        elif request.op == "catch_up":
            with self._exchanging:
                self._exchange.catch_up()
        elif request.op == "sync":
            done = self._sync(request.compact)
            return msgspec.structs.replace(self._known(), exchanged=msgspec.to_builtins(done))
        elif draft is not None:
            return self._agree(draft, request.limit_s or _PATIENCE_S)
        return self._known()

    def _agree(self, draft: Draft, limit_s: float) -> Answer:
        """Publish a draft. Its command holds the machine's lock: what waits for that lock has news for it.

        If its turn does not come while the command waits, nothing is published.
        """
        deadline = time.monotonic() + limit_s * _SHARE
        while not self._exchanging.acquire(timeout=_STEP_S):
            if time.monotonic() >= deadline:
                raise RemoteAway("the link still exchanges other events with the remote")
            if self._exchange.waits_for_lock:
                return msgspec.structs.replace(self._known(), behind=True)
        try:
            result = self._exchange.agree(draft)
        finally:
            self._exchanging.release()
        return msgspec.structs.replace(self._known(), behind=isinstance(result, Behind))

    def _known(self, error: str = "", message: str = "") -> Answer:
        status = self._exchange.status
        return Answer(
            error=error,  # type: ignore[arg-type] # one of its values
            message=message,
            cursor=self._exchange.cursor,
            agrees=status.agrees,
            clock_lead_s=status.clock_lead_s,
            remote=status.remote,
            pid=os.getpid(),
            since=self._since,
        )


def _is_same_user(connection: socket.socket) -> bool:
    """Return whether this user, or root, has connected. The file's mode says the same where this is not known."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", found)[1] in (0, os.geteuid())
