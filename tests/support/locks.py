"""Processes that hold the lock of a log."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import Shell, until

HOLD = "import fcntl,os,sys,time; f=open(sys.argv[1],'r+'); fcntl.flock(f,2); f.truncate(); f.write(str(os.getpid()))"
HOLD += "; f.flush(); time.sleep(600)"


def is_free(lock: os.PathLike[str]) -> bool:
    """Whether nobody holds the lock."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def hold_lock(shell: Shell, lock: Path) -> int:
    """Start a process in the shell that holds the lock for ten minutes; its pid."""
    shell.ok(f'python3 -c "{HOLD}" {lock} >/dev/null 2>&1 & echo $!')
    until(lambda: lock.read_text().strip() and not is_free(lock), "the lock")
    return int(lock.read_text())


HOLD_UNTIL_TOLD = """
import sys
from eventlog.local.lock import locked
with locked(sys.argv[1], 10):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def lock_holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_TOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()
