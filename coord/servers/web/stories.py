"""The story of a resource, a session, a message or an event, and the search, as documents of the page.

The story is the answer of `coord why --json`, which runs as a child process, so that the memory for a whole history
does not stay in the server. The texts are the command's own; here they only get links. The search runs in this process
in limited memory. All texts are text for a terminal, in which control characters are shown by escapes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from threading import Lock
from typing import Any

import msgspec
from msgspec.structs import replace

from coord.engine.history.search import find_text
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.render.events import event_text, names_in
from coord.render.format import line, session_label, terminal_text
from coord.servers.child_process import ChildAnswer, Commands
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event, MessageSent, SessionStarted
from projections.rules.state import State

_STEPS = (100, 5)  # the second number is used if the texts of the first are too long
_FOUND = 50  # events, and also sessions and resources of the present
_LINKS = 400
_FIELD_CHARS = 4000
_TITLE_CHARS = 200
_EMPTY: dict[str, Any] = {name: [] for name in ("lines", "steps", "rules", "did")}
_NOTHING = {**_EMPTY, "receipts": None, "older": False, "error": ""}
_one_at_a_time = Lock()  # a search takes memory
_EVENT_ID = re.compile(r"(?<![\w./-])[a-z0-9][a-z0-9._-]*/[1-9][0-9]{0,15}(?![\w/])")


async def story(commands: Commands, about: str, at: str = "") -> dict[str, Any]:
    """Return the story of what `about` names, now or at a point in time. An error of the command is in `error`."""
    point = [f"--at={at}"] if at else []
    return story_document(about, await _run(commands, _STEPS, "why", *point, "--", about))


async def _run(commands: Commands, limits: Sequence[int], name: str, *words: str) -> ChildAnswer:
    """Run a command that lists rows, with fewer rows if they are too long."""
    for limit in limits:
        answer = await commands.run(name, f"--limit={limit}", *words)
        if not answer.too_long:
            break
    return answer


def story_document(about: str, answer: ChildAnswer) -> dict[str, Any]:
    """Return the story document of the answer of `coord why --json`."""
    notes = [terminal_text(note) for note in answer.notes]
    data = answer.documents[0] if answer.documents else None
    if answer.error or not isinstance(data, dict):
        error = terminal_text(answer.error or "the command printed no answer")
        return {
            **_NOTHING,
            "about": about,
            "kind": "",
            "title": line(about, _TITLE_CHARS),
            "notes": notes,
            "error": error,
        }
    event = data["event"]
    document = {
        **_NOTHING,
        "about": data["about"],
        "kind": data["kind"],
        "now": data["now"],
        "title": _title(data),
        "lines": [text for part in (data["head"], *data["lines"]) for text in part.split("\n")],
        "steps": data["steps"],
        "rules": data["rules"],
        "did": data.get("did", [])[::-1],
        "did_before": data.get("did_before", False),
        "older": bool(data["older"]),
        "next": data["next"],
        "notes": notes,
        "holders": [holder["session"] for holder in data.get("holders", [])],
        "fields": _fields(event) if data["kind"] in ("claim", "event") else [],
    }
    if data["kind"] == "message":
        document["message"] = _message(event, data["names"])
        document["receipts"] = _receipts(data)
    document["links"] = _links(document, data)
    return document


def _title(data: Mapping[str, Any]) -> str:
    event = data["event"]["event"] if data["event"] else {}
    return line(
        {
            "session": data["names"].get(data["about"]),
            "message": event.get("subject"),
            "claim": event.get("resource"),
            "event": event.get("type"),
        }.get(data["kind"])
        or data["about"],
        _TITLE_CHARS,
    )


def _fields(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields of an event as rows of text, without those that are empty."""
    shown = []
    for name, value in event["event"].items():
        if name != "type" and value not in ("", None, [], False):
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            shown.append((terminal_text(name), terminal_text(text, _FIELD_CHARS)))
    return shown


