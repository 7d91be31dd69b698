"""Hostile text from another session, wherever it is shown (docs/explanation/security.md).

In every view, escape sequences, invisible characters and characters that change the direction of text are shown in an
escaped form; on the board, markup has no effect.
"""

import json
import re

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

HOSTILE = {
    "escapes": "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1m",
    "directions": "\u202egpj.exe\u2066hidden\u2069\u200b",
    "lines": "a\r\nb\u2028c\x85d\x0be\x0cf",
    "markup": "](http://evil) <script>x</script> | # *b* `c` ![i](http://evil/i.png)",
}
VIEWS = (
    "status", "board", "claims", "log", "inbox --peek", "report", "report --markdown", "why droplet mine", "whoami",
    "doctor", "verify", "timeline", "claim droplet mine",
)  # fmt: skip

JSON_VIEWS = set(VIEWS) - {"report --markdown"}


def repository_with(repo: Repo, text: str) -> SimulatedMachine:
    """A repository in which a session has written a text into every possible field."""
    machine = SimulatedMachine(repo)
    machine.start(100, "--name", "honest")
    second = machine.start(200)
    machine.run(100, "send", second, text, "--body", text, "--urgent", "--ack")
    for command in (
        ("claim", "droplet", "mine", "--note", text),
        ("heartbeat", text, text, "--next", text, "--blocked-on", text),
        ("claim", "droplet", text),
        ("send", "broadcast", text, text),
    ):
        machine.run(100, *command)
    return machine


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_shown_escaped(repo: Repo, name: str) -> None:
    machine = repository_with(repo, HOSTILE[name])
    obeyed = set("\x1b\x07\x9b\u202e\u2066\u2069\u200b\r\u2028\x85\x0b\x0c")
    for command in VIEWS:
        result = machine.run(200, *command.split())
        assert result.code in range(5), command
        assert not obeyed & set(result.both), (command, result.both)
        if command in JSON_VIEWS:
            result = machine.run(200, *command.split(), "--json")
            assert not obeyed & set(result.both), (command, result.both)
    board = (repo.folder / "STATUS_BOARD.md").read_text()
    assert not obeyed & set(board), board


def test_json_output_keeps_the_exact_text(repo: Repo) -> None:
    everything = "".join(HOSTILE.values()) + "\U000e0041"
    machine = repository_with(repo, everything)
    said = [json.loads(text)["event"] for text in machine.run(200, "log", "--json").out.splitlines()]
    assert everything in [event.get("body") for event in said]
    assert everything in [message["body"] for message in machine.run(200, "inbox", "--peek", "--json").json["messages"]]


def test_hostile_text_is_not_markup_on_the_board(repo: Repo) -> None:
    repository_with(repo, HOSTILE["markup"])
    board = (repo.folder / "STATUS_BOARD.md").read_text()
    assert "http://evil" in board
    for live in ("<script", "](http", "[i", "*b", "`c"):
        assert not re.search(r"(?<!\\)" + re.escape(live), board), live
