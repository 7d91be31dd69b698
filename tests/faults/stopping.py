"""A command that stops itself at its n-th call of a function of ours.

`python -m tests.faults.stopping ROOT CLOCK SHELL N WORDS...` runs it in one of the shells of
`tests.support.in_process`, with what the file CLOCK says for a clock. Last of all it says on standard error how many
such calls it made.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from coord.cli.main import run
from coord.workspace.system import System
from tests.support.in_process import OURS, Inside
from tests.support.repositories import Repo

calls = 0


def main() -> int:
    """Run the command; its exit code."""
    root, clock, shell, call, *words = sys.argv[1:]
    machine = Inside(Repo(Path(root), Path(root).parent / "home"))
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
