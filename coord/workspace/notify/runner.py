"""Start processes for notifications: one that delivers, which nobody waits for, and the person's command, with a limit.

Each is in a session of its own and has no open streams of its caller, because the clients of agents wait for the end of
their hooks' output and end their process groups. Its folder is not the repository, so that a program there is not found
by its name.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from coord.platform.replace_file import replace_file

LIMIT_S = 20.0  # a command is ended after this time
_MOST = 200  # bytes of its last line of errors that are kept
_FOLDER = "/" if os.name == "posix" else None
_started: list[subprocess.Popen[bytes]] = []  # a process that stays up, such as the MCP server, must ask for their ends


def start(failure_file: str, words: Sequence[str], env: Mapping[str, str]) -> None:
    """Start a process and return at once. A failure is recorded, never raised."""
    _started[:] = [process for process in _started if process.poll() is None]
    try:
        _started.append(_spawn(words, env, subprocess.DEVNULL))
    except (OSError, ValueError) as error:
        record_failure(failure_file, f"cannot run {words[0]}: {error}")


def _spawn(words: Sequence[str], env: Mapping[str, str], errors: int | IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd=_FOLDER,
        env=dict(env),
        start_new_session=True,
    )


def run_command(command: Sequence[str], env: Mapping[str, str], limit_s: float = LIMIT_S) -> str:
    """Run a command, and return why it failed; empty if it succeeded."""
    with tempfile.TemporaryFile() as errors:  # not a pipe: a program that it leaves running would keep that open
        try:
            process = _spawn(command, env, errors)
        except (OSError, ValueError) as error:
            return f"cannot run {command[0]}: {error.strerror if isinstance(error, OSError) else error}"
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"{command[0]} did not end within {limit_s:g} s, and was stopped"
        if code == 0:
            return ""
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _MOST))
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    ended = f"{command[0]} was ended by signal {-code}" if code < 0 else f"{command[0]} ended with exit code {code}"
    return f"{ended}: {last}" if last else ended


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and the processes that it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def record_failure(path: str, reason: str) -> None:
    """Record why a notification failed, or with an empty reason that it did not."""
    with suppress(OSError):
        if os.path.islink(os.path.dirname(path)):
            return
        if reason:
            text = f"{time.time_ns() // 1000} {' '.join(reason.split())}\n"
            replace_file(path, text.encode(errors="backslashreplace"))
        else:
            os.unlink(path)
