"""Write the log of a made-up night, which the tutorial "What happened last night" examines.

    python docs/examples/make_incident.py        writes incident/COORDINATION/

Three sessions work on a shop. In the morning the tax is missing from `src/prices.py`. The script always writes the same
bytes, and a test checks that the files in the repository are these.
"""

import sys
from pathlib import Path

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    EVERYONE,
    VERSION,
    Anchor,
    AnyPayload,
    ClaimAccepted,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    MessageRead,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionStarted,
    add_time,
)

HERE = Path(__file__).resolve().parent / "incident" / "COORDINATION"
API, WEB, TESTS = "amber-otter-k3f9", "brisk-heron-8nqd", "coral-lynx-x2m4"
_MIDNIGHT = "2026-11-22T00:00:00.000000Z"
_MACHINE, _BOOT, _SPACE = "5d1e0c7a9b3f2468", "c0ffee00-0000-4000-8000-000000000001", "pid:[4026531836]"
PRICES = "file/src/prices.py"


def anchor(pid: int) -> Anchor:
    """Return the anchor of a session."""
    return Anchor(machine=_MACHINE, boot=_BOOT, pid=pid, start_ticks=pid * 100, pid_namespace=_SPACE)


def hello(name: str, pid: int, branch: str) -> SessionStarted:
    """Return the first event of a session."""
    return SessionStarted(
        client="claude-code", name=name, machine=_MACHINE, anchor=anchor(pid), folder="/home/you/shop/COORDINATION",
        branch=branch, worktree="/home/you/shop",
    )  # fmt: skip


def doing(action: str, target: str, percent: int | None = None, **more: str) -> SessionHeartbeat:
    """Return a heartbeat."""
    progress = "" if percent is None else f"{percent}%"
    return SessionHeartbeat(action=action, target=target, progress=progress, percent=percent, **more)  # type: ignore[arg-type]


def ask(resource: str, told: str, hours: float, note: str = "", wait_s: int = 0) -> ClaimRequested:
    """Return a request for a resource."""
    ttl_s = int(hours * 3600)
    return ClaimRequested(resource=resource, mode="exclusive", ttl_s=ttl_s, wait_s=wait_s, told=told, note=note)  # type: ignore[arg-type]


NIGHT: tuple[tuple[str, str, AnyPayload], ...] = (
    ("22:00:10", API, hello("api", 4101, "main")),
    ("22:00:40", WEB, hello("web", 4202, "main")),
    ("22:01:15", TESTS, hello("tests", 4303, "main")),
    ("22:05:00", WEB, ask(PRICES, "granted", 4, "prices in the visitor's currency")),  # web/2
    ("22:05:20", WEB, doing("building", "currency", 10, next_action="rounding")),
    ("22:08:00", API, ask("file/src/api/", "granted", 8, "tax for the checkout")),  # api/2
    ("22:08:30", API, doing("building", "tax", 20, next_action="prices.py")),
    ("22:12:00", TESTS, doing("testing", "checkout")),
    ("22:14:00", TESTS, ask(PRICES, "refused", 1, "a test beside it")),  # tests/3
    ("22:20:00", API, ask(PRICES, "waiting", 2, "add the tax", wait_s=3600)),  # api/4
    ("22:20:05", API, MessageSent(to=(WEB,), subject="prices.py", body="I wait: ten lines for the tax.")),  # api/5
    ("22:27:00", WEB, MessageRead(messages=(f"{API}/5",))),
    ("22:27:30", WEB, MessageSent(to=(API,), subject="Re: prices.py", body="Half an hour.", in_reply_to=f"{API}/5")),
    ("22:28:00", WEB, doing("building", "currency", 55, next_action="rounding")),
    ("22:29:00", API, MessageRead(messages=(f"{WEB}/5",))),
    ("22:40:03", TESTS, SessionPresumedDead(session=WEB, anchor=anchor(4202), evidence="its process 4202 is gone")),
    ("22:40:04", TESTS, doing("testing", "checkout", 40)),
    ("22:40:05", API, ClaimAccepted(claim=f"{API}/4", resource=PRICES)),
    ("22:40:30", API, doing("building", "tax in prices.py", 50, phase="BUILD")),
    ("23:02:00", API, doing("building", "tax in prices.py", 90, phase="BUILD")),
    ("23:04:00", API, ClaimReleased(claim=f"{API}/4")),
    ("23:04:30", API, MessageSent(to=EVERYONE, subject="Tax is in", body="prices.py has it from line 40 on; keep it.")),
    ("23:10:00", WEB, hello("web", 5202, "main")),  # its user started it again
    ("23:10:30", WEB, doing("building", "currency", 60, next_action="rounding")),
    ("23:25:00", WEB, doing("building", "currency", 90, phase="writing prices.py anew")),
    ("23:30:00", TESTS, MessageRead(messages=(f"{API}/11",))),
    ("23:31:00", TESTS, doing("testing", "checkout", 80)),
    ("23:40:00", WEB, SessionEnded(summary="prices in the visitor's currency", notes="all of prices.py is new")),
    ("23:44:00", TESTS, doing("testing", "checkout", 90, blocked_on="3 red tests: no tax")),
    ("23:50:00", API, ClaimRenewed(claim=f"{API}/2", ttl_s=8 * 3600)),
)  # fmt: skip


def journals() -> dict[str, bytes]:
    """Return the content of each journal, by session."""
    written: dict[str, bytes] = {}
    last: dict[str, tuple[int, bytes]] = {}
    for time, session, payload in NIGHT:
        hours, minutes, seconds = (int(part) for part in time.split(":"))
        at = add_time(_MIDNIGHT, hours * 3600 + minutes * 60 + seconds)
        n, previous = last.get(session, (0, NO_HASH))
        line, digest = encode_line(Event(v=VERSION, at=at, session=session, n=n + 1, payload=payload), previous)
        written[session], last[session] = written.get(session, b"") + line, (n + 1, digest)
    return written


def main() -> int:
    """Write the journals."""
    log = HERE / "log"
    log.mkdir(parents=True, exist_ok=True)
    for session, data in journals().items():
        (log / f"{session}.jsonl").write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
