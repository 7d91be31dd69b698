"""What a hostile repository and other users of the machine cannot do (docs/explanation/security.md).

The tests put links, pipes, devices and huge files wherever a command reads or writes. Promise 7 must hold: whatever is
in the folder, no command crashes, hangs, or writes outside it.
"""

import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest

import eventlog.local.journal
from eventlog.scanning import MAX_DAMAGE, Position, scan
from tests.support.in_process import SimulatedMachine
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo

GUARD_S = 60
PLANTED = "amber-otter-k3f9"
READS = ("status", "claims", "board", "log", "inbox --peek", "doctor", "verify", "report")
WRITES = (
    "heartbeat a b",
    "claim droplet x",
    "send broadcast Hello",
    "board --write",
    "archive",
    "init",
    "init --force",
)


def coord(repo: Repo, command: str, memory: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command, which must end by itself and without a traceback."""

    def limit() -> None:
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    result = subprocess.run(
        [COORD, *command.split()],
        cwd=repo.root,
        env=environment(repo.home, CLAUDE_CODE_SESSION_ID="", COORD_SESSION=session_of(repo)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
        preexec_fn=limit,
    )
    assert result.returncode in range(5), (command, result)
    assert "Traceback" not in result.stderr, (command, result)
    return result


def session_of(repo: Repo) -> str:
    """The acting session, whose journal is not the planted one."""
    return next((path.stem for path in sorted(repo.log.glob("*.jsonl")) if path.stem != PLANTED), "")


@pytest.fixture
def used(repo: Repo) -> Repo:
    """A repository with a session and a claim."""
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.run(100, "claim", "droplet", "mine")
    return repo


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A folder outside the repository, with files."""
    path = tmp_path / "away"
    (path / "scripts").mkdir(parents=True)
    for name in ("victim", "STATUS_BOARD.md", "config.toml", "scripts/coord-status.sh"):
        (path / name).write_text("precious\n")
    return path


def tree(path: Path) -> dict[str, object]:
    """Everything below a folder: the content of files, the types of others."""
    return {
        str(found.relative_to(path)): found.read_bytes() if found.is_file() else stat.S_IFMT(found.lstat().st_mode)
        for found in sorted(path.rglob("*"))
    }


# --- links: nothing is written to their targets ---------------------------------------------------------------------

FILES = (
    "STATUS_BOARD.md", "config.toml", "log/.lock", ".cache/checkpoint", ".cache/checkpoint.tmp",
    ".cache/guard", ".cache/guard.tmp",
    ".cache/STATUS_BOARD.md.tmp", "QUICK_START.md", ".gitignore", "scripts/coord-status.sh",
    "log/amber-otter-k3f9.jsonl",
)  # fmt: skip
FOLDERS = (".cache", "log", "log/ended", "scripts", "")


def put(path: Path, make: Callable[[Path], object]) -> None:
    """Replace what is at a path."""
    if path.is_dir() and not path.is_symlink():
        path.rename(path.parent / f"{path.name}.before")
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)


@pytest.mark.parametrize("path", [*FILES, *FOLDERS])
def test_a_link_out_of_the_folder_is_never_written_through(used: Repo, away: Path, path: str) -> None:
    target = away if path in FOLDERS else away / "victim"
    put(used.folder / path, lambda link: link.symlink_to(target))
    before, machine = tree(away), SimulatedMachine(used)
    for command in WRITES:
        assert machine.run(100, *command.split()).code in range(5), (path, command)
        assert tree(away) == before, (path, command)


@pytest.mark.parametrize("path", ["", "log", "log/ended", "scripts"])
def test_a_folder_that_is_a_link_is_refused(used: Repo, away: Path, path: str) -> None:
    (away / "log").mkdir()
    put(used.folder / path, lambda link: link.symlink_to(away))
    machine = SimulatedMachine(used)
    for command in ("status", "heartbeat a b", "init"):
        result = machine.run(100, *command.split())
        assert (result.code, result.out) == (4, ""), (path, command)
        assert "is a symbolic link" in result.err


