"""The law of the two ways to read a command line: what the plain way takes, it takes as click does."""

import shlex
import subprocess
import sys

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.options import argument, command, option
from coord.run import Run
from coord.table import TABLE, load
from coord.usage import as_click

WORDS = ["", "-", "--", "a", "-x", "-1", "--no", "-90m", "file/a b", "=", "--=x", "high", "3", "--help", "-h", "--j"]
PLAIN = [
    "heartbeat building church-guidance 'BUILD - landing page' 25% 'intake form'",
    "heartbeat",
    "heartbeat testing api --file src/api.py --file=b --eta 45m --json",
    "claim file src/app.py --note --help",
    "claim droplet x 4 --wait=10m --shared",
    "send --urgency high someone 'a subject' 'a body'",
    "release -- file -x",
    "renew deploy/production 2",
    "status --at -90m",
    "inbox --peek --session amber",
    "board --write --root x",
    "claims",
    "diff -90m -30m",
]


@pytest.mark.parametrize("name", TABLE)
@given(st.data())
def test_what_is_read_plainly_is_what_click_reads(name: str, data: st.DataObject) -> None:
    declared = load(name)
    flags = [flag for parameter in declared.parameters for flag in parameter.flags]
    some = st.sampled_from(WORDS + flags + [f"{flag}=a" for flag in flags] + [f"{flag}=high" for flag in flags])
    words = data.draw(st.lists(some, max_size=6))
    values = declared.plainly(words)
    if values is not None:
        assert values == as_click(declared).make_context(name, list(words)).params


@pytest.mark.parametrize("line", PLAIN)
def test_what_agents_type_is_plain(line: str) -> None:
    name, *words = shlex.split(line)
    assert load(name).plainly(words) == as_click(load(name)).make_context(name, list(words)).params


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["a", "--nope"],
        ["--json=1", "a"],
        ["a", "--note"],
        ["a", "b"],
        [],
        ["a", "--many", "3"],
        ["a", "--kind", "z"],
    ],
    ids=" ".join,
)
def test_what_is_not_certain_is_clicks(words: list[str]) -> None:
    @command("try")
    @argument("one")
    @option("--note")
    @option("--many", type=int)
    @option("--kind", choices=("x", "y"))
    def declared(run: Run) -> None:
        """Nothing."""

    assert declared.plainly(words) is None
    if words not in (["--help"], ["-h"], ["a", "--many", "3"]):
        with pytest.raises(click.UsageError):
            as_click(declared).make_context("try", list(words))


def test_what_must_be_said_is_missed() -> None:
    assert load("break").plainly(["file", "x"]) is None
    assert load("break").plainly(["file", "x", "--reason", "y"]) is not None


def test_a_plain_command_line_loads_no_click() -> None:
    script = (
        "import sys\nfrom coord.cli import run\nfrom coord.world import real_world\n"
        "run(['status', '--root', '/'], real_world())\nprint('click' in sys.modules)\n"
        "run(['status', '--roof'], real_world())\nprint('click' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
