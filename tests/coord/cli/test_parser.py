"""The two parsers of command lines: where the plain parser gives values, click gives the same ones."""

import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.cli.click_adapter import as_click
from coord.cli.parser import Number, argument, command, option
from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.engine.run import Run
from tests.support.in_process import SimulatedMachine
from tests.support.processes import environment
from tests.support.repositories import Repo

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
    "log --last 5",
    "log --last=5 --all",
    "replay --speed 2.5 --until-session amber dead",
    "replay --until-session=amber dead",
    "renew deploy/production --token 1795346406123456",
]

SHORTEST = {
    "init": "init",
    "start": "start --name a",
    "heartbeat": "heartbeat building",
    "end": "end --summary done",
    "whoami": "whoami",
    "claim": "claim file x.py 2 --note why",
    "renew": "renew file x.py --token 1",
    "release": "release file x.py",
    "handoff": "handoff file x.py amber",
    "break": "break file x.py --reason why",
    "claims": "claims x.py",
    "send": "send broadcast subject body --urgency high",
    "reply": "reply amber-otter-k3f9/1 yes",
    "inbox": "inbox --peek",
    "ack": "ack amber-otter-k3f9/1",
    "resolve": "resolve amber-otter-k3f9/1",
    "status": "status",
    "board": "board",
    "watch": "watch --once",
    "web": "web --root /nowhere",
    "demo": "demo --root /",
    "log": "log --last 5",
    "why": "why file x.py",
    "diff": "diff -1h",
    "replay": "replay --changes",
    "report": "report --since -8h",
    "timeline": "timeline --json",
    "verify": "verify",
    "doctor": "doctor --root /",
    "install": "install nothing",
    "uninstall": "uninstall nothing",
    "archive": "archive --dry-run",
    "hook": "hook nobody",
    "notify": "notify",
    "completion": "completion bash",
    "git-hook": "git-hook nothing",
    "mcp": "mcp --root /nowhere",
    "import": "import /nowhere",
    "remote": "remote show",
    "sync": "sync --compact",
    "link": "link --status",
}
"""A plain command line of each command."""
NEEDS = {
    "notify": {"shutil"},
    "demo": {"shutil", "subprocess"},
    "doctor": {"shutil", "subprocess", "tomllib"},
    "git-hook": {"subprocess"},
    "install": {"difflib", "subprocess", "tomllib"},
    "log": {"difflib"},
    "replay": {"difflib"},
    "timeline": {"shutil"},
    "uninstall": {"difflib", "shutil", "subprocess", "tomllib"},
    "why": {"difflib"},
}
"""The modules that a command needs for its work, besides those that every command may load."""
NEGATIVE = {
    "log -5": "For the newest N events: coord log --last N.",
    "log --last -5": "'-5' is not a whole number of at least 1",
    "log --last=-5": "'-5' is not a whole number of at least 1",
    "replay -3": "To begin at a time: coord replay --from -90m.",
    "replay --speed -3": "'-3' is not a number above 0",
    "report -8h": "coord report --since -8h",
    "timeline -8h": "coord timeline --since -8h",
    "status -5": "there is no option '-5'.",
    "send amber -5": "there is no option '-5'. Write '--' before an argument that begins with '-'.",
    "claim file x.py -2": "'-2' is not a number of hours: it must be more than 0.",
    "claim file x.py -0.5": "'-0.5' is not a number of hours: it must be more than 0.",
    "claim file x.py --ttl -5m": "--ttl '-5m' is not a length of time",
    "claim file x.py --wait -5m": "--wait '-5m' is not a length of time",
    "renew file x.py -2": "'-2' is not a number of hours: it must be more than 0.",
}
"""Command lines with a number below 0, and a part of the error message for each."""


@pytest.mark.parametrize("name", COMMANDS_BY_NAME)
@given(st.data())
def test_the_plain_parser_gives_the_values_that_click_gives(name: str, data: st.DataObject) -> None:
    declared = load_command(name)
    flags = [flag for parameter in declared.parameters for flag in parameter.flags]
    some = st.sampled_from(WORDS + flags + [f"{flag}=a" for flag in flags] + [f"{flag}=high" for flag in flags])
    words = data.draw(st.lists(some, max_size=6))
    values = declared.parse_plain(words)
    if values is not None:
        assert values == as_click(declared).make_context(name, list(words)).params


