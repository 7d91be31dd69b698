"""Commands that a server runs as child processes: none is left behind, and at most two run at once."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from coord.servers import child_process
from coord.servers.child_process import ChildFailed, ChildNotStarted, Commands, run_child
from coord.servers.web.actions.commands import run_command
from coord.servers.web.actions.table import CommandLine
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from tests.support.processes import environment
from tests.support.repositories import Repo


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that were started."""
    processes: list[Process] = []
    start: Callable[..., Awaitable[Process]] = asyncio.create_subprocess_exec

    async def noted(*argv: Any, **options: Any) -> Process:
        processes.append(await start(*argv, **options))
        return processes[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    return processes


def run(repo: Repo, *words: str, **options: Any) -> tuple[int, bytes, bytes]:
    return asyncio.run(run_child(words, str(repo.folder), str(repo.root), environment(repo.home), **options))


def test_a_command_that_takes_too_long_is_killed(repo: Repo, started: list[Process]) -> None:
    with pytest.raises(ChildFailed, match=r"coord status took more than 0.001 s, and was ended"):
        run(repo, "status", timeout_s=0.001)
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_an_action_that_takes_too_long_is_killed(repo: Repo, started: list[Process]) -> None:
    workspace = find_workspace(real_system(), str(repo.root))
    words = CommandLine(("status",))
    answer = asyncio.run(run_command(words, "", workspace, environment(repo.home), limit_s=0.001))
    assert (answer.code, answer.error) == (
        1,
        "coord status took more than 0.001 s, and was ended. To see what it did: coord log --last 5",
    )
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_a_command_of_a_server_that_ends_is_killed(repo: Repo, started: list[Process]) -> None:
    async def end_early() -> None:
        running = asyncio.create_task(run_child(("status",), str(repo.folder), str(repo.root), environment(repo.home)))
        while not started:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(end_early())
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_a_command_need_not_read_its_standard_input(repo: Repo) -> None:
    code, out, _ = run(repo, "status", "--json", text="x" * (1 << 20))
    assert (code, out[:1]) == (0, b"{")


@pytest.mark.parametrize("word", ["x\0y", "x\ud800y"])
def test_a_word_that_cannot_be_an_argument_is_an_error(repo: Repo, word: str) -> None:
    with pytest.raises(ChildNotStarted, match="coord why could not be run: "):
        run(repo, "why", "--", word)


def test_at_most_two_commands_run_at_once(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    async def count(*_: Any, **__: Any) -> tuple[int, bytes, bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return 0, b"{}", b""

    monkeypatch.setattr(child_process, "run_child", count)

    async def ask() -> None:
        commands = Commands(str(repo.folder), str(repo.root), {})
        await asyncio.gather(*(commands.run("why", name) for name in "abcde"))

    asyncio.run(ask())
    assert (running, most) == (0, 2)
