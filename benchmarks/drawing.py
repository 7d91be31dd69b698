"""Measure what drawing on a terminal costs: `python -m benchmarks.drawing [--events 1000] [--rounds 30]`.

Each round runs `coord status` in a pipe, on a pseudo-terminal, and there with more of Rich loaded. The last form also
prints the board through a `rich.console.Console`. The numbers are medians of the processor time of whole processes.
"""

import argparse
import os
import pty
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks.folders import PASS, PYTHON, Folder, prepare

_STATUS = "import coord.__main__ as m; m._load_msgspec(); {load}; m.main()"
_PRINTED = """
from coord.engine.run import Run
from coord.render.styled import plain_text
from rich.console import Console
from rich.text import Text

def show(self, sections, data):
    Console(markup=False, highlight=False, emoji=False, legacy_windows=False).print(Text(plain_text(sections)))

Run.show = show
"""
_FORMS = {
    "rich.style": "import rich.style",
    "rich.text": "import rich.text",
    "rich.console": "import rich.console, rich.text",
    "printed with rich.console": f"exec({_PRINTED!r})",
}


def in_terminal(words: list[str], folder: Folder) -> float:
    """Return the processor time of a command on a pseudo-terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder.root)
        os.execve(words[0], words, folder.env | {"TERM": "xterm", "COLUMNS": "100"})
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:  # Linux reports the end of a terminal so
            break
    os.close(terminal)
    return _time_of(pid)


def in_pipe(words: list[str], folder: Folder) -> float:
    """Return the processor time of a command whose output is a pipe."""
    process = subprocess.Popen(words, cwd=folder.root, env=folder.env, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    process.stdout.close()
    return _time_of(process.pid)


def _time_of(pid: int) -> float:
    used = os.wait4(pid, 0)[2]
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    took: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as name:
        folder = prepare(Path(name) / "repository", given.events)

        def status(load: str) -> list[str]:
            return [PYTHON, "-P", "-c", _STATUS.format(load=load), "status"]

        for turn in range(given.rounds + 1):
            times = {"python -c pass": in_pipe(PASS, folder), "in a pipe": in_pipe(status("pass"), folder)}
            times["on a terminal"] = in_terminal(status("pass"), folder)
            times |= {f"with {form}": in_terminal(status(load), folder) for form, load in _FORMS.items()}
            for form, seconds in times.items() if turn else ():  # the first round warms the caches
                took.setdefault(form, []).append(seconds)
    medians = {form: statistics.median(seconds) for form, seconds in took.items()}
    start = medians["python -c pass"]
    for form, seconds in medians.items():
        more = (seconds - medians["in a pipe"]) / start
        print(f"{form:32}{seconds * 1000:7.1f} ms{seconds / start:6.2f} P{more:+7.2f} P")


if __name__ == "__main__":
    main()
