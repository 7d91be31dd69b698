"""Server-sent events: the state of the page, and what changes in it, for each page that is open.

A message is `event: state` with `id` and `data`, or `event: needs` for a browser whose tabs are all hidden. A page that
connects again names the last id that it has, in the header `Last-Event-ID` or as `?after=`, and gets what changed
since.
"""

import asyncio
from contextlib import suppress
from threading import Lock
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coord.servers.web.live.earlier import earlier_timeline
from coord.servers.web.live.follower import Follower, Reader

_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}
_one_at_a_time = Lock()  # computing an earlier part takes memory
_RETRY = b"retry: 1000\n\n"  # milliseconds until a page connects again
_HEARTBEAT, _HEARTBEAT_S = b": still here\n\n", 300.0  # finds connections that the other end left without closing


async def stream(request: Request) -> Response:
    """Answer `GET /api/stream`."""
    after = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return EventStream(request.app.state.services.live, after, only_needs=request.query_params.get("only") == "needs")


def timeline(request: Request) -> Response:
    """Answer `GET /api/timeline?until=INSTANT`. Raises CoordError (2) for the time, and (4) if there is no log."""
    services = request.app.state.services
    with _one_at_a_time:
        data = earlier_timeline(services.system, services.workspace, request.query_params.get("until", ""))
    return Response(data, media_type="application/json")


class EventStream(Response):
    """Sends messages until the page disconnects or the follower ends."""

    def __init__(self, live: Follower, after: str, *, only_needs: bool) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._live, self._after, self._only_needs = live, after, only_needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        loop, messages = asyncio.get_running_loop(), asyncio.Queue[tuple[str, bytes]]()

        def deliver(id: str, data: bytes) -> None:
            with suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(messages.put_nowait, (id, data))

        reader = Reader(deliver, self._after, only_needs=self._only_needs)
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": _RETRY, "more_body": True})
            self._live.join(reader)
            while (body := await _next_body(messages, gone, self._only_needs)) is not None:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self._live.taken(reader)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._live.leave(reader)
            gone.cancel()


async def _next_body(
    messages: "asyncio.Queue[tuple[str, bytes]]", gone: "asyncio.Future[None]", only_needs: bool
) -> bytes | None:
    """Return the next message as it is sent, or None after the last one."""
    getting: asyncio.Future[tuple[str, bytes]] = asyncio.ensure_future(messages.get())
    either: list[asyncio.Future[Any]] = [getting, gone]
    try:
        await asyncio.wait(either, timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            return None
        if not getting.done():
            return _HEARTBEAT
        id, data = getting.result()
    finally:
        getting.cancel()
    if not data:
        return None
    lines = [b"event: needs"] if only_needs else [b"event: state", b"id: " + id.encode()]
    return b"\n".join([*lines, b"data: " + data, b"", b""])


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
