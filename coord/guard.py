"""The guard: may this session write this file? Asked by the hooks of the agents before every write.

It is answered from a small index that every writer keeps beside the checkpoint, under the lock. Only what takes no time
is loaded here: no msgspec, no click, nothing of the fold. Where the index is not there, not whole or not up to date,
where a holder may be dead, or where there is something to write down, the long way is taken: `coord.guarding`. What is
decided is the same on both ways, by `decide`.

Whatever goes wrong, the write is let through: a guard that fails must not be in the way.
"""

import os
import sys
import time

from coord.fields import Fields
from coord.fingerprint import fingerprint
from coord.machine import START_TICKS, stat_of, state_of, whereabouts
from coord.plainjson import loads
from coord.repository import candidates, find_repository, is_ours, recorded_path, relative_to
from eventlog.system import ENDED, blake2b, changed_at, read_regular, sizes_in
from projections.conflicts import conflict, own_covers
from projections.resources import is_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

ALLOWED, DENIED = 0, 2  # exit codes, as the clients' hooks have them; DENIED with the reason on standard error
NAME = "guard"  # of the index, in the cache folder
_DIGEST = 16  # bytes
_MOST_INDEX, _MOST_INPUT = 1 << 24, 1 << 25  # bytes
FILE_OF = {"Write": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""The tools that write a file, and which of their inputs names it."""


class Row(Fields):
    """A claim or a waiting request on files, or what is asked: the fields that `projections.conflicts` looks at, and
    of what is held: `ends` (microseconds since 1970), `automatic`, `ttl_s`, `waiting`, and `said` for people.
    """

    session: str
    resource: str
    waiting: bool
    ends: int
    said: str


class Write(Fields):
    """What is about to happen: a `conversation`, or its subagent `agent`, writes `resource`. `folder` is the shared
    folder, `directory` where the file is, `worktree` as events name it.
    """

    conversation: str
    agent: str
    resource: str
    folder: str
    directory: str
    worktree: str


def decide(rows: "list[Any]", ask: "Any", now: int) -> "tuple[str, list[Any]]":
    """`allow`; or `claim`: allowed, with something to write down, for it is the first write or the claim is half over;
    or `deny`, and what is in the way. `now` in microseconds since 1970.
    """
    for own in rows:
        if not own.waiting and own_covers(own, ask):
            half_over = own.automatic and (own.ends - now) * 2 < own.ttl_s * 1_000_000
            return ("claim" if half_over else "allow"), []
    found = [row for row in rows if conflict(row, ask)]
    return ("deny" if found else "claim"), found


def denial(write: Write, found: "list[Any]") -> str:
    """What an agent is told: who has it, and what to do instead."""
    shown = "\n".join(f"  {row.said}" for row in found[:5])
    return (
        f"coord: {write.resource.removeprefix('file/')} is taken, so it was not written:\n{shown}\n"
        f"Work on something else, wait (coord claim {write.resource} --wait 10m), or ask "
        f'(coord send {found[0].session} "Question" "..."). Do not write it by another way.'
    )


def write_in(data: bytes, env: "Mapping[str, str]") -> Write | None:
    """The write that a hook's input announces; None if it is no write to a file of a shared folder's repository.

    Raises ValueError for what is no JSON.
    """
    said = loads(data)
    said = said if isinstance(said, dict) else {}
    tool = said.get("tool_input")
    name = FILE_OF.get(str(said.get("tool_name"))) if said.get("hook_event_name") == "PreToolUse" else None
    path = tool.get(name) if name and isinstance(tool, dict) else None
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    path = os.path.normpath(os.path.join(str(said.get("cwd") or ""), path))
    directory = os.path.realpath(os.path.dirname(path))
    repository = find_repository(directory)
    folder = env.get("COORD_ROOT", "") or next(filter(is_ours, candidates(directory, repository)), "")
    if not folder:
        return None
    root = repository.worktree if repository else os.path.dirname(folder)
    relative = relative_to(root, repository, os.path.join(directory, os.path.basename(path)))
    if not relative or is_pattern(relative):
        return None
    if not relative.isascii():
        from unicodedata import normalize

        relative = normalize("NFC", relative)
    return Write(
        resource=f"file/{relative}",
        conversation=str(said.get("session_id") or ""),
        agent=str(said.get("agent_id") or ""),
        folder=folder,
        directory=directory,
        worktree=recorded_path(root),
    )


def ask_of(write: Write, session: str) -> Row:
    """What a session would have to hold to write."""
    return Row(
        session=session,
        agent=write.agent,
        resource=write.resource,
        mode="exclusive",
        worktree=write.worktree,
        imported=False,
    )


def answer(
    data: bytes,
    env: "Mapping[str, str]",
    now: "Callable[[], int]",
    here: "Callable[[], tuple[str, str, str]]",
    started: "Callable[[int], int]",
    long_way: "Callable[[Write], tuple[str, list[Any]]]",
) -> tuple[int, str]:
    """The exit code of a hook, and what it says. `started` gives the start ticks of a process, 0 if there is none."""
    write = write_in(data, env)
    if write is None or not write.conversation:
        return ALLOWED, ""
    word, found = _short_way(write, env, now(), here, started) or long_way(write)
    return (DENIED, denial(write, found)) if word == "deny" else (ALLOWED, "")


def _short_way(
    write: Write,
    env: "Mapping[str, str]",
    now: int,
    here: "Callable[[], tuple[str, str, str]]",
    started: "Callable[[int], int]",
) -> "tuple[str, list[Any]] | None":
    """The answer of the index; None where that does not say it for sure."""
    if env.get("COORD_ROOT"):
        return None
    index = read_index(os.path.join(write.folder, ".cache"))
    log = os.path.join(write.folder, "log")
    session = index["sessions"].get(write.conversation) if index else None
    if not index or not session or now >= index["due"] or os.path.islink(write.folder) or os.path.islink(log):
        return None
    if index["code"] != fingerprint() or tuple(index["here"]) != here() or lengths_in(log) != index["journals"]:
        return None

    def lives(name: str) -> bool:
        anchor = index["anchors"].get(name)
        return not anchor or started(anchor[0]) == anchor[1]

    if not lives(session):
        return None  # it is another process by now
    word, found = decide([Row(**row) for row in index["rows"]], ask_of(write, session), max(now, index["at"]))
    found = [row for row in found if lives(row.session)]
    return (word, found) if word == "allow" or found else None


def read_index(cache: str) -> "dict[str, Any] | None":
    """The index in a cache folder, if there is one that is whole."""
    try:
        if os.path.islink(cache):
            return None
        data = read_regular(os.path.join(cache, NAME), _MOST_INDEX)
        whole = blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() == data[:_DIGEST]
        return loads(data[_DIGEST:]) if whole else None
    except (OSError, ValueError, RecursionError):
        return None


def with_digest(index: bytes) -> bytes:
    """An index as it stands in its file."""
    return blake2b(index, digest_size=_DIGEST).digest() + index


def lengths_in(log: str) -> dict[str, int]:
    """The size of every journal, as far as that tells whether anything was written; of those that were archived, when
    that last happened. Raises OSError.
    """
    return sizes_in(log) | {"/": archived_at(log)}


def archived_at(log: str) -> int:
    """When a journal was last put among the ended, in nanoseconds since 1970; 0 if none was. Raises OSError."""
    try:
        return changed_at(os.path.join(log, ENDED))
    except FileNotFoundError:
        return 0


def _started(pid: int) -> int:
    """The start ticks of a process; 0 if there is none, or none that can be looked at."""
    try:
        fields = stat_of(pid)[1]
        return 0 if state_of(fields) in "ZX" else int(fields[START_TICKS])
    except (OSError, ValueError, IndexError):
        return 0


def _now() -> int:
    return time.time_ns() // 1000


def main(long_way: "Callable[[Write], tuple[str, list[Any]]]") -> int:
    """Answer a hook: its input from standard input, a denial to standard error. The exit code."""
    try:
        data = sys.stdin.buffer.read(_MOST_INPUT + 1) if sys.stdin else b""
        said = answer(data, os.environ, _now, whereabouts, _started, long_way) if data.strip() else (ALLOWED, "")
    except Exception as error:  # whatever it is: fail open
        said = ALLOWED, f"coord: the guard could not tell, so the write was let through: {error}"
    code, text = said
    if text and sys.stderr:
        sys.stderr.write(text.encode(errors="backslashreplace").decode() + "\n")
    return code
