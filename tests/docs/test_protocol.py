"""The examples on the protocol page are correct: the fold gives the outcome that each row of a table states.

`python -m tests.docs.test_protocol` writes the outcomes and the example journal into the page; check the changes.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    VERSION,
    Anchor,
    AnyPayload,
    ClaimRequested,
    Event,
    Instant,
    SessionStarted,
    add_time,
    to_micros,
)
from eventlog.order import merge
from eventlog.scanning import Position, scan
from projections.rules.claims import is_token_valid
from projections.rules.cycles import wait_cycles
from projections.rules.fold import as_of, fold
from projections.rules.resources import overlap
from projections.rules.state import Decision, State

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "protocol.md"
SESSIONS = ("amber", "brook", "coral")
_DAY, _BEGIN = "2026-11-22T", "2026-11-22T09:59:00.000000Z"
_EVENT_HEADS = ["at", "session", "event", "outcome"]
_PAIR_HEADS = ["one claim", "another claim", "conflict"]


class Row(NamedTuple):
    """A row of an example."""

    at: Instant
    session: str
    event: str
    outcome: str


# --- the page -------------------------------------------------------------------------------------------------------


def rules(page: str) -> dict[str, list[list[str]]]:
    """The table of each rule, by heading, as rows of cells. The first row has the column heads."""
    found = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        title, body = section.split("\n", 1)
        table = [line for line in body.split("\n## ")[0].splitlines() if line.startswith("|")]
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
        found[title] = [row for row in cells if set("".join(row)) != {"-", " "} and set("".join(row)) != {"-"}]
    return found


def guard_rows(table: list[list[str]]) -> list[Row]:
    return [Row(f"{_DAY}{at}.000000Z", *rest) for at, *rest in table[1:]]


TABLES = rules(PAGE.read_text(encoding="utf-8"))
STORIES = {title: guard_rows(table) for title, table in TABLES.items() if table[0] == _EVENT_HEADS}


# --- running an example ---------------------------------------------------------------------------------------------


def beginning() -> list[Event]:
    """The first event of every session."""
    return [
        Event(
            v=VERSION,
            at=add_time(_BEGIN, number),
            session=name,
            n=1,
            payload=SessionStarted(machine="here", anchor=_anchor(4001 + number)),
        )
        for number, name in enumerate(SESSIONS)
    ]


def events_of(rows: list[Row]) -> Iterator[tuple[Row, Event | None]]:
    """The rows of an example, each with its event, or None."""
    numbers = dict.fromkeys(SESSIONS, 1)
    for row in rows:
        if not row.session:
            yield row, None
            continue
        numbers[row.session] += 1
        payload = payload_of(row.event)
        yield row, Event(v=VERSION, at=row.at, session=row.session, n=numbers[row.session], payload=payload)


def payload_of(text: str) -> AnyPayload:
    """Parse the event of an example: its type, and fields as `name=value`."""
    kind, *words = shlex.split(text)
    fields: dict[str, Any] = {"type": kind}
    if kind == "claim.requested":
        fields |= {"mode": "exclusive", "ttl_s": 3600}
    for word in words:
        name, value = word.split("=", 1)
        if name in ("to", "messages") and kind.startswith("message.") and value != "everyone":
            fields[name] = value.split(",")
            continue
        fields[name] = int(value) if name.endswith("_s") else value if value != "true" else True
    for name in fields.keys() & {"anchor", "waiter"}:
        fields[name] = _anchor(int(fields[name]))
    return msgspec.convert(fields, AnyPayload)  # type: ignore[no-any-return]


def _anchor(pid: int) -> Anchor:
    return Anchor(machine="here", boot="today", pid=pid, start_ticks=1)


def outcomes(rows: list[Row]) -> list[str]:
    """The outcome of each row, computed with the fold."""
    state, said = fold(State(), beginning()), []
    for row, event in events_of(rows):
        decisions: list[Decision] = []
        if event:
            fold(state, [event], decisions.append)
        else:
            as_of(state, row.at, decisions.append)
        silent = [decision for decision in decisions if decision.at != row.at]
        assert not silent, f"the page does not show {silent[0]}, before {row.at}"
        if row.event.startswith("?"):
            question, *names = row.event[1:].split()
            said.append(_ANSWERS[question](state, *names))
        else:
            said.append("; ".join(map(_words, decisions)) or "nothing")
    return said


def _words(decision: Decision) -> str:
    others = ", ".join(decision.others)
    what = decision.what.replace("_", " ")
    if decision.what in ("waiting", "refused", "void") and others:
        what += f", behind {others}"
    elif decision.what == "handed_over":
        what += f", now {others}"
    elif decision.what == "renewed" and decision.claim not in decision.others:
        return f"{others} {what} (rule {decision.rule})"
    return f"{decision.claim} {what} (rule {decision.rule})"


def _holder(state: State, resource: str) -> str:
    return (
        ", ".join(f"{c.session}, by {c.id}" for c in state.claims.values() if overlap(c.resource, resource)) or "nobody"
    )


def _notices(state: State, session: str) -> str:
    words = []
    for notice in state.sessions[session].notices:
        other = f" ({notice.other})" if notice.other else ""
        reason = f": {notice.reason}" if notice.reason else ""
        words.append(f"{notice.kind.replace('_', ' ')} {', '.join(notice.resources)}{other}{reason}")
    return "; ".join(words) or "none"


_ANSWERS: dict[str, Callable[..., str]] = {
    "holder": _holder,
    "notices": _notices,
    "circles": lambda state: "; ".join(" → ".join((*circle, circle[0])) for circle in wait_cycles(state)) or "none",
    "token": lambda state, claim: str(state.claims[claim].token),
    "valid": lambda state, claim, number: "yes" if is_token_valid(state, claim, int(number)) else "no",
    "status": lambda state, session: state.sessions[session].status,
    "owing": lambda state, message: ", ".join(sorted(state.messages[message].unacknowledged_by)) or "nobody",
    "crossed": lambda state, message: ", ".join(state.messages[message].crosses) or "none",
    "unread": lambda state, session: ", ".join(state.sessions[session].unread) or "none",
}


def conflicts(one: str, another: str) -> str:
    """Whether two claims conflict: whether the fold refuses the second request."""
    told: list[str] = []
    events = beginning()
    for number, text in enumerate((one, another)):
        session, resource, *fields = text.split()
        payload = payload_of(" ".join([f"claim.requested resource={resource} told=granted", *fields]))
        assert isinstance(payload, ClaimRequested)
        n = 1 + sum(event.session == session for event in events)
        events.append(Event(v=VERSION, at=add_time(_BEGIN, 60 + number), session=session, n=n, payload=payload))
    fold(State(), events, lambda decision: told.append(decision.what))
    assert told[0] == "granted"
    return "yes" if told[1] == "refused" else "no"


# --- the tests ------------------------------------------------------------------------------------------------------


def test_every_rule_has_an_example() -> None:
    titles = dict.fromkeys(title.split(":")[0] for title in TABLES)
    assert list(titles) == [*(f"Rule {n}" for n in range(1, 10)), "Messages"]
    assert all(table[0] in (_EVENT_HEADS, _PAIR_HEADS) and len(table) > 3 for table in TABLES.values())


@pytest.mark.parametrize("row", TABLES["Rule 1: conflict"][1:], ids=lambda row: f"{row[0]} / {row[1]}")
def test_pairs_of_claims_conflict_as_the_page_says(row: list[str]) -> None:
    assert conflicts(row[0], row[1]) == row[2]
    if row[0].split()[0] != row[1].split()[0]:
        assert conflicts(row[1], row[0]) == row[2]


@pytest.mark.parametrize("title", STORIES)
def test_an_example_has_the_outcomes_on_the_page(title: str) -> None:
    rows = STORIES[title]
    assert [row.outcome for row in rows] == outcomes(rows)


@pytest.mark.parametrize("title", [title for title in STORIES if title.startswith("Rule")])
def test_an_example_shows_its_rule(title: str) -> None:
    number = title.split()[1].rstrip(":")
    shown = any(f"(rule {number})" in row.outcome for row in STORIES[title])
    assert shown or any(row.event.startswith(("? circles", "? valid")) for row in STORIES[title])


@pytest.mark.parametrize("title", STORIES)
def test_the_order_of_the_journals_changes_nothing(title: str) -> None:
    events = beginning() + [event for _, event in events_of(STORIES[title]) if event]
    journals = [[event for event in events if event.session == name] for name in SESSIONS]
    states = [fold(State(), merge(order)) for order in permutations(journals)]
    assert all(state == states[0] for state in states)


def test_the_example_journal_verifies() -> None:
    block = re.search(r"```jsonl\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    events, position = scan("amber-otter-k3f9", block[1].encode(), Position())
    assert len(events) == position.lines == 2
    assert not position.damage


def test_the_token_is_the_instant_of_the_grant() -> None:
    rows = STORIES["Rule 7: tokens"]
    asked = next(row for row in rows if row.event.startswith("? token"))
    assert asked.outcome == str(to_micros(rows[0].at))


# --- writing --------------------------------------------------------------------------------------------------------


def _journal() -> str:
    first = SessionStarted(
        name="frontend", machine="5d1e0c7a9b3f2468", folder="/home/you/shop/COORDINATION", branch="main"
    )
    second = ClaimRequested(
        resource="file/src/app.py", mode="exclusive", ttl_s=14400, told="granted", note="landing page"
    )
    lines, previous = [], NO_HASH
    payloads: list[tuple[str, AnyPayload]] = [("11:19:58.004117", first), ("11:20:06.123456", second)]
    for n, (at, payload) in enumerate(payloads, 1):
        event = Event(v=VERSION, at=f"{_DAY}{at}Z", session="amber-otter-k3f9", n=n, payload=payload)
        line, previous = encode_line(event, previous)
        lines.append(line.decode())
    return "".join(lines)


def write() -> None:
    """Write the current outcomes and the example journal into the page."""
    page = PAGE.read_text(encoding="utf-8")
    page = re.sub(r"(```jsonl\n).*?(```)", lambda found: found[1] + _journal() + found[2], page, flags=re.DOTALL)
    parts = re.split(r"(?=^### )", page, flags=re.MULTILINE)
    for number, part in enumerate(parts):
        title = part.split("\n")[0].removeprefix("### ")
        said = iter(outcomes(STORIES[title]) if title in STORIES else ())
        lines = part.split("\n")
        for index, line in enumerate(lines):
            if title in STORIES and re.match(r"\| \d\d:", line):
                cells = [cell.strip() for cell in line.split("|")[1:-1]]
                lines[index] = "| " + " | ".join([*cells[:3], next(said)]) + " |"
        parts[number] = "\n".join(lines)
    PAGE.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    write()
