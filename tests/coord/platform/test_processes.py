"""The process table: /proc and psutil give the same facts about the same processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from coord.platform.host import start_ticks_by_psutil, start_ticks_in_proc
from coord.platform.processes import Process, ProcTable, PsutilTable, ancestors
from tests.support.processes import until
from tests.support.repositories import Repo

linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")


def facts(process: Process | None) -> tuple[object, ...]:
    assert process is not None
    return process.pid, process.parent, process.session, process.argv


@linux
def test_proc_and_psutil_agree_on_parent_session_and_arguments(repo: Repo) -> None:
    for shell in (repo.shell(), repo.shell(None, "bash", "--norc", "--noprofile", "-s", "one", "two")):
        assert facts(ProcTable().process(shell.pid)) == facts(PsutilTable().process(shell.pid))
    assert facts(ProcTable().process(os.getpid())) == facts(PsutilTable().process(os.getpid()))


@linux
def test_proc_and_psutil_see_the_same_ancestors() -> None:
    chains = [[process.pid for process in ancestors(table, os.getpid())] for table in (ProcTable(), PsutilTable())]
    assert chains[0] == chains[1]


@pytest.mark.parametrize(
    ("table", "ticks"),
    [pytest.param(ProcTable(), start_ticks_in_proc, marks=linux), (PsutilTable(), start_ticks_by_psutil)],
    ids=["proc", "psutil"],
)
def test_the_guard_reads_the_same_start_ticks_as_an_anchor(
    table: ProcTable | PsutilTable, ticks: Callable[[int], int]
) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        for pid in (os.getpid(), child.pid):
            found = table.process(pid)
            assert found is not None
            assert found.start_ticks == ticks(pid) == ticks(pid) == table.start_or_status(pid)
        assert ticks(child.pid) != ticks(os.getpid())
        os.kill(child.pid, signal.SIGSTOP)
        assert ticks(child.pid) == table.start_or_status(child.pid), "a stopped process is alive"
        os.kill(child.pid, signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert ticks(child.pid) == 0, "a zombie is not"
    finally:
        child.kill()
        child.wait()
    assert ticks(child.pid) == 0


def test_setting_the_clock_does_not_change_start_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    before = start_ticks_by_psutil(os.getpid())
    assert before > 0
    monkeypatch.setattr("psutil.boot_time", lambda: time.time() - 1)
    monkeypatch.setattr("psutil.Process.create_time", lambda _: time.time())
    assert start_ticks_by_psutil(os.getpid()) == before


@linux
def test_on_linux_psutil_is_not_loaded() -> None:
    script = (
        "import os, sys\nfrom coord.platform.host import start_ticks\n"
        "from coord.platform.processes import system_process_table\n"
        "from coord.workspace.system import real_system\nreal_system().ancestry\n"
        "assert start_ticks(os.getpid()) == system_process_table().start_or_status(os.getpid())\n"
        "print('psutil' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("table", [pytest.param(ProcTable(), marks=linux), PsutilTable()], ids=["proc", "psutil"])
def test_an_ended_process_is_a_zombie_and_then_its_pid_is_free(table: ProcTable | PsutilTable) -> None:
    child = subprocess.Popen([sys.executable, "-ISc", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert table.start_or_status(child.pid) == "zombie"
    child.wait()
    assert table.start_or_status(child.pid) == "free"


@pytest.mark.parametrize("table", [pytest.param(ProcTable(), marks=linux), PsutilTable()], ids=["proc", "psutil"])
def test_start_ticks_do_not_change_while_a_process_lives(table: ProcTable | PsutilTable) -> None:
    first = table.start_or_status(os.getpid())
    assert isinstance(first, int)
    assert table.start_or_status(os.getpid()) == first


@linux
def test_a_stopped_process_is_alive() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        os.kill(child.pid, signal.SIGSTOP)
        until(lambda: (found := ProcTable().process(child.pid)) and found.state == "T", "the stop")
        assert isinstance(ProcTable().start_or_status(child.pid), int)
    finally:
        child.kill()
        child.wait()


@linux
def test_a_name_with_spaces_and_parentheses_is_read_completely(repo: Repo) -> None:
    program = repo.home / "a) S 1 (b"  # Linux takes the name from the file, and cuts it to 15 characters
    program.symlink_to(shutil.which("bash") or "/bin/bash")
    shell = repo.shell(None, str(program), "--norc", "--noprofile")
    assert b"(a) S 1 (b)" in Path(f"/proc/{shell.pid}/stat").read_bytes()
    found = ProcTable().process(shell.pid)
    assert found is not None
    assert found.command == "a) S 1 (b"
    assert found.session == shell.pid


@linux
def test_a_process_that_cannot_be_read_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> NoReturn:
        raise PermissionError(pid)

    monkeypatch.setattr("coord.platform.processes.read_stat", hidden)
    assert ProcTable().process(os.getpid()) is None
    assert ProcTable().start_or_status(os.getpid()) == "unknown"


@linux
def test_the_ancestors_of_an_orphaned_shell_end_at_init(repo: Repo) -> None:
    shell = repo.shell()
    chain = ancestors(ProcTable(), shell.pid)
    assert os.getpid() not in [process.pid for process in chain]
    assert chain[-1].parent == 0
