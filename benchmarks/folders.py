"""Repositories to measure in: each has a history, and sessions that run commands."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.history import Author, Shape
from coord.workspace.anchors import anchor_of
from coord.workspace.system import real_system
from eventlog.events import HOUR_S, Instant, from_micros
from eventlog.local.writer import archive_journal
from tests.support.processes import COORD, environment

PYTHON = sys.executable
PASS = [PYTHON, "-c", "pass"]  # P
LOAD = [PYTHON, "-c", "import click, msgspec"]  # L
HOOK = [COORD, "hook", "claude"]
CONVERSATION = "bench-conversation"  # the client's id of the acting session's conversation
EDITED = "src/edited.py"  # a file that another agent is editing
OWN_EDIT = "src/mine.py"  # a file that the acting agent is editing
MOST_ASKED = 200  # events about what `coord why` and `coord log --resource` are asked about
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

    @property
    def resource(self) -> str:
        """The resource with the most events, of those with at most `MOST_ASKED` events. Most are spread out in time."""
        return max((count, name) for name, count in self.author.mentions.items() if count <= MOST_ASKED)[1]

    @property
    def session(self) -> str:
        """A session from the middle of the history."""
        sessions = list(self.author.state.sessions)
        return sessions[len(sessions) // 2]

    @property
    def message(self) -> str:
        """A message from the middle of the history."""
        return self.author.messages[len(self.author.messages) // 2]

    def acting(self, session: str) -> dict[str, str]:
        """Return the environment for a command of a session, and for a hook of Claude Code."""
        return self.env | {"COORD_SESSION": session, "CLAUDECODE": "1"}

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


def prepare(
    root: Path, events: int, shape: Shape | None = None, *, archived: bool = False, processes: Sequence[int] = ()
) -> Folder:
    """Create a repository with a history of `events` events that ends a minute ago.

    Its live sessions are on this machine, and every command checks whether their processes are alive: `processes` in
    turn, or else this one. With `archived`, the journals of sessions that ended more than an hour ago are archived, as
    `coord start` does it over time.
    """
    root.mkdir(parents=True)
    env = environment(root / "home")
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, env=env, check=True)
    subprocess.run([COORD, "init"], cwd=root, env=env, check=True, capture_output=True)
    system = real_system()
    found = [system.processes.process(pid) for pid in processes or (os.getpid(),)]
    anchors = [anchor_of(process, system.here) for process in found if process]
    folder = str((root / "COORDINATION").resolve())
    author = Author(
        os.path.join(folder, "log"),
        shape=shape,
        machine=system.here.machine,
        folder=folder,
        anchors=[anchor for anchor in anchors if anchor],
    )
    end = time.time_ns() // 1000 - _BEFORE_NOW
    author.write(events, end)
    if archived:
        _archive(author, from_micros(end - HOUR_S * 1_000_000))
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


def _archive(author: Author, before: Instant) -> None:
    for session in author.state.sessions.values():
        if not session.live and session.over_at < before:
            archive_journal(author.log, session.id)


@contextmanager
def idle_processes(count: int) -> Iterator[list[int]]:
    """Run `count` processes that do nothing, each in a process session of its own, and yield their pids."""
    script = "import os, signal\nprint(flush=True)\nsignal.pause()"
    running = [
        subprocess.Popen([PYTHON, "-I", "-S", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(count)
    ]
    try:
        for process in running:
            process.stdout.readline()  # type: ignore[union-attr]
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()


def hook_payload(root: Path, event: str, **more: object) -> bytes:
    """Return the payload of a client's hook, as JSON."""
    payload = {"session_id": CONVERSATION, "cwd": str(root), "hook_event_name": event, "transcript_path": "/t.jsonl"}
    return json.dumps(payload | more).encode()