def _message(event: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a message with its whole body."""
    payload = event["event"]
    to = payload["to"]
    sender = (event.get("imported") or {}).get("acted_as") or event["session"]
    return {
        "id": f"{event['session']}/{event['n']}",
        "at": event["at"],
        "session": sender,
        "from": names.get(sender, sender),
        "to": "everyone" if isinstance(to, str) else ", ".join(line(names.get(each, each)) for each in to),
        "subject": line(payload.get("subject", ""), _TITLE_CHARS),
        "body": terminal_text(payload.get("body", "")),
        "urgency": payload.get("urgency", "normal"),
        "needs_ack": payload.get("needs_ack", False),
        "in_reply_to": payload.get("in_reply_to", ""),
    }


def _receipts(data: Mapping[str, Any]) -> dict[str, Any]:
    receipts = data["receipts"]
    rows = [
        {"session": row["session"], "status": row["status"], "at": row["at"], "confirmed_at": row["confirmed_at"]}
        for row in receipts["rows"]
    ]
    return {"rows": rows, "replies": receipts["replies"], "resolved": receipts["resolved"]}


def _links(document: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, str]:
    """Return the words in the document's texts that have stories of their own, each with what it names."""
    texts = "\n".join(_texts(document))
    found = {name: name for name in _EVENT_ID.findall(texts)}
    for session, label in data["names"].items():
        found |= {session: session, label: session, line(label.removesuffix(f" ({session})"), 40): session}
    for entry in data["story"]:
        for resource in (entry["resource"], *(other["resource"] for other in entry["others"])):
            found[line(resource)] = resource
    resource = data["event"]["event"].get("resource", "") if data["event"] else ""
    found |= {line(resource): resource, terminal_text(resource): resource}
    words = [word for word in found if word and word in texts and found[word] != document["about"]]
    return {word: found[word] for word in words[:_LINKS]}


def _texts(document: Mapping[str, Any]) -> Iterable[str]:
    yield document["title"]
    yield from document["lines"]
    for step in document["steps"]:
        yield from (step["cause"], step["text"], step["words"])
    yield from (row["text"] for row in document["did"])
    yield from (text for _, text in document["fields"])
    if message := document.get("message"):
        yield from (message["from"], message["to"], message["in_reply_to"])


# --- search ---------------------------------------------------------------------------------------------------------

_GROUPS = {"sessions": "Sessions", "resources": "Resources", "messages": "Messages", "events": "Other events"}


def find(system: System, workspace: Workspace, text: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the sessions, resources, messages and other events that contain a text, the newest first.

    `labels` has what the page calls the sessions that it shows. It reads the journals, so it is called in a thread.
    """
    try:
        with _one_at_a_time:
            snapshot = Snapshot(system, workspace)
            snapshot.catch_up(consistent=True)
            newest = find_text(snapshot, text, _FOUND + 1, _shortened)
    except (CoordError, LogError, OSError) as error:
        message = error.message if isinstance(error, CoordError) else f"the log cannot be read: {error}"
        return {"text": text, "groups": [], "older": False, "error": terminal_text(message)}
    groups = group_found(text, newest[:_FOUND][::-1], labels or {}, snapshot.state)
    return {"text": text, "groups": groups, "older": len(newest) > _FOUND, "error": ""}


def _shortened(event: Event) -> Event:
    """Return an event whose texts have only as much as a row can show."""
    payload = event.payload
    texts = {name: getattr(payload, name) for name in payload.__struct_fields__}
    long = {name: text for name, text in texts.items() if isinstance(text, str) and len(text) > _FIELD_CHARS}
    cut = replace(payload, **{name: text[:_FIELD_CHARS] for name, text in long.items()})
    return replace(event, payload=cut) if long else event


def group_found(
    text: str, events: Iterable[Event], labels: Mapping[str, str] | None = None, present: State | None = None
) -> list[dict[str, Any]]:
    """Return the groups of what was found, each with rows of what it is about, its time and its text.

    The sessions and the active claims of the present are also found if none of the events is about them.
    """
    wanted, newest, present = text.casefold(), list(events)[::-1], present or State()
    named = [each for each in present.sessions.values() if wanted in f"{each.name} {each.id}".casefold()]
    named = sorted(named, key=lambda each: each.started_at)[-_FOUND:]
    known = {session: label.removesuffix(f" ({session})") for session, label in (labels or {}).items()}
    names = {each.id: each.name for each in named if each.name} | known | names_in(newest[::-1])
    rows: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in _GROUPS}

    def add(kind: str, about: str, at: str, shown: str) -> None:
        rows[kind].setdefault(about, {"about": about, "at": at, "text": shown})

    for event in newest:
        payload = event.payload
        resource = getattr(payload, "resource", "")
        if isinstance(payload, SessionStarted) and wanted in f"{payload.name} {event.actor}".casefold():
            add("sessions", event.actor, event.at, session_label(event.actor, names, full=True))
        if resource and wanted in resource.casefold():
            add("resources", resource, event.at, line(resource))
        kind = "messages" if isinstance(payload, MessageSent) else "events"
        add(kind, event.id, event.at, f"{session_label(event.actor, names)} {event_text(event, names)}")
    for session in named:
        add("sessions", session.id, session.started_at, session_label(session.id, names, full=True))
    claimed = [claim for claim in present.claims.values() if wanted in claim.resource.casefold()]
    for claim in sorted(claimed, key=lambda claim: claim.granted_at)[-_FOUND:]:
        add("resources", claim.resource, claim.granted_at, line(claim.resource))
    return [
        {"kind": kind, "label": _GROUPS[kind], "results": sorted(found.values(), key=itemgetter("at"), reverse=True)}
        for kind, found in rows.items()
        if found
    ]
