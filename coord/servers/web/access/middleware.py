"""Refuse requests that `coord.servers.web.access.rules` does not allow, before the application sees them.

It is plain ASGI, because it also has to protect streams and WebSockets. A body is read here, up to the limit. Every
answer gets the headers of the rules. An unexpected error of the application becomes an answer too.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from coord.errors import NO_LOG, REFUSED
from coord.servers.web.access.peers import foreign_user
from coord.servers.web.access.rules import HEADERS, MAX_BODY, Refusal, Request, Served, has_cookie, refusal, too_long

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_OWN = {name for name, _ in _HEADERS}


class AccessMiddleware:
    """An application that answers only allowed requests of these users of this machine.

    `report` gets the text of an unexpected error.
    """

    def __init__(
        self, application: Application, served: Served, users: frozenset[int], report: Callable[[str], None]
    ) -> None:
        self.application, self.served, self.users, self.report = application, served, users, report
        self._streams: set[asyncio.Task[Any]] = set()
        self._ending = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def end_streams(self) -> None:
        """End the streams that are open, and every one that begins later."""
        self._ending = True
        for task in self._streams:
            task.cancel()

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        answer = _Answer(send)
        refused = refusal(self.served, request) or self._refuse_other_user(scope)
        body = b""
        if refused is None and request.method == "POST":
            read = await _read_body(receive)
            if read is None:
                return  # the client is gone
            body, refused = read
        if refused:
            await answer.refuse(refused)
            return
        scope.setdefault("state", {})["has_cookie"] = has_cookie(self.served, request)
        await self._call(scope, _replay(body, receive), answer)

    def _refuse_other_user(self, scope: Message) -> Refusal | None:
        client, server = scope.get("client"), scope.get("server")
        if not client or not server or not foreign_user(client[:2], server[:2], self.users):
            return None
        return Refusal(403, "this page belongs to another user of this machine.")

    async def _call(self, scope: Message, receive: Receive, answer: "_Answer") -> None:
        task = asyncio.current_task()
        assert task is not None
        if is_stream := scope["path"] == "/api/stream":
            self._streams.add(task)
        try:
            if is_stream and self._ending:
                await answer.refuse(Refusal(503, "the server is stopping."))
            else:
                await self.application(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not (is_stream and self._ending):
                raise
            await answer.end()
        except Exception as error:  # a bug in coord must not end the server
            text = f"the page failed at {scope['path'][:80]} ({type(error).__name__}: {str(error)[:200]})"
            self.report(text)
            await answer.fail(text)
        finally:
            self._streams.discard(task)


class _Answer:
    """Sends one answer with the headers of the rules, and knows how much of it was sent."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun, self._ended = send, False, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in _OWN]
            message = {**message, "headers": [*others, *_HEADERS]}
            self._begun = True
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, refused: Refusal, code: int = REFUSED) -> None:
        """Answer with an error, and close the connection: its body may not have been read."""
        body = msgspec.json.encode({"error": {"code": code, "message": refused.message}})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def fail(self, text: str) -> None:
        """End an answer after an error: with the error, if nothing was sent yet."""
        if self._ended:
            return
        if self._begun:
            raise ConnectionError(text)  # so that the client notices that the answer is incomplete
        await self.refuse(Refusal(500, f"{text}. What was acknowledged before is kept."), NO_LOG)

    async def end(self) -> None:
        """End a stream."""
        if self._begun and not self._ended:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})


def request_of(scope: Message) -> Request:
    """Return the parts of a request that the rules decide upon."""
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    return Request(scope["method"], scope["path"], headers)


async def _read_body(receive: Receive) -> tuple[bytes, Refusal | None] | None:
    """Return the body, or why it is refused; None if the client has closed the connection."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return b"", Refusal(413, too_long())
        if not message.get("more_body", False):
            return b"".join(parts), None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns the body, which was read already, and then later messages."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
