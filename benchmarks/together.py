"""Measure several processes: how soon a waiting one reports an event, and how fast many write at once."""

import os
import pty
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.folders import LOAD, Folder
from benchmarks.rows import TOGETHER, WAIT_CLAIM, WAIT_INBOX, WATCH, Samples
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from coord.workspace.system import System, real_system
from eventlog.events import VERSION, AnyPayload, ClaimReleased, Event, MessageSent, add_time
from eventlog.local.lock import locked
from eventlog.local.writer import JournalWriter
from tests.support.processes import COORD, until

PROCESSES, SENDS = 16, 50
_SETTLE_S = 0.1  # from the start of watching until the process waits
_LOCK_WAIT_S = 10.0


def wait_once(folder: Folder, i: int) -> dict[str, float]:
    """Return, for each way to wait, the milliseconds from before the event is written until the waiter reports it."""
    resource = f"file/src/wait-{i}.py"
    folder.coord(folder.other, "claim", resource)
    snapshot = _snapshot(folder)
    claim = next(claim.id for claim in snapshot.state.claims.values() if claim.resource == resource)
    by_claim = _waiting(folder, ["claim", resource, "--wait", "1m"], ClaimReleased(claim=claim))
    folder.coord(folder.me, "release", resource)
    folder.coord(folder.me, "inbox")
    sent = MessageSent(to=(folder.me,), subject="Done", body="It works now.")
    by_inbox = _waiting(folder, ["inbox", "--wait", "1m"], sent)
    return {"claim": by_claim, "inbox": by_inbox, "watch": _watching(folder, f"Watched {i}")}


def waiting(folder: Folder, rounds: int, step: Callable[[], None]) -> Samples:
    """Measure the rows about waiting."""
    samples: Samples = {WAIT_CLAIM: [], WAIT_INBOX: [], WATCH: []}
    for i in range(rounds):
        took = wait_once(folder, i)
        samples[WAIT_CLAIM].append(took["claim"])
        samples[WAIT_INBOX].append(took["inbox"])
        samples[WATCH].append(took["watch"])
        step()
    return samples


def _waiting(folder: Folder, words: list[str], payload: AnyPayload) -> float:
    """Let one session wait and the other append; return the milliseconds until the waiter's last output."""
    argv = [COORD, *words]
    env, quiet = folder.acting(folder.me), subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=folder.root, env=env, stdout=subprocess.PIPE, stderr=quiet) as process:
        assert process.stdout is not None
        times: list[float] = []
        fd = process.stdout.fileno()

        def listen() -> None:
            while os.read(fd, 1 << 16):
                times.append(time.perf_counter())

        listener = threading.Thread(target=listen)
        listener.start()
        until(lambda: _watches(process.pid), "the wait")
        time.sleep(_SETTLE_S)
        begin = append(folder, folder.other, payload)
        process.wait()
        listener.join()
    if process.returncode or not times:
        raise SystemExit(f"coord {' '.join(words)}: exit code {process.returncode}")
    return (times[-1] - begin) * 1000


def _watching(folder: Folder, subject: str) -> float:
    """Run `coord watch` in a terminal and send a message; return the milliseconds until it is drawn."""
    terminal, inside = pty.openpty()
    termios.tcsetwinsize(inside, (200, 150))  # enough rows for the messages at the end of the board
    env, drawn, times = folder.env | {"TERM": "xterm-256color"}, bytearray(), list[float]()
    with subprocess.Popen([COORD, "watch"], cwd=folder.root, env=env, stdin=inside, stdout=inside) as process:
        os.close(inside)

        def listen() -> None:
            with suppress(OSError):  # the error that marks the end of the output
                while data := os.read(terminal, 1 << 16):
                    drawn.extend(data)
                    if not times and subject.encode() in drawn:
                        times.append(time.perf_counter())

        listener = threading.Thread(target=listen)
        listener.start()
        until(lambda: _watches(process.pid), "the watch")
        time.sleep(_SETTLE_S)
        begin = append(folder, folder.other, MessageSent(to=(folder.me,), subject=subject, body="It works now."))
        until(lambda: times, "the message")
        os.write(terminal, b"q")
        process.wait()
        listener.join()
    os.close(terminal)
    return (times[0] - begin) * 1000


def _watches(pid: int) -> bool:
    """Return whether a process watches a folder. Where that cannot be seen, wait a second and return True."""
    try:
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        time.sleep(1)
        return True
    return any("inotify" in name for name in names)


def _system(folder: Folder) -> System:
    return real_system().at(str(folder.root))


def _snapshot(folder: Folder) -> Snapshot:
    system = _system(folder)
    snapshot = Snapshot(system, find_workspace(system, str(folder.root)))
    snapshot.catch_up()
    return snapshot


def append(folder: Folder, session: str, payload: AnyPayload) -> float:
    """Append one event to a session's journal and sync it; return the time just before."""
    with locked(folder.log, _LOCK_WAIT_S):
        snapshot = _snapshot(folder)
        writer = JournalWriter(folder.log, session, snapshot.history.positions[session])
        at = max(_system(folder).wall(), add_time(snapshot.history.latest, micros=1))
        begin = time.perf_counter()
        writer.append(Event(v=VERSION, at=at, session=session, n=writer.n, payload=payload))
        writer.sync()
        writer.close()
    return begin


def together(folder: Folder, rounds: int, sends: int, step: Callable[[], None]) -> Samples:
    """Measure many processes at once: each runs `sends` commands one after the other; the result is a ratio to L."""
    sessions = [folder.start(f"sender-{i}") for i in range(PROCESSES)]
    samples: Samples = {TOGETHER: []}
    for _ in range(rounds):
        loads = [(LOAD, folder.env)] * PROCESSES
        writes = [
            ([COORD, "send", sessions[i - 1], "Question", "Does the third part work now?"], folder.acting(session))
            for i, session in enumerate(sessions)
        ]
        base = at_once(folder.root, loads, sends)
        samples[TOGETHER].append(at_once(folder.root, writes, sends) / base)
        for session in sessions:
            folder.coord(session, "inbox")
        step()
    return samples


def at_once(cwd: Path, commands: Sequence[tuple[list[str], dict[str, str]]], times: int) -> float:
    """Run all commands at once, each `times` times in its own shell loop; return the seconds until all are done."""
    loop = f'i=0; while [ $i -lt {times} ]; do "$@" >/dev/null || exit 1; i=$((i+1)); done'
    begin = time.perf_counter()
    running = [subprocess.Popen(["sh", "-c", loop, "sh", *argv], cwd=cwd, env=env) for argv, env in commands]
    codes = [process.wait() for process in running]
    seconds = time.perf_counter() - begin
    if any(codes):
        raise SystemExit(f"{sum(map(bool, codes))} of {len(codes)} loops failed")
    return seconds
