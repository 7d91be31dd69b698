"""Run a command of coord as a process of its own, and return what it printed.

The command is not in the process group of the server: Ctrl-C, which ends the server, must not interrupt it.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct, field

from coord.servers.environment import clean_environment
from coord.servers.web.actions.table import Words
from coord.workspace.paths import Workspace

LIMIT_S = 60.0  # a command that waits for the machine's lock gives up earlier
_NOTE, _ERROR = "coord: note: ", "coord: "
_REMINDER = " unread: coord inbox"  # ends the last line of a result; the page shows the count itself
_TIMED_OUT = "the command did not end within {:g} s, and was stopped. To see what it did: coord log --last 5"


class Answer(Struct):
    """What a command printed: its exit code, its result, its notes, and its error."""

    code: int = 0
    text: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""


async def run_all(lines: Sequence[Words], me: str, workspace: Workspace, env: Mapping[str, str]) -> Answer:
    """Run command lines one after the other until one is refused. `me` is the session that acts by default."""
    whole = Answer()
    for line in lines:
        answer = await run_command(line, line.session or me, workspace, env)
        texts = [text for text in (whole.text, answer.text) if text]
        whole = Answer(answer.code, "\n".join(texts), [*whole.notes, *answer.notes], answer.error)
        if answer.code:
            break
    return whole


async def run_command(line: Words, session: str, workspace: Workspace, env: Mapping[str, str]) -> Answer:
    """Run one command line as a session."""
    name, *words = line.words
    shared = [f"--session={session}", f"--root={workspace.folder}"]
    command = [sys.executable, "-P", "-m", "coord", name, *shared, *words]
    try:
        process = await asyncio.create_subprocess_exec(
            *(word.encode() for word in command[:1]),
            *(word.encode(errors="surrogateescape") for word in command[1:]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=workspace.root,
            env=clean_environment(env) | {"PYTHONUTF8": "1", "NO_COLOR": "1"},
            start_new_session=os.name == "posix",
        )
    except (OSError, ValueError) as error:
        return Answer(4, error=f"cannot run coord {name}: {error}. Nothing was done.")
    try:
        out, err = await asyncio.wait_for(process.communicate(line.text.encode()), LIMIT_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.terminate()
        return Answer(1, error=_TIMED_OUT.format(LIMIT_S))
    return read_output(process.returncode or 0, out, err)


def read_output(code: int, out: bytes, err: bytes) -> Answer:
    """Return the answer of a command from what it wrote to its two streams. Each note and the error are one line."""
    answer = Answer(code, _without_reminder(out.decode(errors="replace").rstrip("\n")))
    errors = []
    for row in err.decode(errors="replace").splitlines():
        if row.startswith(_NOTE):
            answer.notes.append(row.removeprefix(_NOTE))
        elif row:
            errors.append(row.removeprefix(_ERROR))
    answer.error = "\n".join(errors) if code else ""
    answer.notes += [] if code else errors
    return answer


def _without_reminder(text: str) -> str:
    """Return a result without the line that reminds a terminal of unread messages."""
    result, _, last = text.rpartition("\n")
    return result if result and last.startswith("📬 ") and last.endswith(_REMINDER) else text
