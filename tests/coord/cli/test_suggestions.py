"""Mistyped commands and options, and missing arguments: the answer is the command line to type instead."""

import shlex

import pytest

from coord.cli.registry import COMMANDS_BY_NAME
from coord.cli.suggestions import _WORDS_FOR_COMMANDS, _WORDS_FOR_OPTIONS
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

COMMANDS = {
    "unclaim droplet x": "coord release droplet x",
    "unlock": "coord release",
    "lock file 'a b.py'": "coord claim file 'a b.py'",
    "msg ben hi": "coord send ben hi",
    "message": "coord send",
    "broadcast hi": "coord send broadcast hi",
    "who": "coord status",
    "ps": "coord status",
    "ls": "coord status or coord claims",
    "list": "coord status or coord claims",
    "stats": "coord status",
    "stat": "coord status",
    "clam x": "coord claim x",
    "Release x": "coord release x",
    "logs": "coord log",
    "sta": "coord start",
    "help unclaim": "coord release --help",
    "version": "coord --version",
}
OPTIONS = {
    "status --sesion x": "did you mean: --session",
    "status --foo": "coord status has: --limit, --at, --session, --root, --json",
    "claim droplet x --hours 3": "did you mean: --ttl",
    "claim droplet x --message hi": "did you mean: --note",
    "break droplet x --because y": "did you mean: --reason",
    "claims --my": "did you mean: --mine",
    "send x y --urgent": "did you mean: --urgency high",
    "log --count 5": "did you mean: --limit",
    "whoami --note x": "coord whoami has: ",
}
MISSING = {
    "claim": "coord claim needs RESOURCE. For example: coord claim file src/app.py --note",
    "renew": "For example: coord renew file src/app.py 2",
    "release": "For example: coord release file src/app.py",
    "send": 'coord send needs TO and SUBJECT. For example: coord send broadcast "SPECS complete"',
    "reply hello": "coord reply needs MESSAGE and BODY. For example: coord reply amber-otter-k3f9/17",
    "completion": "coord completion needs SHELL. For example: coord completion bash",
    "ack": "coord ack needs MESSAGE. For example: coord ack amber-otter-k3f9/17",
    "break droplet x": "coord break needs --reason. For example: coord break file/src/app.py --reason",
}


WORDS = {
    "start cai": "coord start --name cai",
    "end cai": "coord end --session cai",
    "status 18:00": "coord status --at 18:00",
    "report 8h": "coord report --since 8h",
}


@pytest.mark.parametrize("typed", WORDS)
def test_a_word_without_its_option_is_answered_with_the_option(repo: Repo, typed: str) -> None:
    result = SimulatedMachine(repo).run(100, *shlex.split(typed))
    word = typed.split()[1]
    assert (result.code, result.err) == (2, f"coord: '{word}' needs an option; did you mean: {WORDS[typed]}\n")


@pytest.mark.parametrize("typed", COMMANDS)
def test_an_unknown_command_is_answered_with_the_right_one(repo: Repo, typed: str) -> None:
    result = SimulatedMachine(repo).run(100, *shlex.split(typed))
    word = typed.removeprefix("help ").split()[0]
    assert (result.code, result.out) == (2, "")
    assert result.err == f"coord: there is no command '{word}'; did you mean: {COMMANDS[typed]}\n"


@pytest.mark.parametrize("typed", ["foo", "hok", "hooks", "git-hok", "x"])
def test_a_word_that_resembles_no_command_gets_no_suggestion(repo: Repo, typed: str) -> None:
    result = SimulatedMachine(repo).run(100, typed)
    assert (result.code, result.err) == (2, f"coord: there is no command '{typed}'. See: coord --help\n")


@pytest.mark.parametrize("typed", OPTIONS)
def test_an_unknown_option_is_answered_with_one_that_exists(repo: Repo, typed: str) -> None:
    result = SimulatedMachine(repo).run(100, *shlex.split(typed))
    assert (result.code, result.out) == (2, "")
    assert "there is no option '--" in result.err
    assert OPTIONS[typed] in result.err


@pytest.mark.parametrize("typed", MISSING)
def test_a_missing_argument_is_answered_with_an_example(repo: Repo, typed: str) -> None:
    result = SimulatedMachine(repo).run(100, *shlex.split(typed))
    assert (result.code, result.out) == (2, "")
    assert MISSING[typed] in result.err


def test_help_prints_the_help_of_coord_or_of_a_command(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    assert machine.run(100, "help").out == machine.run(100, "--help").out
    assert machine.run(100, "help", "help").out == machine.run(100, "--help").out
    assert machine.run(100, "help", "claim").out == machine.run(100, "claim", "--help").out


def test_the_suggested_commands_and_options_exist() -> None:
    names = {name.partition(" ")[0] for name in _WORDS_FOR_COMMANDS} - {"--version"}
    assert names <= COMMANDS_BY_NAME.keys()
    words = {word for others in _WORDS_FOR_COMMANDS.values() for word in others.split()}
    assert not words & COMMANDS_BY_NAME.keys(), "these are commands"
    assert all(option.startswith("--") for option in _WORDS_FOR_OPTIONS)


@pytest.mark.parametrize(("typed", "extra"), [("send ben hi and more words", "more words"), ("log stripe key", "key")])
def test_words_without_quotation_marks_are_answered(repo: Repo, typed: str, extra: str) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    result = machine.run(100, *typed.split())
    assert (result.code, result.out) == (2, "")
    assert f"does not expect these words: {extra}. Put a text of several words between quotation marks." in result.err
    assert f"For example: coord {typed.split()[0]} " in result.err
