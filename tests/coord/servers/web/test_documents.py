"""The moment document has the texts of `coord status` and `coord claims`, and is bounded."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coord.engine.board import board_of
from coord.engine.history.moments import Moments
from coord.render.board.text import ROWS
from coord.render.styled import Row, Section, plain_text
from coord.servers.web.documents import MAX_CLAIMS, Viewer, moment_document
from coord.workspace.config import Config
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from eventlog.events import add_time
from projections.rules.state import State
from projections.views.board import build_board
from tests.property.test_recent_history import rich_histories
from tests.support.histories import GAPS_S, journals_of
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.journals import lines_of
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo

ZONE = "America/New_York"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository for many examples, in a zone that is not UTC."""
    root = tmp_path_factory.mktemp("repo")
    (root / "COORDINATION" / "log").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        yield root
    time.tzset()


def run(folder: Path, *words: str) -> str:
    env = environment(folder / "home", TZ=ZONE)
    done = subprocess.run([COORD, *words], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def text_of(sections: list[dict[str, Any]]) -> str:
    """The plain text of the sections of a document."""
    made = [
        Section(section["head"], [msgspec.convert(row, Row, strict=False) for row in section["rows"]])
        for section in sections
    ]
    return plain_text(made)


def document_at(folder: Path, text: str, step: int = 0) -> dict[str, Any]:
    """The document as a page receives it."""
    system = real_system().at(str(folder))
    workspace = find_workspace(system, None)
    with Moments(system, workspace).at(text, step) as snapshot:
        board = board_of(system, Config(), snapshot, snapshot.now, most=ROWS)
        made = moment_document(board, snapshot.state, Viewer(folder="repo"), live=False)
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return found


@pytest.mark.slow
@settings(max_examples=8)
@given(data=st.data())
def test_a_moment_says_what_the_commands_say(folder: Path, data: st.DataObject) -> None:
    events = data.draw(rich_histories())
    shared = folder / "COORDINATION"
    shutil.rmtree(shared)
    os.makedirs(shared / "log")
    for name, journal in journals_of(events).items():
        (shared / "log" / f"{name}.jsonl").write_bytes(b"".join(lines_of(journal)))
    for event in data.draw(st.lists(st.sampled_from(events), min_size=1, max_size=3)):
        at = data.draw(st.sampled_from((event.id, *(add_time(event.at, gap) for gap in (0, *GAPS_S)))))
        found = document_at(folder, at)
        assert text_of(found["board"]) == run(folder, "status", "--at", at)
        assert text_of(found["claims"]) == run(folder, "claims", "--at", at)


def moment(machine: SimulatedMachine, me: str = "", at: str = "") -> dict[str, Any]:
    system = machine.system(100, {})
    with Moments(system, find_workspace(system, None)).at(at) as snapshot:
        board = board_of(system, Config(), snapshot, snapshot.now, most=ROWS)
        return moment_document(board, snapshot.state, Viewer(me, "repo"), live=not at)


def test_a_row_names_what_it_is_about(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first, second = machine.start(100, "--name", "one"), machine.start(200, "--name", "two")
    machine.each_minute(
        (100, ("claim", "droplet", "x")),
        (200, ("send", first, "Question", "How?", "--needs-ack", "--urgency", "high")),
        (200, ("heartbeat", "waiting", "--blocked-on", "a review")),
    )
    found = moment(machine, second)
    abouts = {section["head"]: [row["about"] for row in section["rows"]] for section in found["board"]}
    message = f"{second}/2"
    assert abouts["🟢 ACTIVE SESSIONS"] == [first, second]
    assert abouts["🔒 ACTIVE CLAIMS"] == ["droplet/x"]
    assert abouts["📨 RECENT MESSAGES"] == [message]
    assert [about for about in abouts["⚠️  COORDINATION NEEDED"] if about] == [message, second]
    assert found["me"] == {"session": second, "name": "two"}
    assert found["names"] == {first: "one", second: "two"}
    assert [need["kind"] for need in found["needs"]] == ["unacknowledged", "blocked"]
    assert all(need["id"] and need["actions"] for need in found["needs"])
    past = moment(machine, second, machine.now)
    assert [need["id"] for need in past["needs"]] == [need["id"] for need in found["needs"]]
    assert not any(need["actions"] or need["steps"] for need in past["needs"])


def test_a_message_is_for_its_recipients(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first, second, third = (machine.start(pid) for pid in (100, 200, 300))
    machine.each_minute((100, ("send", second, "One", "Text")), (100, ("send", "everyone", "Two", "Text")))
    for me, expected in ((first, [False, False]), (second, [True, True]), (third, [True, False])):
        rows = moment(machine, me)["messages"]
        assert [row["subject"] for row in rows] == ["Two", "One"]
        assert [row["for_me"] for row in rows] == [row["unread"] for row in rows] == expected


def test_a_list_of_claims_is_bounded(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    system = machine.system(100, {})
    with Moments(system, find_workspace(system, None)).at() as snapshot:
        state = snapshot.state
        assert machine.run(100, "claim", "droplet", "x").code == 0
    with Moments(system, find_workspace(system, None)).at() as snapshot:
        state = snapshot.state
        (claim,) = state.claims.values()
    for number in range(MAX_CLAIMS + 5):
        other = msgspec.structs.replace(claim, id=f"{session}/{number + 10}", resource=f"droplet/{number:04}")
        state.claims[other.id] = other
    found = moment_document(build_board(state, machine.now, 600, {}, most=ROWS), state, Viewer(), live=True)
    rows = found["claims"][0]["rows"]
    assert len(rows) == MAX_CLAIMS + 1
    assert "".join(text for text, _ in rows[-1]["text"]) == "… and 6 more: coord claims --limit 206"


def test_an_empty_log_has_a_document() -> None:
    board = build_board(State(), NOON, 600, {}, most=ROWS)
    found = moment_document(board, State(), Viewer(), live=True)
    assert (found["event"], found["me"], found["next_change"]) == ("", None, "")
    assert text_of(found["claims"]) == "No claims."
