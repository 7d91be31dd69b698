"""`coord notify`: show, set, remove and try the person's command."""

from pathlib import Path

import pytest

from coord.cli.commands.board._attention import Attention
from coord.engine.run import Run
from tests.support.in_process import SimulatedMachine
from tests.support.notifying import Notified
from tests.support.processes import Shell
from tests.support.repositories import Repo

SETTINGS = ".config/coord/config.toml"


@pytest.fixture
def shell(repo: Repo) -> Shell:
    """A shell with a program `bell` on its PATH, which writes down its arguments."""
    (repo.home / "bin").mkdir()
    bell = repo.home / "bin" / "bell"
    bell.write_text(
        f'#!/bin/sh\nprintf "[%s]" "$@" >> {repo.home}/rung; echo "$COORD_NOTIFY_WHAT" >> {repo.home}/rung\n'
    )
    bell.chmod(0o755)
    made = repo.shell()
    made.ok(f"PATH={repo.home}/bin:$PATH")
    return made


def test_a_command_is_set_shown_tried_and_removed(repo: Repo, shell: Shell) -> None:
    assert "Notifications are off" in shell.ok("coord notify")
    done = shell.ok("coord notify --command 'bell -t \"a b\" {title} {text}'")
    assert f"coord runs: {repo.home}/bin/bell -t 'a b' '{{title}}' '{{text}}'" in done
    assert f"saved in {repo.home}/{SETTINGS}" in done
    assert shell.ok("coord notify") == done
    assert "exit code 0" in shell.ok("coord notify --test")
    assert (repo.home / "rung").read_text() == (
        "[-t][a b][coord: repo][repo: This is a test. → nothing to do]This is a test.\n"
    )
    found = shell.json("coord notify")
    assert found["command"] == [f"{repo.home}/bin/bell", "-t", "a b", "{title}", "{text}"]
    assert "Notifications are off" in shell.ok("coord notify --off")
    assert not (repo.home / SETTINGS).exists()
    assert shell.json("coord notify") == {
        "command": [],
        "file": f"{repo.home}/{SETTINGS}",
        "tested": False,
        "failure": "",
    }


def test_without_a_command_nothing_is_waited_for(repo: Repo, shell: Shell) -> None:
    assert shell.ok("coord notify --due") == "Notifications are off, so nothing is sent.\n"
    assert not (repo.folder / ".cache" / "notify-waiting").exists()


def test_it_works_outside_a_repository(repo: Repo, shell: Shell) -> None:
    shell.ok(f"cd {repo.home}")
    shell.ok("coord notify --command bell --test")
    assert (repo.home / "rung").read_text().startswith("[home: This is a test.")


@pytest.mark.parametrize(
    "options",
    ["--command nowhere", "--command ''", "--command /etc", "--command 'a \"b'", "--command 'sh -c {text}'",
     "--off --test", "--off --command bell"],
)  # fmt: skip
def test_wrong_usage_changes_nothing(repo: Repo, shell: Shell, options: str) -> None:
    shell.ok("coord notify --command 'bell x'")
    before = (repo.home / SETTINGS).read_bytes()
    result = shell.run(f"coord notify {options}")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("coord: ")
    assert (repo.home / SETTINGS).read_bytes() == before


def test_a_test_without_a_command_says_how_to_set_one(shell: Shell) -> None:
    result = shell.run("coord notify --test")
    assert result.code == 1
    assert "coord notify --command" in result.err
    assert shell.run("env -u HOME coord notify --command bell").code == 2


def test_a_script_that_is_not_executable_is_named(repo: Repo, shell: Shell) -> None:
    (repo.home / "bin" / "bell").chmod(0o644)
    result = shell.run(f"coord notify --command {repo.home}/bin/bell")
    assert result.code == 2
    assert "is not executable" in result.err
    assert f"chmod +x {repo.home}/bin/bell" in result.err
    assert not (repo.home / SETTINGS).exists()


def test_only_an_installed_program_is_suggested(repo: Repo, shell: Shell) -> None:
    """Without one, the answer names what to install."""
    nothing = SimulatedMachine(repo).run(100, "notify", HOME=str(repo.home), PATH="/nowhere").out
    assert 'coord notify --command "' not in nothing
    assert "or install notify-send" in nothing
    ntfy = repo.home / "bin" / "ntfy"
    ntfy.write_text("#!/bin/sh\n")
    ntfy.chmod(0o755)
    found = SimulatedMachine(repo).run(100, "notify", HOME=str(repo.home), PATH=str(ntfy.parent)).out
    assert 'coord notify --command "ntfy publish MY-TOPIC"' in found


def test_a_failed_test_shows_why(repo: Repo, shell: Shell) -> None:
    Notified(repo, more="sys.exit('no display')\n")
    result = shell.run("coord notify --test --json")
    assert (result.code, "no display" in result.json["failure"]) == (1, True)


def test_a_script_is_saved_with_its_path(repo: Repo, shell: Shell) -> None:
    for typed in ("bin/bell", "./bin/bell", "~/bin/bell"):
        shell.ok(f"cd {repo.home}; coord notify --command '{typed}'")
        assert shell.json("coord notify")["command"] == [f"{repo.home}/bin/bell"]


class _Screen:
    """A terminal of which only the suspension matters."""

    before_suspend = staticmethod(lambda: None)


def test_a_watch_counts_as_visible_for_ten_minutes_after_a_key(repo: Repo) -> None:
    """If the terminal reports no focus. If it does, only the focus counts."""
    machine = SimulatedMachine(repo)
    attention = Attention(Run(machine.system(100, {})), _Screen())  # type: ignore[arg-type]
    seen = []
    for seconds, key in ((0, ""), (599, ""), (1, ""), (0, "w"), (601, ""), (0, "focus"), (9000, ""), (0, "no focus")):
        machine.wait(seconds)
        attention.note_key(key)
        seen.append(attention.is_visible)
    attention.note_key("w")
    assert [*seen, attention.is_visible] == [True, True, False, True, False, True, True, False, False]
    assert Path(repo.folder, ".cache", "watched").exists()
