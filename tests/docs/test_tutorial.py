"""The commands of the README, the tutorials and the how-to pages run in real shells, and print what the pages show.

`python -m tests.docs.test_tutorial [PAGE]...` runs them and writes their output into the pages.
"""

import sys
import tempfile
from pathlib import Path

import pytest

from tests.docs.console import blocks, differences, play, rewritten, steps, wrong

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"
_REPOSITORY = (
    "git init --quiet --initial-branch=main shop && cd shop && coord init --private >/dev/null && mkdir src &&"
    " touch src/app.py src/api.py && git add src &&"
    " git -c user.name=you -c user.email=you@example.org commit --quiet --message=first"
)
_TWO_SESSIONS = (
    ("one", _REPOSITORY),
    ("two", "cd shop"),
    ("one", "coord start --name frontend"),
    ("two", "coord start --name backend"),
)
_NIGHT = (("one", f"mkdir -p docs/examples && cp -r '{DOCS}/examples/incident' docs/examples/"),)
_SCRIPTS = (
    ("one", f"git init --quiet shop && cd shop && PYTHONPATH='{DOCS.parent}' python -m tests.docs.shell_scripts"),
)
_README = "../README.md"
_AS_YOU = (("one", "git config user.name you && git config user.email you@example.org"),)
_AS_A_TOOL = 'mkdir -p ~/bin; ln -sf "$(command -v coord)" ~/bin/coord; export PATH=~/bin:"$PATH"'
SETUP = {
    _README: (
        ("ada", _REPOSITORY),
        ("ben", "cd shop"),
        *((name, f"coord start --name {name}") for name in ("ada", "ben")),
    ),
    "tutorial.md": (),
    "tutorial-last-night.md": _NIGHT,
    "tutorial-two-machines.md": (),
    "how-to/be-notified.md": _TWO_SESSIONS,
    "how-to/commit-only-your-own.md": (*_TWO_SESSIONS, *_AS_YOU),
    "how-to/hand-over-work.md": _TWO_SESSIONS,
    "how-to/someone-has-my-file.md": _TWO_SESSIONS,
    "how-to/install-it-in-your-agents.md": _TWO_SESSIONS,
    "how-to/what-happened-last-night.md": _TWO_SESSIONS,
    "how-to/what-needs-you.md": _TWO_SESSIONS,
    "how-to/why-was-i-refused.md": _TWO_SESSIONS,
    "how-to/keep-the-log-in-order.md": (*_TWO_SESSIONS, *((name, _AS_A_TOOL) for name in ("one", "two"))),
    "how-to/move-from-the-shell-scripts.md": _SCRIPTS,
    "how-to/run-in-ci.md": (("one", _REPOSITORY), ("ci", "cd shop"), ("one", "coord start --name frontend")),
    "how-to/worktrees-and-repositories.md": (("one", _REPOSITORY), ("two", "cd shop")),
}
"""The pages whose commands are run, and the commands that are run before."""


@pytest.mark.parametrize("name", SETUP)
def test_a_page_prints_what_it_shows(name: str, tmp_path: Path) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    found = wrong(play(tmp_path, page, SETUP[name]))
    assert not found, f"{found}\n(python -m tests.docs.test_tutorial {name} updates the page)"


def test_every_page_with_commands_is_run() -> None:
    pages = [path for folder in (".", "how-to") for path in (DOCS / folder).glob("*.md")]
    assert {str(path.relative_to(DOCS)) for path in pages if any(blocks(path.read_text("utf-8")))} == set(SETUP) - {
        _README
    }


def test_the_tutorial_has_both_terminals_and_a_refusal() -> None:
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    found = [step for block in blocks(page) for step in steps(block[1])]
    assert {step.terminal for step in found} == {"one", "two"}
    assert any(line.startswith("❌ Already claimed") for step in found for line in step.shown)


def test_a_comparison_ignores_times_and_ids_only() -> None:
    shown = ["✅ Claimed: file/src/app.py until 15:20 UTC (4 h left)"]
    assert not differences(shown, "✅ Claimed: file/src/app.py until 03:07 CET (3 h 59 min left)\n")
    assert differences(shown, "❌ Already claimed: file/src/app.py\n")
    assert differences(shown, "")
    assert differences(shown, f"{shown[0]}\n\ncoord: note: the sky is falling")
    assert not differences(["...", *shown], f"{shown[0]}\n\ncoord: note: the sky is falling")
    assert differences(["exit code 1"], "exit code 0")


def write(names: list[str]) -> None:
    """Write the current output of the commands into the pages."""
    for name in names:
        page = (DOCS / name).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            played = play(Path(folder).resolve(), page, SETUP[name])
        (DOCS / name).write_text(rewritten(page, played), encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1:] or list(SETUP))
