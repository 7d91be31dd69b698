"""A command that stops itself with SIGSTOP at its n-th call of one of our functions.

`python -m tests.faults.stopping ROOT CLOCK SHELL N WORDS...` runs the command in one of the shells of
`tests.support.in_process`. The file CLOCK contains the time of its clock. At the end, it prints the number of calls on
standard error.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from coord.cli.main import run
from coord.workspace.system import System
from tests.support.in_process import OURS, SimulatedMachine
from tests.support.repositories import Repo

calls = 0


def main() -> int:
    """Run the command; its exit code."""
    root, clock, shell, call, *words = sys.argv[1:]
    machine = SimulatedMachine(Repo(Path(root), Path(root).parent / "home"))
    inside = machine.system(int(shell), {})
    system = System({}, root, Path(clock).read_text, inside.pid, lambda: machine.here, lambda: machine.table)

    def count(frame: FrameType, event: str, _: object) -> None:
        global calls
        if event == "call" and any(package in frame.f_code.co_filename for package in OURS):
            calls += 1
            if calls == int(call):
                os.kill(os.getpid(), signal.SIGSTOP)

    sys.setprofile(count)
    code = run(words, system)
    sys.setprofile(None)
    sys.stdout.flush()
    print(calls, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
