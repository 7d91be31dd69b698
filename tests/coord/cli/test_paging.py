"""Long lists: `--limit` and `--before` show all of a list page by page, and the next page has an exact command."""

import json
import shlex

import pytest

from coord.cli.parser import Command
from coord.cli.registry import COMMANDS_BY_NAME, load_command
from tests.support.in_process import SimulatedMachine
from tests.support.processes import Result
from tests.support.repositories import Repo

LISTS = ("inbox --all", "claims", "log", "why port/1", "inbox --peek", "status", "diff {first}")
"""A command line of each list."""


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """A machine with seven messages and seven claims."""
    machine = SimulatedMachine(repo)
    machine.start(100)
    reader = machine.start(200, "--name", "reader")
    for number in range(1, 8):
        machine.wait(60)
        machine.run(100, "send", reader, f"number {number}", "--needs-ack")
        machine.run(100, "claim", "port", str(number))
        machine.run(100, "claim", "port/1")
        machine.run(100, "release", "port/1")
    return machine


def run(machine: SimulatedMachine, line: str) -> Result:
    """Run a command line as the reader; `{first}` in it is an event before all others."""
    first = next(row["id"] for row in machine.run(200, "status", "--json").json["sessions"] if row["name"] == "reader")
    return machine.run(200, *shlex.split(line.format(first=f"{first}/1")))


def pages(machine: SimulatedMachine, line: str) -> list[dict[str, object]]:
    """The documents of all pages, by the command that each names for the next."""
    found: list[dict[str, object]] = []
    while line:
        result = run(machine, line)
        assert result.code == 0, result
        found.append(result.json)
        line = str(found[-1]["next"]).removeprefix("coord ")
        assert len(found) < 20
    return found


def names(page: dict[str, object], field: str) -> list[str]:
    rows = page[field]
    assert isinstance(rows, list)
    return [row["id"] if "id" in row else row["cause"] for row in rows]


@pytest.mark.parametrize(
    ("line", "field"),
    [("inbox --all", "messages"), ("claims", "claims"), ("claims --at 5s", "claims"), ("why port/1", "story")],
)
def test_the_pages_of_a_list_are_the_whole_list(inside: SimulatedMachine, line: str, field: str) -> None:
    whole = names(run(inside, f"{line} --json --limit 1000").json, field)
    several = pages(inside, f"{line} --json --limit 3")
    assert len(several) == -(-len(whole) // 3)
    assert several[0]["older"] == len(whole) - 3
    assert several[-1]["older"] == 0
    assert sorted(name for page in several for name in names(page, field)) == sorted(whole)
    if line != "claims":
        assert [name for page in reversed(several) for name in names(page, field)] == whole


def test_the_pages_of_the_log_are_the_whole_log(inside: SimulatedMachine) -> None:
    whole = run(inside, "log --all --type claim").out.splitlines()
    line, seen = "log --type claim --limit 5", list[str]()
    while line:
        head, *rows = run(inside, line).out.splitlines()
        line = head.partition("coord ")[2]
        assert "--type claim" in line or not line
        seen = [*([] if line else [head]), *rows, *seen]
    assert seen == whole


def test_a_json_log_is_cut_only_if_asked(inside: SimulatedMachine) -> None:
    whole = run(inside, "log --json").out.splitlines()
    cut = run(inside, "log --json --limit 4")
    assert cut.out.splitlines() == whole[-4:]
    note = json.loads(cut.err)["note"]
    assert run(inside, note.partition("coord ")[2]).out.splitlines() == whole[-8:-4]


def test_a_limited_inbox_marks_only_what_it_printed_as_read(inside: SimulatedMachine) -> None:
    first = run(inside, "inbox --json --limit 2").json
    assert [row["subject"] for row in first["messages"]] == ["number 1", "number 2"]
    assert first["unread_left"] == 5
    second = run(inside, first["next"].removeprefix("coord ")).json
    assert [row["subject"] for row in second["messages"]] == ["number 3", "number 4"]
    rest = run(inside, "inbox --json").json
    assert [row["subject"] for row in rest["messages"]] == ["number 5", "number 6", "number 7"]
    assert (rest["unread_left"], rest["next"]) == (0, "")


def test_notices_count_as_left_too(inside: SimulatedMachine) -> None:
    for number in range(3):
        inside.run(200, "claim", f"deploy/{number}")
        inside.run(100, "break", f"deploy/{number}", "--reason", "a test")
    page = run(inside, "inbox --json --limit 2").json
    assert (len(page["notices"]), len(page["messages"]), page["unread_left"]) == (2, 2, 6)
    assert len(run(inside, "inbox --json").json["notices"]) == 1


def test_a_peek_names_the_command_that_shows_all(inside: SimulatedMachine) -> None:
    text = run(inside, "inbox --peek --limit 2").out
    assert "5 more unread: coord inbox --peek --limit 7" in text
    assert run(inside, "inbox --peek --limit 7").out.count("Subject:") == 7


def test_an_inbox_before_a_message_leaves_the_later_ones_unread(inside: SimulatedMachine) -> None:
    messages = run(inside, "inbox --peek --json").json["messages"]
    page = run(inside, f"inbox --json --before {messages[2]['id']}").json
    assert [row["subject"] for row in page["messages"]] == ["number 1", "number 2"]
    assert page["next"] == "coord inbox --json"
    assert run(inside, "inbox --json").json["messages"][0]["subject"] == "number 3"


@pytest.mark.parametrize("line", LISTS)
def test_every_list_has_a_limit_and_names_the_next_page(inside: SimulatedMachine, line: str) -> None:
    shown = run(inside, f"{line} --limit 2")
    assert shown.code == 0, shown
    assert "coord " + line.split()[0] in shown.out
    if line != "log":
        assert run(inside, f"{line} --limit 2 --json").json["next"].startswith("coord " + line.split()[0])


@pytest.mark.parametrize("line", ["inbox --all", "claims", "log", "why port/1", "inbox --peek"])
def test_before_takes_a_time_or_an_event(inside: SimulatedMachine, line: str) -> None:
    assert run(inside, f"{line} --before 1h").code == 0
    assert run(inside, f"{line} --before nobody/7").code == 2
    assert run(inside, f"{line} --before soon").code == 2
    assert run(inside, f"{line} --limit 0").code == 2


@pytest.mark.parametrize(
    "line",
    [
        "log --type claim --type message --limit 3 --all -- --text",
        "diff 90m 5m --limit 4",
        "inbox --session amber --limit 3 --json --root '/a b'",
        "why port 1",
    ],
)
def test_a_command_line_can_be_written_again(line: str) -> None:
    name, *words = shlex.split(line)
    command = load_command(name)
    values = command.parse_plain(words)
    assert values is not None
    again = command.words(values)
    assert command.parse_plain(again[1:]) == values


def test_lists_share_the_options() -> None:
    commands: list[Command] = [load_command(name) for name in COMMANDS_BY_NAME]
    limited = {each.name for each in commands if any("--limit" in parameter.flags for parameter in each.parameters)}
    assert limited >= {line.split()[0] for line in LISTS}
