"""Completion in real shells: what Tab inserts in bash, zsh and fish, and that no text of others is ever run."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from coord.cli.click_adapter import cli
from coord.workspace.system import wall_clock
from tests.support.completing_shells import OLD_LOADING, CompletingShell
from tests.support.in_process import SimulatedMachine
from tests.support.locks import hold_lock
from tests.support.processes import have
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

SHELLS = [
    pytest.param(kind, marks=pytest.mark.skipif(not have(kind), reason=f"{kind} is not on this machine"))
    for kind in ("bash", "zsh", "fish")
]
OLD = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
EVIL = [
    *("db:5432", "a b", "it's", 'say "hi"', "$(touch PWNED)", "`touch PWNED`", "x;touch PWNED", "a&&touch PWNED"),
    *("*", "[ab]?", "back\\slash", "{a,b}", "$HOME", "über=1", "%F{red}%x", "a!b", "(paren)", "<in >out"),
]
"""Names of resources that mean something else to a shell."""


def machine_of(repo: Repo) -> SimulatedMachine:
    """Another machine, whose commands run in this process, and whose clock is that of this machine."""
    machine = SimulatedMachine(repo)
    machine.now = wall_clock()
    return machine


@pytest.fixture
def log(repo: Repo) -> Repo:
    """A log in which `front` and `back` are sessions, and `back` holds resources with all kinds of names."""
    (repo.root / "src").mkdir()
    for name in ("src/app.py", "src/my file.py", "README.md"):
        (repo.root / name).write_text("")
    machine = machine_of(repo)
    for shell, *words in (
        (100, "start", "--name", "front"), (100, "claim", "droplet", "foo"), (100, "claim", "file", "src/app.py"),
        (200, "start", "--name", "back"), *((200, "claim", f"n{n}", name, "--new-type") for n, name in enumerate(EVIL)),
        (200, "send", "front", "$(touch PWNED) `touch PWNED`\\", "x", "--needs-ack"),
    ):  # fmt: skip
        result = machine.run(int(shell), *map(str, words))
        assert result.code == 0, result
    return repo


@pytest.fixture
def opened(log: Repo) -> Iterator[list[CompletingShell]]:
    shells: list[CompletingShell] = []
    yield shells
    for shell in shells:
        shell.close()
    assert [str(path) for path in log.root.rglob("PWNED*")] == []


def open_shell(kind: str, log: Repo, opened: list[CompletingShell], loading: str = "") -> CompletingShell:
    opened.append(CompletingShell(kind, log.root, log.home, loading))
    return opened[-1]


@pytest.mark.parametrize("kind", SHELLS)
def test_tab_completes_what_fits(kind: str, log: Repo, opened: list[CompletingShell]) -> None:
    shell = open_shell(kind, log, opened)
    for typed, words in {
        "coord hear": "coord heartbeat",
        "coord whoami --ses": "coord whoami --session",
        "coord log --session=fron": "coord log --session=front",
        "coord send b": "coord send b",  # back or broadcast
        "coord send bac": "coord send back",
        "coord send --urgency h": "coord send --urgency high",
        "coord why droplet/": "coord why droplet/foo",
        "coord release --session front dr": "coord release --session front droplet",
        "coord release --session front droplet ": "coord release --session front droplet foo",
        "coord handoff --session front droplet/foo ba": "coord handoff --session front droplet/foo back",
        "coord claim file src/a": "coord claim file src/app.py",
        "coord claim file/src/a": "coord claim file/src/app.py",
        "FOO=1 coord whoa": "FOO=1 coord whoami",
        "true && coord whoa": "true && coord whoami",
    }.items():
        if "&&" in typed:
            shell.sees(f"{typed}\t", "coord whoami")
        elif "=" not in typed.split()[0]:
            assert shell.completed(typed) == words.split(), typed


@pytest.mark.parametrize("kind", SHELLS)
def test_the_shell_completes_files_where_nothing_fits(kind: str, log: Repo, opened: list[CompletingShell]) -> None:
    shell = open_shell(kind, log, opened)
    for typed in ("coord import READ", "coord heartbeat x --file READ", "coord unknown READ", "coord claim READ"):
        assert shell.completed(typed) == [*typed.split()[:-1], "README.md"]
    assert shell.completed("coord import src/my") == ["coord", "import", "src/my file.py"]
    assert shell.completed("coord claim file src/my") == ["coord", "claim", "file", "src/my file.py"]
    assert shell.completed(f"coord import {log.root}/READ") == ["coord", "import", f"{log.root}/README.md"]
    assert shell.completed("coord import ./READ") == ["coord", "import", "./README.md"]


@pytest.mark.parametrize("kind", SHELLS)
def test_tab_inserts_any_name_as_one_word(kind: str, log: Repo, opened: list[CompletingShell]) -> None:
    """The shell that inserted the name reads it as one word, and expands and runs nothing."""
    shell = open_shell(kind, log, opened)
    for number, name in enumerate(EVIL):
        assert shell.completed(f"coord claims n{number}/") == ["coord", "claims", f"n{number}/{name}"]
        assert shell.completed(f"coord why n{number} ") == ["coord", "why", f"n{number}", name]
    assert shell.completed("coord claims n0/db:54") == ["coord", "claims", "n0/db:5432"]
    assert shell.completed("coord claims n1/a\\ ") == ["coord", "claims", "n1/a b"]
    for quote in "'\"":
        assert shell.completed(f"coord claims {quote}n4/") == ["coord", "claims", "n4/$(touch PWNED)"]


@pytest.mark.parametrize("kind", SHELLS)
def test_a_session_s_own_claims_are_completed(kind: str, log: Repo, opened: list[CompletingShell]) -> None:
    """The session is that of the shell in which Tab is pressed."""
    shell = open_shell(kind, log, opened)
    shell.type("coord start --name here; coord claim droplet mine\n")
    shell.arguments("true")
    assert shell.completed("coord release droplet/") == ["coord", "release", "droplet/mine"]
    assert shell.completed("coord break droplet/") == ["coord", "break", "droplet/foo"]


@pytest.mark.parametrize("kind", SHELLS)
def test_messages_are_listed(kind: str, log: Repo, opened: list[CompletingShell]) -> None:
    message = log.of_type("message.sent")[0]
    event = f"{message['session']}/{message['n']}"
    shell = open_shell(kind, log, opened)
    assert shell.completed("coord reply --session front ") == ["coord", "reply", "--session", "front", event]
    assert machine_of(log).run(200, "send", "front", "Second subject", "x").code == 0
    if kind != "bash":  # bash shows no descriptions
        shell.sees("coord reply --session front \t\t", "Second subject", "touch PWNED")


@pytest.mark.parametrize("kind", SHELLS)
def test_completion_works_outside_a_repository(kind: str, tmp_path: Path) -> None:
    (tmp_path / "some-file").write_text("")
    shell = CompletingShell(kind, tmp_path, tmp_path / "home")
    try:
        assert shell.completed("coord hear") == ["coord", "heartbeat"]
        assert shell.completed("coord claim file some") == ["coord", "claim", "file", "some-file"]
        assert shell.completed("coord send some") == ["coord", "send", "some-file"]
    finally:
        shell.close()


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("script", ["documented before", "written by click"])
def test_the_old_ways_to_load_it_still_work(kind: str, script: str, log: Repo, opened: list[CompletingShell]) -> None:
    loading = OLD_LOADING[kind]
    if script == "written by click":
        file = log.home / "old-script"
        file.write_text(OLD[kind](cli, {}, "coord", "_COORD_COMPLETE").source())
        prepare = "bindkey -e; autoload -Uz compinit; compinit; " if kind == "zsh" else ""
        loading = f"{prepare}source {file}"
    shell = open_shell(kind, log, opened, loading)
    assert shell.completed("coord hear") == ["coord", "heartbeat"]
    assert shell.completed("coord why droplet/") == ["coord", "why", "droplet/foo"]
    assert shell.completed("coord import READ") == ["coord", "import", "README.md"]
    assert shell.completed("coord claims n4/")[-1].startswith("n4/$(touch")


def test_a_held_lock_does_not_delay_completion(log: Repo) -> None:
    shell = log.shell()
    pid = hold_lock(log.shell(), log.log / ".lock")
    try:
        out = shell.ok("_COORD_COMPLETE=zsh_words coord -- release --session front droplet/")
        assert re.fullmatch(r"droplet/foo\tyou, until .*\n", out)
    finally:
        os.kill(pid, 9)


def test_completing_a_hook_does_not_run_it(log: Repo) -> None:
    result = log.shell().run("echo nonsense | _COORD_COMPLETE=zsh_words coord -- hook claude")
    assert (result.code, result.both) == (0, "claude\t\n")


def test_the_command_prints_the_script_of_each_shell(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    for kind in ("bash", "zsh", "fish"):
        script = shell.ok(f"coord completion {kind}")
        assert script == shell.ok(f"_COORD_COMPLETE={kind}_source coord")
        document = shell.json(f"coord completion {kind}")
        assert document["script"] == script
        assert document["load"] in script
        if have(kind):
            checked = subprocess.run([kind, "-n"], input=script, capture_output=True, text=True, check=False)
            assert (checked.returncode, checked.stderr) == (0, "")
    result = shell.run("coord completion tcsh")
    assert (result.code, result.err) == (
        2, "coord: 'tcsh' is not a shell with completion. Choose one of bash, zsh, fish.\n",
    )  # fmt: skip
