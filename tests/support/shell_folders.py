"""Folders as the shell scripts wrote them, and the intended values of every file in them.

The scripts filled values into a template without escaping, so a value with a line break, a quote or a backslash gives a
file that is not JSON.
"""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

Fields = dict[str, object]
Meant = dict[str, Fields]
"""The intended values of each file, by its path in the folder."""

BEGIN = datetime(2026, 3, 7, 9, 30, tzinfo=UTC)
WORDS = ("parser", "lexer", "tests", "docs", "release", "cache", "retry", "schema", "über", "naïve", "日本", "—")
BROKEN = (
    *("", "", "", "\n", "\n- one\n- two\n", ' "quoted", and "again"', " C:\\temp\\new", " costs \\$5", "\ttabbed\t"),
    *("\\", '"', "}\n", "\n}", ",", "\r\nCRLF", "\x1b[31m"),
)
NASTY = (*BROKEN, '\n  "to": "someone",\n  "subject": "pasted"', '",\n  "n": 1')
"""Ends of a text. The last two look like keys; only the last value of a template can contain them unambiguously."""


def filled(values: Mapping[str, object]) -> str:
    """The template, filled with these values as the shell did it."""
    rows = [f'"{key}": ' + (f'"{v}"' if isinstance(v, str) else json.dumps(v)) for key, v in values.items()]
    return "{\n  " + ",\n  ".join(rows) + "\n}\n"


def said_by_json(text: str) -> Fields | None:
    """The values of a file that is JSON without repeated keys; None for any other."""
    twice: list[object] = []

    def pairs(items: list[tuple[str, object]]) -> Fields:
        twice.extend(items[len(dict(items)) :])
        return dict(items)

    try:
        said = json.loads(text, object_pairs_hook=pairs)
    except ValueError:
        return None
    return None if twice else said


def utc(at: datetime) -> str:
    """A time as the scripts wrote it into a file."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def local(at: datetime) -> str:
    """A time as the scripts wrote it into the name of a file."""
    return at.astimezone().strftime("%Y-%m-%d_%H-%M-%S")


class Predecessor:
    """A folder of the shell version, written file by file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.meant = folder, Meant()

    def put(self, path: str, fields: Fields) -> None:
        """Write a file. Its intended values are those of the JSON, or, if it is not JSON, those that were filled in."""
        text = filled(fields)
        self.raw(path, text.encode())
        self.meant[path] = said_by_json(text) or fields

    def raw(self, path: str, data: bytes) -> None:
        """Write bytes."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def session(self, at: datetime, **more: object) -> str:
        """Add a session; its id."""
        name = f"session-{int(at.timestamp())}"
        fields: Fields = {"session_id": name, "started_at": utc(at), "status": "active", "current_work": None}
        fields |= {"capabilities": ["build", "debug"], "last_heartbeat": utc(at), "heartbeat_count": 3}
        self.put(f"sessions/{name}.json", fields | more)
        return name

    def heartbeat(self, at: datetime, session: str, target: str = "api", progress: str = "25%") -> None:
        fields: Fields = {"session_id": session, "timestamp": utc(at), "action": "building", "target": target}
        fields |= {"phase": "BUILD - api", "progress": progress, "next_action": ""}
        self.put(f"heartbeats/{local(at)}-{session}.json", fields)

    def claim(self, at: datetime, session: str, kind: str, name: str, hours: int = 4) -> None:
        fields: Fields = {"claimed_by": session, "claimed_at": utc(at), "resource_type": kind, "resource_name": name}
        ends = utc(at + timedelta(hours=hours))
        self.put(
            f"claims/{kind}-{name}.claim",
            fields | {"duration_hours": hours, "expires_at": ends, "allow_coordination": True},
        )

    def message(self, at: datetime, session: str, to: str, message: str, subject: str = "Hello") -> str:
        """Add a message; its path."""
        box = "broadcast" if to == "broadcast" else f"direct/{to}"
        fields: Fields = {"from": session, "to": to, "timestamp": utc(at), "subject": subject, "message": message}
        path = f"messages/{box}/{local(at)}-{session}.json"
        self.put(path, fields)
        return path


def sample(folder: Path, seed: int, sessions: int, messages: int) -> Meant:
    """Write a whole folder, which depends only on the seed; its intended values."""
    rng, made = random.Random(seed), Predecessor(folder)

    def words(most: int) -> str:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))

    names = []
    for number in range(sessions):
        at = BEGIN + timedelta(minutes=11 * number, seconds=rng.randrange(60))
        more: Fields = {"name": words(1), "role": "writes " + words(3)} if number % 3 == 2 else {}
        names.append((made.session(at, **more), at))
        for _ in range(rng.randrange(4)):
            made.heartbeat(at + timedelta(seconds=rng.randrange(3600)), names[-1][0], words(2) + rng.choice(BROKEN))
    for kind in ("droplet", "service", "file"):
        session, at = rng.choice(names)
        made.claim(at, session, kind, rng.choice(("one", "two.md", "THREE_3")), rng.choice((1, 4, 400)))
    for _ in range(messages):
        session, at = rng.choice(names)
        to = rng.choice(("broadcast", "broadcast", "broadcast", rng.choice(names)[0], "consensus", "urgent"))
        body = words(8) + rng.choice(NASTY) + rng.choice(("", words(3)))
        made.message(at + timedelta(seconds=rng.randrange(99_999)), session, to, body, words(3))
    made.raw("sessions/REGISTRY.json", b'{"sessions": []}\n')
    made.raw(".current_session", b"session-1\n")
    return made.meant
