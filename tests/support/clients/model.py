"""A scripted model: one small HTTP server for the APIs of all clients.

A request of the agent is passed to the test, which can check what reached the model, and waits until the test answers.
The client's own requests, such as for a title or a count of tokens, are answered at once.
"""

import json
import queue
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from tests.support.clients.dialects import Answer, Dialect
from tests.support.processes import GUARD_S


@dataclass
class Heard:
    """A request that waits for its answer. `texts` is the whole conversation as the model gets it, `new` what the
    previous request did not have, and `mark` identifies the conversation of a subagent.
    """

    body: dict[str, Any]
    texts: list[str]
    new: list[str]
    mark: str
    reply: "queue.Queue[Answer]" = field(default_factory=lambda: queue.Queue(1))

    @property
    def text(self) -> str:
        """The new texts as one text."""
        return "\n".join(self.new)


@dataclass(frozen=True)
class Asked:
    """A question of the client to its user: whether a tool may run, or what to answer it."""

    tool: str
    input: dict[str, Any]
    id: str


@dataclass(frozen=True)
class Ended:
    """The end of a turn, and the agent's last text if the client repeats it."""

    said: str


Came: TypeAlias = Heard | Asked | Ended


class Model:
    """The server of one agent. `inbox` has its requests in order, and the other events that the agent adds."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.inbox: queue.Queue[Came] = queue.Queue()
        self.aside: list[str] = []  # method and path of the client's own requests
        self.marks: list[str] = []
        self._before: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def next(self) -> Came:
        """Wait for the next event. Raises TimeoutError."""
        try:
            return self.inbox.get(timeout=GUARD_S)
        except queue.Empty:
            raise TimeoutError(f"nothing came; the client's own requests: {self.aside[-5:]}") from None

    def hear(self, body: dict[str, Any]) -> Answer:
        """Pass a request of the agent to the test; the test's answer."""
        texts = self.dialect.texts(body)
        with self._lock:
            opening = self.dialect.opening(body)
            mark = next((mark for mark in self.marks if mark in opening), "")
            heard = Heard(body, texts, _added(self._before.get(mark, []), texts), mark)
            self._before[mark] = texts
        self.inbox.put(heard)
        return heard.reply.get(timeout=GUARD_S)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _added(before: list[str], after: list[str]) -> list[str]:
    seen, added = Counter(before), []
    for text in after:
        if seen[text]:
            seen[text] -= 1
        else:
            added.append(text)
    return added


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, model: Model) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed or closed the connection is not an error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        model, path = self.server.model, self.path.partition("?")[0]
        dialect = model.dialect
        if not dialect.asks.search(path) or dialect.aside(body):
            model.aside.append(f"POST {self.path}")
            aside = dialect.answers_aside(path, body)
            return self._events(aside) if dialect.streams(path, body) else self._json(aside[-1][1])
        answer = model.hear(body)
        if answer.status:
            error = {"type": "api_error", "message": "The test wants this error."}
            return self._send("application/json", json.dumps({"type": "error", "error": error}).encode(), answer.status)
        return self._events(dialect.events(answer))

    def do_GET(self) -> None:
        self.server.model.aside.append(f"{self.command} {self.path}")
        self._json({"data": [], "models": []})

    do_HEAD = do_PUT = do_DELETE = do_GET

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, document: object) -> None:
        self._send("application/json", json.dumps(document).encode())

    def _events(self, events: Iterable[tuple[str, Any]]) -> None:
        lines = (f"event: {name}\n" * bool(name) + f"data: {json.dumps(data)}\n\n" for name, data in events)
        self._send("text/event-stream", "".join(lines).encode())

    def _send(self, kind: str, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""
