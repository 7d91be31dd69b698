"""Repositories to measure in: each has a history, and sessions that run commands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from msgspec import Struct

from benchmarks.history import Author
from coord.workspace.anchors import anchor_of
from coord.workspace.system import real_system
from eventlog.local.files import JOURNAL_SUFFIX
from eventlog.local.writer import archive_journal
from tests.support.processes import COORD, environment

PYTHON = sys.executable
PASS = [PYTHON, "-c", "pass"]  # P
LOAD = [PYTHON, "-c", "import click, msgspec"]  # L
HOOK = [COORD, "hook", "claude"]
CONVERSATION = "bench-conversation"  # the client's id of the acting session's conversation
EDITED = "src/edited.py"  # a file that another agent is editing
OWN_EDIT = "src/mine.py"  # a file that the acting agent is editing
_BEFORE_NOW = 60_000_000  # microseconds from the end of the history to now


class Folder(Struct):
    """A repository. `me` is the acting session; `other` is a session that holds `src/taken.py`."""

    root: Path
    author: Author
    env: dict[str, str]
    me: str = ""
    other: str = ""

    @property
    def log(self) -> str:
        """The folder with the journals."""
        return str(self.root / "COORDINATION" / "log")

    def acting(self, session: str) -> dict[str, str]:
        """Return the environment for a command of a session."""
        return self.env | {"COORD_SESSION": session}

    def coord(self, session: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command without measuring it, and return its output. Exits if its exit code is not one of `codes`."""
        done = subprocess.run([COORD, *words], cwd=self.root, env=self.acting(session), capture_output=True, text=True)
        if done.returncode not in codes:
            raise SystemExit(f"coord {' '.join(words)}: {done.stderr}")
        return done.stdout

    def start(self, name: str, **more: str) -> str:
        """Start a session and return its id."""
        words = [COORD, "start", "--no-anchor", "--new", "--json", "--name", name]
        answer = subprocess.run(words, cwd=self.root, env=self.env | more, capture_output=True, check=True).stdout
        return str(json.loads(answer)["session"])


def prepare(root: Path, events: int, *, archived: bool = False) -> Folder:
    """Create a repository with a history of `events` events that ends a minute ago.

    Its twenty live sessions are on this machine with this process as their anchor, so every command checks whether they
    are alive. With `archived`, the journals of ended sessions are archived as `coord archive` does it.
    """
    root.mkdir(parents=True)
    env = environment(root / "home")
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, env=env, check=True)
    subprocess.run([COORD, "init"], cwd=root, env=env, check=True, capture_output=True)
    system = real_system()
    own, folder = system.processes.process(os.getpid()), str((root / "COORDINATION").resolve())
    author = Author(
        os.path.join(folder, "log"),
        machine=system.here.machine,
        folder=folder,
        anchor=anchor_of(own, system.here) if own else None,
    )
    author.write(events, time.time_ns() // 1000 - _BEFORE_NOW)
    if archived:
        live = {journal.id for journal in author.open}
        for path in Path(author.log).glob(f"*{JOURNAL_SUFFIX}"):
            if path.name.removesuffix(JOURNAL_SUFFIX) not in live:
                archive_journal(author.log, path.name.removesuffix(JOURNAL_SUFFIX))
    made = Folder(root, author, env)
    made.other, made.me = made.start("other"), made.start("me", CLAUDECODE="1", CLAUDE_CODE_SESSION_ID=CONVERSATION)
    made.coord(made.other, "claim", "file", "src/taken.py", "100")
    made.coord(made.me, "claim", "file", "src/own.py", "100")
    (root / "src").mkdir()
    for name, conversation in ((EDITED, "another"), (OWN_EDIT, CONVERSATION)):
        tool = {"tool_name": "Write", "tool_input": {"file_path": str(root / name)}, "session_id": conversation}
        for event in ("PreToolUse", "PostToolUse"):
            subprocess.run(HOOK, input=hook_payload(root, event, **tool), cwd=root, env=env, check=True)
            (root / name).write_text("print()\n")
    return made


def hook_payload(root: Path, event: str, **more: object) -> bytes:
    """Return the payload of a client's hook, as JSON."""
    payload = {"session_id": CONVERSATION, "cwd": str(root), "hook_event_name": event}
    return json.dumps(payload | more).encode()
