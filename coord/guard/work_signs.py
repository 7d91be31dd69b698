"""What the disk shows of an agent's work besides the events of its session: its transcript and its shell commands.

A client names the file with the transcript of a conversation in the input of each hook. The hook that starts a session
saves the path as a trace. The transcript grows while the agent works, and its last line can show that the turn was
interrupted or failed, which some clients report to no hook. `projections.rules.liveness` decides what the signs prove.
"""

import os
from stat import S_ISREG

from coord.clients.client import client_named
from coord.guard import hook_state, shell_commands
from coord.platform.json_reader import loads
from coord.platform.records import LightRecord
from eventlog.local.files import NOFOLLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from coord.clients.client import Client

_TRANSCRIPT = "transcript"  # the name of the trace
_TAIL_BYTES = 4096  # how much of a transcript is read


class WorkSigns(LightRecord):
    """The signs of an agent's work. `known` is whether its transcript is known and can be examined, or it has none."""

    known: bool
    transcript_at: int  # when the transcript last grew, in microseconds since 1970; 0 if there is none
    runs: bool  # whether a shell command is running, or has ended recently
    ended: str  # why the turn has ended, according to the last lines of the transcript; empty if they do not show it


NO_SIGNS = WorkSigns(known=False, transcript_at=0, runs=False, ended="")


def record_transcript(cache: str, session: str, client: str, path: str) -> None:
    """Save the path of a session's transcript; `client` is the word for its client."""
    trace: hook_state.Trace = {"transcript": path, "client": client}
    hook_state.write_trace(_trace_path(cache, session), trace)


def sessions_with_traces(cache: str) -> "Collection[str]":
    """Return the names in the folder of traces: those of all sessions that have traces are among them."""
    try:
        return set(os.listdir(hook_state.folder_of(cache)))
    except OSError:
        return ()


def read_signs(cache: str, session: str, now: int, recent_us: int) -> WorkSigns:
    """Return the signs of a session's work. A shell command has ended recently if that was less than `recent_us`
    microseconds before `now`.
    """
    trace = hook_state.read_trace(_trace_path(cache, session))
    at, ended = _look(str(trace.get("transcript", "")), client_named(str(trace.get("client", ""))))
    runs = shell_commands.ran_since(cache, session, now - recent_us, now)
    return WorkSigns(known=bool(trace) and at is not None, transcript_at=at or 0, runs=runs, ended=ended)


def _trace_path(cache: str, session: str) -> str:
    return os.path.join(hook_state.folder_of(cache, session), _TRANSCRIPT)


def _look(path: str, client: "Client | None") -> "tuple[int | None, str]":
    """Return when a transcript last changed, None if that is unknown; and why the turn has ended, if it shows that."""
    if not path:
        return 0, ""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW)  # does not block, even if the path is a pipe
    except (OSError, ValueError):
        return None, ""
    try:
        status = os.fstat(fd)
        if not S_ISREG(status.st_mode):
            return None, ""
        os.lseek(fd, max(0, status.st_size - _TAIL_BYTES), os.SEEK_SET)
        tail = os.read(fd, _TAIL_BYTES) if client and client.turn_ends else b""
    except OSError:
        return None, ""
    finally:
        os.close(fd)
    return status.st_mtime_ns // 1000, _ended_because(client, tail) if client else ""


def _ended_because(client: "Client", tail: bytes) -> str:
    """Return why the turn has ended, according to the last line about it; empty if the turn may continue."""
    field, kinds = client.turn_lines
    for text in reversed(tail.split(b"\n")):
        try:
            line = loads(text)
        except (ValueError, RecursionError):
            continue  # the end of a longer line, or a line that is being written
        if _value(line, field) in kinds:
            return next((why for path, start, why in client.turn_ends if _value(line, path).startswith(start)), "")
    return ""


def _value(line: object, path: str) -> str:
    """Return a value in a line as text; empty if there is none. The path has the keys and the numbers of items."""
    for part in path.split("."):
        if isinstance(line, list):
            line = line[int(part)] if part.isdigit() and int(part) < len(line) else None
        else:
            line = line.get(part) if isinstance(line, dict) else None
    return line if isinstance(line, str) else "true" if line is True else ""