@pytest.mark.parametrize("line", PLAIN)
def test_the_plain_parser_accepts_what_agents_type(line: str) -> None:
    name, *words = shlex.split(line)
    assert load_command(name).parse_plain(words) == as_click(load_command(name)).make_context(name, list(words)).params


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
        ["a", "--number", "0"],
        ["a", "--number", "1.5"],
        ["a", "--number", "9" * 5000],
        ["a", "--pair", "x"],
        ["a", "--pair", "x", "z"],
    ],
    ids=" ".join,
)
def test_the_plain_parser_leaves_mistakes_and_help_to_click(words: list[str]) -> None:
    @command("try")
    @argument("one")
    @option("--note")
    @option("--many", type=int)
    @option("--number", number=Number(least=1))
    @option("--pair", parts=(None, ("x", "y")))
    @option("--kind", choices=("x", "y"))
    def declared(run: Run) -> None:
        """Nothing."""

    assert declared.parse_plain(words) is None
    if words not in (["--help"], ["-h"], ["a", "--many", "3"]):
        with pytest.raises(click.UsageError):
            as_click(declared).make_context("try", list(words))


def test_the_plain_parser_requires_required_options() -> None:
    assert load_command("break").parse_plain(["file", "x"]) is None
    assert load_command("break").parse_plain(["file", "x", "--reason", "y"]) is not None


@pytest.mark.parametrize(("line", "message"), NEGATIVE.items())
def test_the_error_for_a_negative_number_fits_the_command(repo: Repo, line: str, message: str) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    result = machine.run(100, *shlex.split(line))
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize("name", COMMANDS_BY_NAME)
def test_a_negative_time_is_accepted_as_an_option_value(name: str) -> None:
    declared = load_command(name)
    for parameter in declared.parameters:
        if parameter.settings.get("metavar") == "TIME" and parameter.flags:
            values = as_click(declared).make_context(name, [parameter.flags[0], "-8h"], resilient_parsing=True).params
            assert values[parameter.keyword] == "-8h"


def test_the_table_has_a_plain_command_line_of_each_command() -> None:
    assert SHORTEST.keys() == COMMANDS_BY_NAME.keys()


@pytest.mark.slow
def test_a_plain_command_line_loads_only_the_modules_it_needs(repo: Repo, tmp_path: Path) -> None:
    """Each command runs in a process of its own, which prints its loaded modules. `mcp` is left out, because its SDK
    loads all of them.
    """
    machine = SimulatedMachine(repo)
    machine.start(100)
    heavy = {"click", "subprocess", "difflib", "tomllib", "asyncio", "dataclasses", "shutil", "inspect"}
    script = (
        "import sys\nfrom coord.__main__ import _load_msgspec\n_load_msgspec()\nfrom coord.cli.main import run\n"
        "from coord.workspace.system import real_system\nrun(sys.argv[1:], real_system())\n"
        "print('\\n' + ' '.join(sys.modules))"
    )

    def loaded(name: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", script, *shlex.split(SHORTEST[name])],
            capture_output=True,
            text=True,
            cwd=repo.root,
            env=environment(repo.home, TMPDIR=str(tmp_path)),
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        return heavy.intersection(done.stdout.splitlines()[-1].split())

    names = [name for name in COMMANDS_BY_NAME if name != "mcp"]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(names, pool.map(loaded, names), strict=True))
    beyond = {name: sorted(modules - NEEDS.get(name, set())) for name, modules in found.items()}
    assert {name: modules for name, modules in beyond.items() if modules} == {}


def test_click_is_loaded_only_if_the_plain_parser_gives_up() -> None:
    script = (
        "import sys\nfrom coord.cli.main import run\nfrom coord.workspace.system import real_system\n"
        "run(['status', '--root', '/'], real_system())\nprint('click' in sys.modules)\n"
        "run(['status', '--roof'], real_system())\nprint('click' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
