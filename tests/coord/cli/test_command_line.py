"""The command line: help, examples, JSON output, exit codes and shell completion."""

import json
import re

import pytest

from coord.cli.registry import COMMAND_GROUPS
from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NAMES = [name for rows in COMMAND_GROUPS.values() for name in rows]
SHELLS = ["bash", "zsh", "fish"]


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


@pytest.mark.parametrize("kind", SHELLS)
def test_a_completion_script_is_printed_for_each_shell(bare_repo: Repo, kind: str) -> None:
    result = bare_repo.shell().run(f"_COORD_COMPLETE={kind}_source coord")
    assert result.code == 0
    assert "coord" in result.out
    assert "_COORD_COMPLETE" in result.out


def completed(shell: Shell, *words: str) -> set[str]:
    """The completions that bash gets for the last of `words`."""
    line = " ".join(words)
    out = shell.ok(f"_COORD_COMPLETE=bash_complete COMP_WORDS='{line}' COMP_CWORD={len(words) - 1} coord")
    return {found.split(",", 1)[1] for found in out.splitlines() if found}


def test_command_names_and_session_ids_are_completed(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    assert completed(one, "coord", "cla") == {"claim", "claims"}
    assert completed(one, "coord", "send", "") >= {first, second}
    assert completed(one, "coord", "send", second[:-1]) == {second}
    assert completed(one, "coord", "handoff", "droplet/x", second[:-1]) == {second}
    two.ok("coord end")
    assert completed(one, "coord", "send", second[:-1]) == set()


def test_the_value_of_the_session_option_is_completed(repo: Repo) -> None:
    (one, first), _ = repo.sessions(2)
    assert completed(one, "coord", "whoami", "--session", first[:-1]) == {first}


def test_completion_in_bash_works_without_a_log(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok('eval "$(_COORD_COMPLETE=bash_source coord)"; complete -p coord')
    words = shell.run("_COORD_COMPLETE=bash_complete COMP_WORDS='coord send x' COMP_CWORD=2 coord")
    assert (words.code, words.both.strip()) == (0, "")
