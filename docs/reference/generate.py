"""Generate the reference: `commands.md` from the parameters of the commands, `events.md` from the types of events.

    python docs/reference/generate.py            writes both pages
    python docs/reference/generate.py --check    exits with 1 and prints a diff if one of them is out of date

The texts are help strings, docstrings, and comments beside fields. click's own formatting is not used, because it
differs between versions of click.
"""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from commands_page import commands_page
from events_page import events_page

HERE = Path(__file__).resolve().parent
PAGES = {"commands.md": commands_page, "events.md": events_page}


def stale() -> str:
    """Return the difference between the pages and the code; empty if there is none."""
    differences = ""
    for name, make in PAGES.items():
        path = HERE / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = difflib.unified_diff(
            old.splitlines(True),
            (make().rstrip("\n") + "\n").splitlines(True),
            f"{name} (on the disk)",
            f"{name} (generated)",
        )
        differences += "".join(line if line.endswith("\n") else line + "\n" for line in lines)
    return differences


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or check them with `--check`. Return the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments:
        differences = stale()
        print(differences, end="")
        return 1 if differences else 0
    for name, make in PAGES.items():
        (HERE / name).write_text(make().rstrip("\n") + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
