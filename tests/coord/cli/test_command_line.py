"""The command line: help, examples, JSON output and exit codes."""

import json
import re

import pytest

from coord.cli.registry import COMMAND_GROUPS
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NAMES = [name for rows in COMMAND_GROUPS.values() for name in rows]


def test_coord_without_a_command_prints_the_help(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    alone = shell.run("coord")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out == shell.ok("coord --help")
    for name in NAMES:
        assert re.search(rf"^  {name} +\S", alone.out, re.MULTILINE), name
    assert re.match(r"coord, version \d", shell.ok("coord --version"))


@pytest.mark.parametrize("name", NAMES)
def test_every_help_has_an_example_and_the_json_option(bare_repo: Repo, name: str) -> None:
    shell = bare_repo.shell()
    result = shell.run(f"coord {name} --help")
    assert (result.code, result.err) == (0, "")
    assert re.search(r"Examples?:\n", result.out)
    assert re.search(rf"^ +(\S.*)?coord {name}\b", result.out.split("Example")[1], re.MULTILINE)
    assert "--json" in result.out
    assert "\\b" not in result.out
    assert max(len(line) for line in result.out.splitlines()) <= 90


def test_every_command_prints_one_json_document(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    sent = two.json(f"coord send {first} Hello --needs-ack")["message"]
    one.ok("coord claim droplet z; coord claim droplet w")
    for command in (
        "start",
        "whoami",
        "heartbeat a b c 25% d --file x.py --eta 45m --blocked-on nothing",
        "claim droplet x 2",
        "claim droplet x",
        "claims",
        "claims x.py",
        "renew droplet x 3",
        f"handoff droplet x {second}",
        "release droplet z",
        "send broadcast Hello there",
        "inbox --peek",
        "inbox",
        "inbox --all",
        f"inbox {sent}",
        f"ack {sent}",
        f"reply {sent} yes",
        "break droplet x --reason test",
        "status",
        "board",
        "board --write",
        "init",
        "end --summary done",
    ):
        result = one.run(f"coord {command} --json")
        assert (result.code, result.err) == (0, ""), (command, result)
        document = json.loads(result.out)
        assert isinstance(document, dict), command
        assert result.out.endswith("}\n")


def test_the_json_of_a_change_names_the_acting_session(repo: Repo) -> None:
    one, session = repo.sessions(1)[0]
    for command in (
        "heartbeat a b",
        "claim droplet x",
        "renew droplet x",
        "send broadcast x",
        "release droplet x",
        "end",
    ):
        assert one.json(f"coord {command}")["session"] == session, command


def test_output_to_a_pipe_has_no_escape_sequences(repo: Repo) -> None:
    one, _ = repo.sessions(1)[0]
    for command in ("status", "--help", "claim droplet x", "inbox", "board"):
        assert "\x1b" not in one.run(f"coord {command}").both
