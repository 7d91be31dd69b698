"""The process table: two ways to look at one machine, which must see the same."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from coord.processes import Process, ProcTable, PsTable, ancestors, parse_ps
from tests.processes import Repo, have, until

linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")
has_ps = pytest.mark.skipif(not have("ps"), reason="no ps here")


def facts(process: Process | None) -> tuple[object, ...]:
    assert process is not None
    return process.pid, process.parent, process.session, process.argv


@linux
@has_ps
def test_proc_and_ps_agree_on_parent_session_and_arguments(repo: Repo) -> None:
    for shell in (repo.shell(), repo.shell(None, "bash", "--norc", "--noprofile", "-s", "one", "two")):
        assert facts(ProcTable().process(shell.pid)) == facts(PsTable().process(shell.pid))


@has_ps
def test_ps_tells_when_a_process_started() -> None:
    before = time.time()
    child = subprocess.Popen(["sleep", "60"])
    try:
        found = PsTable().process(child.pid)
        assert found is not None
        assert found.argv == ("sleep", "60")
        assert found.parent == os.getpid()
        assert found.session == os.getsid(0)
        assert before - 2 <= found.start_ticks <= time.time() + 2  # ps rounds, and counts from boot
    finally:
        child.kill()
        child.wait()


@has_ps
@pytest.mark.parametrize("table", [pytest.param(ProcTable(), marks=linux), PsTable()], ids=["proc", "ps"])
def test_a_process_that_ended_is_a_zombie_and_then_free(table: ProcTable | PsTable) -> None:
    child = subprocess.Popen([sys.executable, "-ISc", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert table.look(child.pid) == "zombie"
    child.wait()
    assert table.look(child.pid) == "free"


@has_ps
@pytest.mark.parametrize("table", [pytest.param(ProcTable(), marks=linux), PsTable()], ids=["proc", "ps"])
def test_start_ticks_stay_the_same_while_a_process_lives(table: ProcTable | PsTable) -> None:
    first = table.look(os.getpid())
    assert isinstance(first, int)
    assert table.look(os.getpid()) == first


@linux
def test_a_stopped_process_is_alive() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        os.kill(child.pid, signal.SIGSTOP)
        until(lambda: (found := ProcTable().process(child.pid)) and found.state == "T", "the stop")
        assert isinstance(ProcTable().look(child.pid), int)
    finally:
        child.kill()
        child.wait()


@linux
def test_a_name_with_blanks_and_parentheses_is_read_whole(repo: Repo) -> None:
    program = repo.home / "a) S 1 (b"  # the system has it from the file, and cuts it at fifteen characters
    program.symlink_to(shutil.which("bash") or "/bin/bash")
    shell = repo.shell(None, str(program), "--norc", "--noprofile")
    assert b"(a) S 1 (b)" in Path(f"/proc/{shell.pid}/stat").read_bytes()
    found = ProcTable().process(shell.pid)
    assert found is not None
    assert found.command == "a) S 1 (b"
    assert found.session == shell.pid


@linux
def test_a_process_that_may_not_be_looked_at_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> NoReturn:
        raise PermissionError(pid)

    monkeypatch.setattr("coord.processes.stat_of", hidden)
    assert ProcTable().process(os.getpid()) is None
    assert ProcTable().look(os.getpid()) == "unknown"


@linux
def test_the_ancestors_of_a_shell_that_was_left_alone_lead_to_init(repo: Repo) -> None:
    shell = repo.shell()
    chain = ancestors(ProcTable(), shell.pid)
    assert os.getpid() not in [process.pid for process in chain]
    assert chain[-1].parent == 0


def test_a_line_of_a_mac_is_read() -> None:
    line = "  501 Ss   Sun Nov 22 23:56:01 2026     -zsh -l\n"
    assert parse_ps(7, line, 7) == Process(7, 501, 7, 1795391761, "S", ("-zsh", "-l"))


@pytest.mark.parametrize(
    "line", ["", "\n", "1 S", "x S Sun Nov 22 23:56:01 2026 sh", "1 S Sun Nov 32 23:56:01 2026 sh"]
)
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_ps(7, line, 7)