def test_the_target_of_a_link_can_be_named_with_root(used: Repo, tmp_path: Path) -> None:
    put(used.folder, lambda link: link.symlink_to("COORDINATION.before"))
    (used.root / "COORDINATION.before").rename(tmp_path / "COORDINATION")
    assert coord(used, f"claims --root {tmp_path}").returncode == 0


# --- pipes and devices: nothing hangs ---------------------------------------------------------------------------------


BY_GIT = pytest.param(".gitignore", marks=pytest.mark.machine)  # here git waits, until `doctor` ends it


@pytest.mark.slow
@pytest.mark.parametrize("path", [BY_GIT if path == ".gitignore" else path for path in FILES])
def test_a_pipe_in_place_of_a_file_blocks_no_command(used: Repo, path: str) -> None:
    put(used.folder / path, os.mkfifo)
    commands = [command.split() for command in (*READS, *WRITES)]
    script = (
        "from coord.cli.main import run\nfrom coord.workspace.system import real_system\n"
        f"for words in {commands}: print(words)\n"
    )
    script = script.replace("print(words)", "assert run(words, real_system()) in range(5), words")
    environ = environment(used.home, COORD_SESSION=session_of(used))
    subprocess.run([sys.executable, "-c", script], cwd=used.root, env=environ, timeout=GUARD_S, check=True)


@pytest.mark.parametrize("path", ["config.toml", ".cache/checkpoint", "log/amber-otter-k3f9.jsonl"])
@pytest.mark.parametrize("target", ["/dev/zero", "/dev/tty"])
def test_a_link_to_a_device_is_not_read(used: Repo, path: str, target: str) -> None:
    put(used.folder / path, lambda link: link.symlink_to(target))
    for command in ("status", "heartbeat a b"):
        coord(used, command, memory=1 << 30)


# --- modes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o077, 0o022, 0o002])
def test_modes_follow_the_umask_and_only_scripts_can_run(bare_repo: Repo, mask: int) -> None:
    shell = bare_repo.shell()
    shell.ok(f"umask {mask:03o}")
    shell.ok("coord init")
    shell.start()
    shell.ok("coord claim droplet x")
    shell.ok("coord end")
    shell.ok("coord archive --all" if "--all" in shell.ok("coord archive --help") else "coord archive")
    made = list(bare_repo.folder.rglob("*"))
    assert len(made) > 8
    for path in made:
        script = path.parent.name == "scripts"
        full = 0o777 if path.is_dir() or script else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == full & ~mask, path


# --- other sessions' journals --------------------------------------------------------------------------------------

ACTS = (
    "status", "board --write", "claim droplet theirs", "claim droplet free", "break droplet theirs --reason x",
    "handoff droplet free OTHER", "send OTHER Hello", "send broadcast Hello --body x", "inbox", "ack 1",
    "heartbeat a b", "release droplet free", "renew droplet theirs", "verify", "report", "doctor", "archive", "end",
)  # fmt: skip


def test_no_command_writes_to_another_sessions_journal(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    other = machine.start(100)
    machine.run(100, "claim", "droplet", "theirs")
    mine = machine.start(200)
    machine.run(100, "send", mine, "Hello", "there")
    journal = repo.log / f"{other}.jsonl"
    before = journal.read_bytes()
    for command in ACTS:
        machine.run(200, *command.replace("OTHER", other).split())
        assert journal.read_bytes() == before, command
    assert (repo.log / f"{mine}.jsonl").stat().st_size > 1000


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "hook = 'touch /tmp/x'", "log = '/etc'", "[alias]\nst = '!sh'", "claim_hours = inf", "claim_hours = -1",
        "claim_hours = nan", "silent_minutes = nan", "lock_wait_seconds = inf", "lock_wait_seconds = 1e300",
        "claim_hours = '4'", "claim_hours = [[[[", "\0", "claim_hours = " + "9" * 5000, "x = " + "[" * 20000,
    ],
)  # fmt: skip
def test_settings_with_bad_names_or_values_are_errors(used: Repo, text: str) -> None:
    (used.folder / "config.toml").write_text(text + "\n")
    for command in ("status", "heartbeat a b"):
        result = SimulatedMachine(used).run(100, *command.split())
        assert (result.code, result.out) == (4, ""), text[:80]
        assert "config.toml" in result.err


