"""`coord replay`: the past step by step, as text, as JSON, and as a board on a terminal."""

import json
import re
from typing import Any

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.processes import Terminal
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Ada holds a file for a minute. Ben claims it after it has expired, works, and ends."""
    made = SimulatedMachine(repo)
    made.start(100, "--name", "ada")
    made.run(100, "claim", "file", "src/app.py", "--ttl", "1m")
    made.wait(120)
    made.start(200, "--name", "ben")
    for words in (("claim", "file", "src/"), ("heartbeat", "building", "the form"), ("end",)):
        made.wait(60)
        made.run(200, *words)
    return made


def steps(inside: SimulatedMachine, *words: str) -> list[Any]:
    found = inside.run(100, "replay", "--json", *words)
    assert found.code == 0, found
    return [json.loads(row) for row in found.out.splitlines()]


def test_each_step_is_an_event_or_an_end_with_its_changes(inside: SimulatedMachine) -> None:
    text = inside.run(100, "replay").out
    events = [row for row in text.splitlines() if not row.startswith(" ")]
    assert [word in row for word, row in zip(
        ("starts", "asks for file/src/app.py", "time passes", "starts", "asks for file/src/", "the form", "ends"),
        events, strict=True,
    )] == [True] * 7  # fmt: skip
    assert re.search(r"time passes:\n    ~ .* unread notice.*\n    - file/src/app.py: .*: it expired\n", text)
    assert "~ ben: doing: building the form" in text
    assert "~ ben: live → ended" in text


def test_a_step_is_described_as_in_the_log(inside: SimulatedMachine) -> None:
    """A release names its claim by the resource, and changes do not repeat the id of their event."""
    inside.wait(60)
    inside.start(300, "--name", "cai")
    inside.run(300, "claim", "port", "8000")
    inside.run(300, "release", "port", "8000")
    replayed = inside.run(100, "replay", "--changes").out
    steps = [row for row in replayed.splitlines() if not row.startswith(" ") and "time passes" not in row]
    assert steps == inside.run(100, "log").out.splitlines()
    assert re.search(r"releases port/8000 \(\S+/2\)$", replayed, re.MULTILINE)
    assert re.search(r"\n    \+ port/8000: cai holds it · until", replayed)


def test_the_json_is_one_line_for_each_step(inside: SimulatedMachine) -> None:
    found = steps(inside)
    assert [row["step"] for row in found] == list(range(1, 8))
    assert [row["event"] is None for row in found] == [False, False, True, False, False, False, False]
    assert {"kind": "claim", "field": "resource", "old": "file/src/app.py", "new": None}.items() <= next(
        change for change in found[2]["changes"] if change["field"] == "resource"
    ).items()
    assert [row["at"] for row in found] == sorted(row["at"] for row in found)


PARTS = {
    (): 7,
    ("--from", "ada/2"): 5,
    ("--to", "ada/2"): 2,
    ("--from", "ben/1", "--to", "ben/3"): 2,
    ("--from", "3m"): 4,
    ("--from", "ben/4"): 0,
    ("--from", "-9h"): 7,
}


@pytest.mark.parametrize("words", PARTS, ids=" ".join)
def test_from_and_to_limit_the_steps(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    assert len(steps(inside, *words)) == PARTS[words]


STOPS = {
    ("--until-claim", "file/src/app.py"): 2,
    ("--until-claim", "file/src/other.py"): 5,  # ben's claim on the folder covers it
    ("--until-session", "ben", "live"): 4,
    ("--until-session", "ben", "ended"): 7,
    ("--from", "ada/2", "--until-claim", "file/src/app.py"): 5,  # not the claim that already exists
    ("--until-session", "ben", "ended", "--until-claim", "file/src/other.py"): 5,
}


@pytest.mark.parametrize("words", STOPS, ids=" ".join)
def test_it_stops_at_the_first_step_that_meets_a_condition(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    found = steps(inside, *words)
    offset = 2 if "--from" in words else 0
    assert found[-1]["step"] + offset == STOPS[words]
    assert [bool(row["stopped"]) for row in found] == [False] * (len(found) - 1) + [True]
    assert inside.run(100, "replay", *words).out.splitlines()[-1].startswith("Stopped: ")


def test_a_condition_that_is_never_met_gives_exit_code_1(inside: SimulatedMachine) -> None:
    found = inside.run(100, "replay", "--until-session", "ada", "dead")
    assert (found.code, found.err.count("\n"), "ada is dead" in found.err) == (1, 1, True)
    assert "ends" in found.out


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "soon"),
        ("--from", "1m", "--to", "2m"),
        ("--until-session", "cai", "dead"),
        ("--until-session", "ada", "asleep"),
        ("--until-claim", "../outside.py"),
        ("--changes", "--speed", "2"),
        ("--speed", "0"),
        ("--to", "-9h"),
    ],
)
def test_invalid_options_are_refused_in_one_line(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    found = inside.run(100, "replay", *words)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


def test_an_empty_log_and_a_damaged_one_answer(inside: SimulatedMachine, repo: Repo) -> None:
    ada = next(path for path in repo.log.glob("*.jsonl") if b'"name":"ada"' in path.read_bytes())
    ada.write_bytes(ada.read_bytes().replace(b"src/app.py", b"src/apq.py"))
    found = inside.run(100, "replay")
    assert (found.code, "damaged at line 2" in found.err) == (0, True)
    assert "the form" in found.out
    for path in repo.log.glob("*.jsonl"):
        path.unlink()
    (repo.folder / ".cache" / "checkpoint").unlink()
    found = inside.run(100, "replay")
    assert (found.code, found.out, "no events yet" in found.err) == (0, "", True)


def test_replay_ends_quietly_when_the_pipe_closes(inside: SimulatedMachine) -> None:
    for number in range(300):
        inside.run(200, "heartbeat", "step", str(number))
    result = inside.repo.shell().run("set -o pipefail; coord replay | head -3; echo ${PIPESTATUS[0]}")
    assert (len(result.out.splitlines()), result.out.splitlines()[-1], result.err) == (4, "0", "")


# --- on a terminal --------------------------------------------------------------------------------------------------


@pytest.fixture
def window(inside: SimulatedMachine) -> Terminal:
    """A terminal in the repository."""
    made = inside.repo.terminal()
    made.resize(120, 40)
    return made


def board(screen: str) -> str:
    """Return the part of the screen below the step."""
    return screen.split("─\n", 1)[1]


def test_a_step_forwards_and_back_gives_the_same_board(window: Terminal) -> None:
    window.begin("coord replay")
    seen = [board(window.sees(" 1 of 6 "))]
    for key, after in (("Right", "2 of 6"), ("n", "time passes"), ("Space", "3 of 6"), ("Right", "4 of 6")):
        window.press(key)
        seen.append(board(window.sees(after)))
    assert len(set(seen)) == 5
    for expected, (key, after) in zip(
        reversed(seen[:-1]),
        (("Left", "3 of 6"), ("p", "time passes"), ("Left", "asks for file/src/app.py"), ("Left", " 1 of 6 ")),
        strict=True,
    ):
        window.press(key)
        assert board(window.sees(after)) == expected
    window.press("q")


def test_keys_for_the_ends_pages_and_help_work(window: Terminal) -> None:
    window.begin("coord replay")
    window.sees(" 1 of 6 ")
    window.press("End")
    assert "» the end" in window.sees(" 6 of 6 ")
    window.press("Right")
    window.sees(" 6 of 6 ", "» the end")
    window.press("PPage")
    window.sees(" 0 of 6 ", "before the first step")
    window.press("NPage")
    window.sees(" 6 of 6 ")
    window.press("Home")
    window.sees(" 0 of 6 ")
    window.press("?")
    window.sees("KEYS", "any key goes back")
    window.press("x")
    window.sees("ACTIVE SESSIONS", " 0 of 6 ")


def test_it_plays_at_a_speed_and_pauses(window: Terminal) -> None:
    window.begin("coord replay --speed 100000")
    window.sees(" 6 of 6 ", "» the end", "⏸")
    window.press("Home", "a")
    window.sees(" 6 of 6 ", "⏸")


def test_it_begins_at_the_condition_and_f_finds_the_next(window: Terminal) -> None:
    window.begin("coord replay --until-claim file/src/app.py")
    window.sees("» a claim on file/src/app.py is granted", " 2 of 6 ")
    window.press("f")
    window.sees(" 4 of 6 ", "asks for file/src/")
    window.press("f")
    window.sees(" 6 of 6 ", "not found up to the end")


def test_a_low_and_narrow_window_shows_the_step_and_the_board(window: Terminal) -> None:
    window.resize(40, 12)
    window.begin("coord replay --from ada/2")
    window.sees("before the", "ACTIVE SESSIONS", "0 of 4")
    window.press("Right")
    window.sees("time passes")
    window.resize(120, 30)
    window.sees("→ next · ← back · ? keys · q quits", "it expired")
    window.quit()
    assert window.run("echo the end").code == 0


def test_changes_prints_text_even_on_a_terminal(window: Terminal) -> None:
    result = window.run("coord replay --changes")
    assert result.code == 0
    assert "time passes:" in result.out
