"""The story of a resource, a session, a message or an event, and the search, as documents of the page.

The story is the answer of `coord why --json`, which runs as a child process, so that the memory for a whole history
does not stay in the server. The texts are the command's own; here they only get links. All of them are text for a
terminal, in which control characters are shown by escapes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from coord.render.events import event_text, names_in
from coord.render.format import line, session_label, terminal_text
from coord.servers.child import ChildAnswer, Commands
from eventlog.codec import DamagedLine, decode_event
from eventlog.events import Event, MessageSent, SessionStarted

_STEPS = (100, 5)  # the second number is used where the texts of so many are too long
_FOUND = (50, 2)  # events
_LINKS = 400
_FIELD_CHARS = 4000
_TITLE_CHARS = 200
_EMPTY: dict[str, Any] = {name: [] for name in ("lines", "steps", "rules", "did")}
_NOTHING = {**_EMPTY, "receipts": None, "older": False, "error": ""}
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


async def find(commands: Commands, text: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the sessions, resources, messages and other events that contain a text, the newest first.

    `labels` has what the page calls the sessions that it shows.
    """
    answer = await _run(commands, _FOUND, "log", "--", text)
    events = [event for event in map(_decoded, answer.documents) if event]
    return {
        "text": text,
        "groups": group_found(text, events, labels or {}),
        "older": any("older" in note for note in answer.notes),
        "error": terminal_text(answer.error),
    }


def group_found(text: str, events: Iterable[Event], labels: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the groups of what was found, each row with what it is about, its time and its text."""
    wanted, newest = text.casefold(), list(events)[::-1]
    known = {session: label.removesuffix(f" ({session})") for session, label in (labels or {}).items()}
    names = known | names_in(newest[::-1])
    rows: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in _GROUPS}
    for event in newest:
        payload = event.payload
        resource = getattr(payload, "resource", "")
        if isinstance(payload, SessionStarted) and wanted in f"{payload.name} {event.actor}".casefold():
            label = session_label(event.actor, names, full=True)
            rows["sessions"].setdefault(event.actor, {"about": event.actor, "at": event.at, "text": label})
        if resource and wanted in resource.casefold():
            rows["resources"].setdefault(resource, {"about": resource, "at": event.at, "text": line(resource)})
        kind = "messages" if isinstance(payload, MessageSent) else "events"
        who = session_label(event.actor, names)
        rows[kind][event.id] = {"about": event.id, "at": event.at, "text": f"{who} {event_text(event, names)}"}
    return [
        {"kind": kind, "label": _GROUPS[kind], "results": list(found.values())} for kind, found in rows.items() if found
    ]


def _decoded(value: object) -> Event | None:
    try:
        return decode_event(msgspec.json.encode(value))
    except DamagedLine:
        return None