@pytest.mark.parametrize("value", ["inf", "1e300", "1e-300"])
def test_an_extreme_silence_threshold_is_allowed(used: Repo, value: str) -> None:
    (used.folder / "config.toml").write_text(f"silent_minutes = {value}\n")
    for command in (*READS, "heartbeat a b"):
        assert SimulatedMachine(used).run(100, *command.split()).code in (0, 1), command


@pytest.mark.parametrize("payload", [b"\x84\xa4code\xa1\xff", b"\x91" * 5000, b""])
def test_a_cache_with_a_right_digest_and_bad_content_is_ignored(used: Repo, payload: bytes) -> None:
    digest = blake2b(payload, digest_size=16).digest()
    (used.folder / ".cache/checkpoint").write_bytes(digest + payload)
    assert SimulatedMachine(used).run(100, "claims").code == 0


# --- sizes ---------------------------------------------------------------------------------------------------------

MEMORY = 200 << 20


@pytest.fixture(
    params=[
        ".cache/checkpoint",
        ".cache/guard",
        "config.toml",
        "log/amber-otter-k3f9.jsonl",
        "STATUS_BOARD.md",
        "log/.lock",
    ]
)
def huge(used: Repo, request: pytest.FixtureRequest) -> Iterator[tuple[Repo, str]]:
    """A sparse file of a terabyte of NULs."""
    path = used.folder / request.param
    put(path, Path.touch)
    os.truncate(path, 1 << 40)
    yield used, request.param
    os.truncate(path, 0) if path.exists() else None


@pytest.mark.slow
def test_a_file_larger_than_memory_is_not_read(huge: tuple[Repo, str]) -> None:
    repo, path = huge
    for command in ("status", "heartbeat a b", "verify", "doctor"):
        result = coord(repo, command, MEMORY)
        if path.endswith(".jsonl") and command != "heartbeat a b":
            assert "amber-otter-k3f9" in result.stdout + result.stderr, command


def test_a_million_damaged_lines_give_a_short_report(used: Repo) -> None:
    (used.log / "amber-otter-k3f9.jsonl").write_bytes(b"\n" * 1_000_000)
    assert (
        len(scan("amber-otter-k3f9", b"\nx\n" * 100_000, Position())[1].damage) == MAX_DAMAGE + 2
    )  # and where reading stops
    for command in ("status", "heartbeat a b"):
        result = coord(used, command, MEMORY)
        assert result.returncode == 0
        assert "amber-otter-k3f9.jsonl is damaged at line 1, byte 0" in result.stdout + result.stderr
        assert (result.stdout + result.stderr).count("\n") < 100


def test_a_session_with_a_full_journal_gets_a_new_one(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    full = (repo.log / f"{first}.jsonl").read_bytes()
    monkeypatch.setattr(eventlog.local.journal, "FULL_JOURNAL_BYTES", len(full))
    result = machine.run(100, "heartbeat", "a", "b")
    assert result.code == 0, result
    assert (repo.log / f"{first}.jsonl").read_bytes() == full
    assert len(list(repo.log.glob("*.jsonl"))) == 2


# --- the page ------------------------------------------------------------------------------------------------------


def test_every_test_named_on_the_page_exists() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/security.md").read_text()
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 10
    places = {Path(__file__), *(Path(__file__).parents[2] / path for path in re.findall(r"`(tests/\S+)`", page))}
    assert [path for path in places if not path.exists()] == []
    paths = [path for place in places for path in (place.glob("*.py") if place.is_dir() else [place])]
    there = "".join(path.read_text() for path in paths)
    assert [name for name in named if f"def {name}(" not in there] == []
