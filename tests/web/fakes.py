"""A small server for tests of the browser's side of the page: a test sets its answers, errors and streams."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import parse_qs, urlsplit

WEB = Path(__file__).parents[2] / "coord" / "servers" / "web"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
NOW = "2026-11-22T23:30:00.000000Z"
Json = dict[str, Any]


def moment(at: str = NOW, event: str = "s-1/9", *, needs: int = 0, **fields: Any) -> Json:
    """Return a moment document with nothing in it."""
    return {
        "at": at,
        "live": at == NOW,
        "position": f"9/{event}",
        "event": event,
        "events": 9,
        "counts": {"here": 1, "sessions": 1, "claims": 0, "waiting": 0, "needs": needs},
        "needs": [],
        "board": [],
        "claims": [],
        "messages": [],
        "sessions": [],
        "names": {"s-1": "alpha", "s-2": "beta"},
        "me": {"session": "s-9", "name": "mika"},
        "read_only": False,
        "problems": [],
        "folder": "shop",
        "next_change": "",
        **fields,
    }


def timeline(
    *, reset: bool = True, since: str = "2026-11-22T18:00:00.000000Z", until: str = NOW, **tables: Json
) -> Json:
    """Return a change of the timeline; without `reset` it is added to what is there."""
    rows = {name: tables.get(name, {}) for name in ("lanes", "bars", "marks", "messages", "links")}
    return {"reset": reset, "since": since, "until": until, "position": "", "earlier": False, "tables": rows}


def mark(kind: str, event: str, at: str, session: str = "s-1", resource: str = "src/app.py") -> Json:
    """Return a mark of the timeline."""
    return {
        "kind": kind,
        "id": event,
        "at": at,
        "session": session,
        "by": "",
        "claim": event,
        "resource": resource,
        "words": "",
    }


class FakeServer:
    """The server. `moments` computes the answers of /api/moment; `status` is an error that all /api paths answer."""

    def __init__(self, port: int = 0) -> None:
        self.moments: Callable[[str, int], Json] = lambda at, _step: moment(at or NOW)
        self.first: Callable[[str], tuple[str, Json]] = lambda _after: (
            "9/s-1/9",
            {"moment": moment(), "timeline": timeline()},
        )
        self.needs: Json = {"count": 0, "notify": []}
        self.spans: Callable[[str], Json] = lambda until: timeline(until=until)
        self.status, self.message = 200, ""
        self.streams: list[tuple[str, Queue[bytes | None]]] = []  # the open ones
        self.opened: list[str] = []  # the queries of all streams so far
        self.asked: list[str] = []  # the queries of /api/moment
        self.most = self.under_way = self.most_asked = 0
        self.lock = threading.Lock()
        server = self

        class Handler(_Handler):
            fake = server

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def send(self, data: Json, event_id: str = "", event: str = "state") -> None:
        """Send an event to all streams of its kind."""
        text = f"event: {event}\n" + (f"id: {event_id}\n" if event_id else "") + f"data: {json.dumps(data)}\n\n"
        with self.lock:
            for query, queue in self.streams:
                if ("only=needs" in query) == (event == "needs"):
                    queue.put(text.encode())

    def drop(self) -> None:
        """End all streams, as a server does that is killed."""
        with self.lock:
            for _query, queue in self.streams:
                queue.put(None)

    def kill(self) -> None:
        """Stop listening, and end all streams."""
        self.http.shutdown()
        self.http.server_close()
        self.drop()
        self.wait(lambda: not self.streams)

    def wait(self, condition: Callable[[], bool], what: str = "", seconds: float = 10) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, what or f"streams {self.opened}, open {len(self.streams)}"
            time.sleep(0.01)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        with suppress(OSError):
            if address.path.startswith("/api/"):
                self._api(address.path, address.query)
            else:
                name = "templates/page.html" if address.path == "/" else address.path.lstrip("/")
                self._file(WEB / name)

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._answer(404, b"", "text/plain")
            return
        self._answer(200, path.read_bytes(), TYPES[path.suffix])

    def _api(self, path: str, query: str) -> None:
        fake = self.fake
        values = {name: found[0] for name, found in parse_qs(query).items()}
        if fake.status != 200:
            self._json({"error": {"code": 1, "message": fake.message}}, fake.status)
        elif path == "/api/stream":
            self._stream(query, values)
        elif path == "/api/story":
            story = {"about": values["about"], "kind": "", "title": "", "older": False, "error": "", "receipts": None}
            self._json(story | {name: [] for name in ("lines", "notes", "steps", "rules", "did")})
        elif path == "/api/timeline":
            self._json(fake.spans(values["until"]))
        else:
            with fake.lock:
                fake.asked.append(query)
                fake.under_way += 1
                fake.most_asked = max(fake.most_asked, fake.under_way)
            try:
                answer = fake.moments(values.get("at", ""), int(values.get("step", "0")))
            finally:
                with fake.lock:
                    fake.under_way -= 1
            self._json(answer, 400 if "error" in answer else 200)

    def _stream(self, query: str, values: dict[str, str]) -> None:
        fake, queue = self.fake, Queue[bytes | None]()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if values.get("only") == "needs":
            event, event_id, data = "needs", "", fake.needs
        else:
            event, (event_id, data) = "state", fake.first(values.get("after", ""))
        own = (query, queue)
        with fake.lock:
            fake.streams.append(own)
            fake.opened.append(query)
            fake.most = max(fake.most, len(fake.streams))
        try:
            start = f"event: {event}\n" + (f"id: {event_id}\n" if event_id else "") + f"data: {json.dumps(data)}\n\n"
            self.wfile.write(start.encode())
            self._follow(queue)
        finally:
            with fake.lock:
                fake.streams.remove(own)

    def _follow(self, queue: "Queue[bytes | None]") -> None:
        while True:
            try:
                text = queue.get(timeout=0.05)
            except Empty:
                text = b":\n\n"  # a comment, which fails when the browser has closed the stream
            if text is None:
                return
            self.wfile.write(text)

    def _json(self, answer: Json, status: int = 200) -> None:
        self._answer(status, json.dumps(answer).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)
