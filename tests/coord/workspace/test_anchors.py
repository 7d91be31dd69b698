"""The choice of the anchor, for chains of processes as they occur on real machines."""

import os
import sys

import pytest

from coord.platform.processes import Process
from coord.workspace.anchors import anchor_of, choose_anchor
from coord.workspace.system import this_host
from projections.rules.liveness import ObserverHost
from tests.support.in_process import process

INIT = process(1, 0, 1, "/sbin/init")
COORD = ("/usr/bin/python3", "/usr/bin/coord", "start")


def chain(*rows: Process) -> list[Process]:
    """Return the chain nearest first. It is written top down: each process is the parent of the next."""
    return [*reversed(rows)]


CASES = {
    "a login shell under login": (
        chain(
            INIT,
            process(10, 1, 10, "login", "--", "me"),
            process(20, 10, 20, "-bash"),
            process(30, 20, 20, *COORD),
        ),
        20,
    ),
    "a login shell whose login leads the process session": (
        chain(INIT, process(10, 1, 10, "login"), process(20, 10, 10, "-zsh"), process(30, 20, 10, *COORD)),
        20,
    ),
    "a shell in a terminal window": (
        chain(INIT, process(10, 1, 10, "xterm"), process(20, 10, 20, "fish"), process(30, 20, 20, *COORD)),
        20,
    ),
    "a shell over ssh": (
        chain(INIT, process(10, 1, 10, "sshd"), process(20, 10, 20, "-bash"), process(30, 20, 20, *COORD)),
        20,
    ),
    "a window of tmux": (
        chain(INIT, process(10, 1, 10, "tmux: server"), process(20, 10, 20, "-bash"), process(30, 20, 20, *COORD)),
        20,
    ),
    "a subshell": (
        chain(
            INIT,
            process(20, 1, 20, "-bash"),
            process(25, 20, 20, "-bash"),
            process(30, 25, 20, *COORD),
        ),
        20,
    ),
    "a wrapper script": (
        chain(
            INIT,
            process(20, 1, 20, "bash"),
            process(25, 20, 20, "/bin/sh", "COORDINATION/scripts/session-start.sh"),
            process(30, 25, 20, *COORD),
        ),
        20,
    ),
    "nested bash -c": (
        chain(
            INIT,
            process(20, 1, 20, "bash"),
            process(25, 20, 20, "bash", "-c", "x"),
            process(26, 25, 20, "sh", "-c", "y"),
            process(30, 26, 20, *COORD),
        ),
        20,
    ),
    "setsid bash -c": (
        chain(INIT, process(20, 1, 20, "bash", "-c", "coord start; coord claim a b"), process(30, 20, 20, *COORD)),
        20,
    ),
    "a client, with a shell of its own between": (
        chain(
            INIT,
            process(20, 1, 20, "-bash"),
            process(40, 20, 20, "claude"),
            process(45, 40, 45, "/bin/bash", "-c", "x"),
            process(50, 45, 45, *COORD),
        ),
        40,
    ),
    "a client that is a script of node": (
        chain(
            INIT,
            process(40, 1, 40, "node", "/usr/lib/node_modules/@openai/codex/bin/codex.js"),
            process(50, 40, 40, *COORD),
        ),
        40,
    ),
    "a client inside a client": (
        chain(
            INIT,
            process(40, 1, 40, "claude"),
            process(41, 40, 41, "bash", "-c", "gemini"),
            process(42, 41, 41, "node", "/usr/bin/gemini"),
            process(50, 42, 41, *COORD),
        ),
        42,
    ),
    "a container whose first process is a shell": (
        chain(process(1, 0, 1, "bash"), process(30, 1, 1, *COORD)),
        1,
    ),
    "a container whose first process is a shell with something to run": (
        chain(process(1, 0, 1, "bash", "-c", "coord start; coord whoami"), process(30, 1, 1, *COORD)),
        1,
    ),
    "a pid namespace, whose shell leads no process session that can be seen": (
        chain(process(1, 0, 0, "bash", "-c", "coord start; coord whoami"), process(30, 1, 0, *COORD)),
        1,
    ),
    "a program that leads a process session": (
        chain(INIT, process(20, 1, 20, "make", "all"), process(30, 20, 20, *COORD)),
        20,
    ),
    "a container whose first process is no shell": (
        chain(process(1, 0, 1, "/usr/bin/dumb-init", "--", "serve"), process(30, 1, 1, *COORD)),
        None,
    ),
    "only init above": (chain(INIT, process(30, 1, 30, *COORD)), None),
    "only the first process of a container above, which is an init": (
        chain(process(1, 0, 1, "tini"), process(30, 1, 1, *COORD)),
        None,
    ),
    "a script that is left alone, its shell gone": (
        chain(INIT, process(25, 1, 20, "/bin/sh", "run.sh"), process(30, 25, 20, *COORD)),
        None,
    ),
    "coord itself leads the process session": (
        chain(INIT, process(20, 1, 20, "bash"), process(30, 20, 30, *COORD)),
        None,
    ),
    "sudo in the shell's own process session": (
        chain(INIT, process(20, 1, 20, "-bash"), process(25, 20, 20, "sudo", "coord"), process(30, 25, 20, *COORD)),
        20,
    ),
    "sudo with a process session of its own": (
        chain(
            INIT,
            process(20, 1, 20, "-bash"),
            process(25, 20, 20, "sudo", "coord", "start"),
            process(26, 25, 26, "sudo", "coord", "start"),
            process(30, 26, 26, *COORD),
        ),
        20,
    ),
    "one such wrapper in another": (
        chain(
            INIT,
            process(20, 1, 20, "-bash"),
            process(25, 20, 20, "sudo", "runuser"),
            process(26, 25, 26, "runuser", "-u", "me"),
            process(27, 26, 27, "script", "-c", "coord start"),
            process(30, 27, 27, *COORD),
        ),
        20,
    ),
    "a login shell that sudo gives": (
        chain(
            INIT,
            process(20, 1, 20, "-bash"),
            process(25, 20, 20, "sudo", "-i"),
            process(26, 25, 26, "-bash"),
            process(30, 26, 26, *COORD),
        ),
        26,
    ),
    "a wrapper that is left alone": (
        chain(INIT, process(25, 1, 25, "setsid", "coord", "start"), process(30, 25, 25, *COORD)),
        None,
    ),
    "nothing can be seen": ([], None),
}


