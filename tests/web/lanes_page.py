"""A page with only the lanes, a store without a server, and generated tables of a timeline."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Page

from tests.web.conftest import HERE

Tables = dict[str, dict[str, Any]]
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_WEB = HERE.parent.parent / "coord" / "servers" / "web"
_PAGE = (
    "<!doctype html><html lang=en><title>lanes</title>{links}<main><section id=lanes aria-label=Lanes></section></main>"
)
_MOUNT = """async () => {
  const { createStore } = await import("/static/core/store.js");
  const { mount } = await import("/static/lanes/lanes.js");
  window.store = createStore();
  window.asked = [];
  window.api = { fetchTimeline: async (until) => { window.asked.push(until); return window.earlier; } };
  window.lanes = mount(document.getElementById("lanes"), window.store, window.api);
}"""
_RESOURCES = [f"file/src/{part}/{name}.py" for part in ("core", "web", "docs") for name in "abcdefghij"]
_ENDS = ["released", "released", "released", "expired", "broken", "session_dead", "handed_over"]


def instant(minutes: float) -> str:
    """Return the instant that many minutes after the start."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def serve_static() -> Iterator[str]:
    """Serve the page's files on a free port, without a log; give the address."""
    handler = partial(_Quiet, directory=str(_WEB))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def open_lanes(
    page: Page, address: str, timeline: dict[str, Any] | None = None, view: dict[str, Any] | None = None
) -> None:
    """Open the lanes with a timeline."""
    links = "".join(f'<link rel=stylesheet href="/static/{name}.css">' for name in ("style", "styles/lanes"))
    page.route("**/lanes-alone", lambda route: route.fulfill(content_type="text/html", body=_PAGE.format(links=links)))
    page.goto(f"{address}/lanes-alone")
    page.evaluate(_MOUNT)
    if view:
        page.evaluate("view => store.setView(view)", view)
    if timeline:
        page.evaluate("timeline => store.receive({ timeline })", timeline)
    frame(page)


def frame(page: Page) -> None:
    """Wait until the next frames are drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def timeline_of(tables: Tables, until: float, **more: object) -> dict[str, Any]:
    """Return a timeline document that replaces what was there."""
    return {"since": instant(0), "until": instant(until), "reset": True, "earlier": False, "tables": tables} | more


def empty_tables() -> Tables:
    return {name: {} for name in ("lanes", "bars", "marks", "messages", "links")}


def make_lane(
    session: str, start: float = 0, end: float | None = None, how: str = "ended", **more: object
) -> dict[str, Any]:
    """Return the row of a session that was live from minute to minute."""
    life = {"session": session, "start": instant(start), "last_at": instant(start), "evidence": "", "cause": ""}
    life |= {"end": instant(end), "how": how} if end is not None else {"end": "", "how": ""}
    lane = {"session": session, "name": session, "client": "claude-code", "lives": [life]}
    return lane | {"first_at": instant(start), "last_at": instant(start if end is None else end)} | more


def make_bar(session: str, claim: str, start: float, end: float | None = None, **more: object) -> dict[str, Any]:
    """Return the row of a claim from minute to minute."""
    bar: dict[str, Any] = {
        "kind": "claim",
        "id": claim,
        "session": session,
        "agent": "",
        "resource": "file/a.py",
        "mode": "exclusive",
    }
    bar |= {"note": "", "automatic": False, "start": instant(start), "behind": [], "rule": 0, "cause": ""}
    bar |= {"end": "", "how": ""} if end is None else {"end": instant(end), "how": "released"}
    return bar | more


def make_mark(kind: str, event: str, at: float, session: str, **more: object) -> dict[str, Any]:
    """Return the row of a mark."""
    mark = {
        "kind": kind,
        "id": event,
        "at": instant(at),
        "session": session,
        "by": "",
        "claim": "",
        "resource": "file/a.py",
    }
    return mark | {"words": "", "others": []} | more


def make_message(event: str, at: float, session: str, to: list[str], **more: object) -> dict[str, Any]:
    """Return the row of a message."""
    message = {"id": event, "at": instant(at), "session": session, "to": to, "everyone": False}
    return message | {"subject": f"About {event}", "urgency": "normal"} | more


def add_bar(tables: Tables, bar: dict[str, Any]) -> None:
    tables["bars"][f"{bar['id']} {bar['kind']} {bar['start']}"] = bar


def random_tables(seed: int, sessions: int, claims: int, minutes: float = 600) -> Tables:
    """Return seeded tables: sessions that come and go, claims and waits, marks, messages and links."""
    rng, tables = random.Random(seed), empty_tables()
    names = [f"agent-{number}" for number in range(sessions)]
    spans: dict[str, tuple[float, float]] = {}
    for name in names:
        start = rng.uniform(0, minutes * 0.7)
        end = None if rng.random() < 0.4 else rng.uniform(start + 5, minutes)
        spans[name] = (start, minutes if end is None else end)
        tables["lanes"][name] = make_lane(name, start, end, rng.choice(["ended", "ended", "dead"]))
        if end is not None and tables["lanes"][name]["lives"][0]["how"] == "dead":
            tables["marks"][f"D{name} died "] = make_mark(
                "died", f"D{name}", end, name, resource="", words="silent for 20 min"
            )
    for number in range(claims):
        name = rng.choice(names)
        begin, stop = spans[name]
        start = rng.uniform(begin, stop)
        end = min(start + rng.expovariate(1 / 15), stop)
        _add_claim(rng, tables, name, f"E{number}", start, end, is_open=stop == minutes and rng.random() < 0.03)
        if number % 9 == 0:
            kind = rng.choice(["refused", "refused", "refused", "lost", "broken", "void"])
            tables["marks"][f"M{number} {kind} "] = make_mark(
                kind, f"M{number}", start, name, resource=rng.choice(_RESOURCES)
            )
        if number % 7 == 0:
            to = rng.sample(names, min(sessions, rng.choice([1, 1, 2])))
            urgency = rng.choice(["normal", "normal", "high"])
            tables["messages"][f"S{number}"] = make_message(f"S{number}", start, name, to, urgency=urgency)
    return tables


def _add_claim(
    rng: random.Random, tables: Tables, name: str, claim: str, start: float, end: float, *, is_open: bool
) -> None:
    more: dict[str, Any] = {"resource": rng.choice(_RESOURCES), "mode": "shared" if rng.random() < 0.1 else "exclusive"}
    more["note"] = rng.choice(["", "", "fix the parser", "write the docs"])
    if rng.random() < 0.15:
        until = start + (end - start) * rng.random()
        how = rng.choice(["granted", "granted", "withdrawn"])
        add_bar(tables, make_bar(name, claim, start, until, kind="wait", **more, how=how))
        if how != "granted":
            return
        start = until
    add_bar(
        tables,
        make_bar(
            name, claim, start, None if is_open else end, **more, **({} if is_open else {"how": rng.choice(_ENDS)})
        ),
    )
