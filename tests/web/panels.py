"""A page with only some panels, without a server: its files come from the disk, and its API answers from Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route

import coord.servers.web

WEB = Path(coord.servers.web.__file__).parent
ADDRESS = "http://127.0.0.1:9/"
NOW = "2026-11-22T18:30:00.000000Z"
ADA, BEN = "amber-otter-k3f9", "brave-heron-2xk1"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_WIRING = """
import * as api from "./core/api.js";
import {{ mountKeys }} from "./core/keys.js";
import {{ createStore }} from "./core/store.js";
const store = window.store = createStore();
const part = (id) => document.getElementById(id);
{imports}
mountKeys();
store.receive({{ moment: {moment} }});
"""
Answer = Callable[[dict[str, str]], Any]


class Panels:
    """The mounted panels, and the calls of the API that they made."""

    def __init__(self, page: Page, moment: dict[str, Any], panels: tuple[str, ...], **answers: Answer) -> None:
        self.page, self.answers = page, answers
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.blocked: list[str] = []
        page.on("console", lambda message: self.blocked.append(message.text) if message.type == "error" else None)
        imports = "".join(
            f'import {{ mount as {name} }} from "./panels/{name}.js";\n{name}(part("{name}"), store, api);\n'
            for name in panels
        )
        self._wiring = _WIRING.format(imports=imports, moment=json.dumps(moment))
        page.route("**/*", self._answer)

    def open(self, fragment: str = "") -> "Panels":
        """Load the page."""
        self.page.goto(ADDRESS + fragment)
        self.page.wait_for_function("() => window.store && window.store.moment")
        return self

    def view(self, patch: str) -> None:
        """Change the view; `patch` is JavaScript."""
        self.page.evaluate(f"() => window.store.setView({patch})")

    def receive(self, moment: dict[str, Any]) -> None:
        """Receive a live moment."""
        self.page.evaluate("(moment) => window.store.receive({ moment })", moment)

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        headers = {"Content-Security-Policy": POLICY}
        if url.path.startswith("/api/"):
            name, given = url.path.removeprefix("/api/"), {key: value[0] for key, value in parse_qs(url.query).items()}
            self.calls.append((name, given))
            return route.fulfill(json=self.answers[name](given))
        if url.path == "/static/page.js":
            return route.fulfill(body=self._wiring, content_type="text/javascript")
        path = WEB / ("templates/page.html" if url.path == "/" else url.path.lstrip("/"))
        if not path.is_file():
            return route.fulfill(status=404, body="")
        return route.fulfill(path=path, content_type=_KINDS.get(path.suffix, "text/html"), headers=headers)


def row(text: list[list[str]], about: str = "", **more: Any) -> dict[str, Any]:
    """Return a row of a section."""
    return {"columns": [], "extra": [], "text": text, "below": [], "about": about, **more}


def moment(**changes: Any) -> dict[str, Any]:
    """Return a moment with two sessions, a claim and two messages."""
    claim = row(
        [["until 22:30 UTC (4 h left)", ""], [" · ", "quiet"], ["for: ", "quiet"], ["landing page", ""]],
        "droplet/church-guidance",
        columns=[[["droplet/church-guidance", ""]], [["ada", "name"]]],
        extra=[["since 18:02 UTC", "quiet"]],
    )
    ada = row(
        [["ada", "name"], [f" ({ADA})", "quiet"], [": building church-guidance", ""], [" (25% complete)", "good"]],
        ADA,
        below=[["BUILD - landing page", ""], [" · ", "quiet"], ["last seen 2 min ago", "quiet"]],
    )
    ben = row(
        [["🟡 silent: ", "warn"], ["ben", "name"], [f" ({BEN})", "quiet"], [": blocked on the Stripe API key", ""]], BEN
    )
    said = row([["ben", "name"], [" to ada, ", ""], ["2 min ago", "quiet"], [": Question", ""]], f"{BEN}/4")
    message = {
        "id": f"{BEN}/4",
        "at": "2026-11-22T18:28:00.000000Z",
        "session": BEN,
        "to": [ADA],
        "everyone": False,
        "subject": "Question",
        "body": "Do you need the email templates? I am building email-automation",
        "length": 63,
        "urgency": "normal",
        "needs_ack": True,
        "unacknowledged_by": [ADA],
        "in_reply_to": "",
        "resolved_by": "",
        "for_me": True,
        "unread": True,
    }
    urgent = message | {
        "id": f"{BEN}/6",
        "to": [],
        "everyone": True,
        "subject": "Blocker",
        "body": "Need the Stripe API key",
        "urgency": "high",
        "needs_ack": False,
        "unacknowledged_by": [],
        "for_me": False,
        "unread": False,
    }
    needs = row([["- ", ""], ["ben is blocked on the Stripe API key", "warn"]])
    step = row([["    → ", "quiet"], ["coord send ben ...", ""]])
    sections = [
        {"head": "⚠️  COORDINATION NEEDED", "rows": [needs, step]},
        {"head": "🟢 ACTIVE SESSIONS", "rows": [ada, ben]},
        {"head": "🔒 ACTIVE CLAIMS", "rows": [claim]},
        {"head": "📨 RECENT MESSAGES", "rows": [said]},
        {"head": "", "rows": [row([["2 sessions · 1 claim · 12 events · 18:30 UTC", "quiet"]])]},
    ]
    document = {
        "at": NOW,
        "live": True,
        "position": f"12/{BEN}/6",
        "event": f"{BEN}/6",
        "events": 12,
        "counts": {"here": 2, "sessions": 2, "claims": 1, "waiting": 0, "needs": 1},
        "needs": [{"id": "blocked"}],
        "board": sections,
        "claims": [{"head": "", "rows": [claim]}],
        "messages": [message, urgent],
        "sessions": [],
        "names": {ADA: "ada", BEN: "ben"},
        "me": {"session": ADA, "name": "ada"},
        "read_only": False,
        "problems": [],
        "folder": "shop",
        "next_change": "",
    }
    return document | changes


def story(**changes: Any) -> dict[str, Any]:
    """Return the story of a resource with a refusal and a step whose requester was told something else."""
    step = {"at": "2026-11-22T18:02:00.000000Z", "rule": 2, "told": "", "words": ""}
    document = {
        "about": "droplet/church-guidance",
        "kind": "resource",
        "now": NOW,
        "title": "droplet/church-guidance",
        "lines": ["ada has held droplet/church-guidance since 18:02 UTC, until 22:30 UTC (4 h left)"],
        "steps": [
            step | {"cause": f"{ADA}/2", "text": "ada asks for it for 4 h and gets it", "words": "landing page"},
            step
            | {
                "at": "2026-11-22T18:05:00.000000Z",
                "cause": f"{BEN}/2",
                "told": "granted",
                "text": f"ben asks for it for 4 h and is refused: it conflicts with ada ({ADA}/2)",
            },
            step | {"at": NOW, "cause": "", "text": "ada's claim expires after 4 h", "rule": 3},
        ],
        "rules": [
            "rule 2: a request is granted if no other claim and no earlier request conflicts with it",
            "rule 3: a claim ends when it is released, expires or is broken",
        ],
        "receipts": None,
        "did": [],
        "did_before": False,
        "older": False,
        "next": "",
        "notes": [],
        "fields": [],
        "holders": [ADA],
        "links": {"ada": ADA, "ben": BEN, f"{ADA}/2": f"{ADA}/2"},
        "error": "",
    }
    return document | changes


def message_story(body: str = "Do you need the email templates?") -> dict[str, Any]:
    """Return the story of a message."""
    sent = {
        "id": f"{BEN}/4",
        "at": NOW,
        "session": BEN,
        "from": "ben",
        "to": "ada",
        "subject": "Question",
        "body": body,
        "urgency": "normal",
        "needs_ack": True,
        "in_reply_to": "",
    }
    rows = [{"session": ADA, "status": "read", "at": NOW, "confirmed_at": ""}]
    return story(
        about=f"{BEN}/4",
        kind="message",
        title="Question",
        message=sent,
        steps=[],
        rules=[],
        lines=["18:28:00 UTC  ben/4 (ben) writes to ada: Question", f"ada: read it at 18:29:00 UTC ({ADA}/4)"],
        receipts={"rows": rows, "replies": [], "resolved": ""},
        links={"ada": ADA, f"{ADA}/4": f"{ADA}/4"},
    )


def session_story() -> dict[str, Any]:
    """Return the story of a session with what it did."""
    did = [
        {"at": NOW, "id": f"{ADA}/8", "type": "session.ended", "text": "ends · did: landing page and intake form"},
        {"at": NOW, "id": f"{ADA}/3", "type": "session.heartbeat", "text": "building church-guidance · BUILD · 25%"},
    ]
    lines = [f"ada ({ADA}) was live from 18:02:00 UTC until 18:30:00 UTC, when it ended ({ADA}/8)", "It holds nothing."]
    return story(about=ADA, kind="session", title="ada", lines=lines, did=did, did_before=True, holders=[])