@pytest.mark.parametrize("name", CASES)
def test_the_anchor_is(name: str) -> None:
    rows, expected = CASES[name]
    found = choose_anchor(rows)
    assert (found.pid if found else None) == expected


@pytest.mark.parametrize("multiplexer", ["tmux", "tmux: server", "screen", "zellij", "sshd", "login", "systemd"])
def test_the_anchor_is_never_a_multiplexer_or_terminal_server(multiplexer: str) -> None:
    rows = chain(INIT, process(10, 1, 10, multiplexer), process(30, 10, 10, *COORD))
    assert choose_anchor(rows) is None


def test_without_a_known_boot_a_process_is_not_an_anchor() -> None:
    bash = process(20, 1, 20, "bash")
    known = anchor_of(bash, ObserverHost("machine-1", "boot-1", "pid:[1]"))
    assert known is not None
    assert (known.pid, known.start_ticks, known.boot) == (20, bash.start_ticks, "boot-1")
    assert anchor_of(bash, ObserverHost("machine-1", "", "pid:[1]")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux has its namespaces")
def test_without_a_pid_namespace_no_process_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: str) -> str:
        raise PermissionError(13, "not allowed", path)

    assert anchor_of(process(20, 1, 20, "bash"), this_host()) is not None
    monkeypatch.setattr(os, "readlink", fails)
    assert anchor_of(process(20, 1, 20, "bash"), this_host()) is None
