"""Run the command lines of an action, and return what they printed."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from coord.servers.child_process import ChildFailed, ChildNotStarted, run_child
from coord.servers.web.actions.table import CommandLine
from coord.workspace.paths import Workspace

LIMIT_S = 60.0  # a command that waits for the machine's lock gives up earlier
_NOTE, _ERROR = "coord: note: ", "coord: "
_REMINDER = " unread: coord inbox"  # ends the last line of a result; the page shows the count itself


class Answer(Struct):
    """What a command printed: its exit code, its result, its notes, and its error."""

    code: int = 0
    text: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""


async def run_all(lines: Sequence[CommandLine], me: str, workspace: Workspace, env: Mapping[str, str]) -> Answer:
    """Run command lines one after the other until one is refused. `me` is the session that acts by default."""
    whole = Answer()
    for line in lines:
        answer = await run_command(line, line.session or me, workspace, env)
        texts = [text for text in (whole.text, answer.text) if text]
        whole = Answer(answer.code, "\n".join(texts), [*whole.notes, *answer.notes], answer.error)
        if answer.code:
            break
    return whole


async def run_command(
    line: CommandLine, session: str, workspace: Workspace, env: Mapping[str, str], limit_s: float = LIMIT_S
) -> Answer:
    """Run one command line as a session."""
    name, *words = line.words
    command = (name, f"--session={session}", *words)
    try:
        code, out, err = await run_child(
            command, workspace.folder, workspace.root, env, text=line.text, timeout_s=limit_s
        )
    except ChildNotStarted as error:
        return Answer(4, error=f"{error}. Nothing was done.")
    except ChildFailed as error:
        return Answer(1, error=f"{error}. To see what it did: coord log --last 5")
    return read_output(code, out, err)


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
