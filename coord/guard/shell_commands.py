"""The traces of shell commands. It is not known in advance which files a command will write. So the hook before it
records the stamps of the files that other sessions hold, and the hook after it compares them.

A command can change its folder. So its trace contains the worktree and the git directory in which it began, and these
are compared afterwards. If a command begins outside the shared folder in which its client was started, a note in the
client's shared folder records where it began.

Hooks load this module before every shell command, so it imports only modules that load fast.
"""

import os

from coord.guard import hook_state
from coord.guard.payload import HookCall, folder_at
from coord.platform.git.naming import is_same_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from coord.platform.git.naming import Checkout

_RUNNING = "shell-"  # the beginning of the names of the traces of running commands
_ENDED = "ended-shell"  # the trace of the end of a session's last command
_NOTES_FOLDER = "elsewhere"  # the folder of the notes
_LONGEST_S = 3600  # a command that has not ended by then is assumed to be interrupted


def trace_path(cache: str, session: str, call: HookCall) -> str:
    """Return the path of the trace of a running command."""
    return os.path.join(hook_state.folder_of(cache, session), _name(call))


def _name(call: HookCall) -> str:
    return f"{_RUNNING}{hook_state.digest(call.use or call.command, call.agent)}"


def record_start(path: str, cache: str, place: "Checkout", claims: "dict[str, str]", now: int) -> None:
    """Record the start of a command: the stamps of the claimed files in its checkout, and of its git directory.
    `claims` has the id of the claim on each file, by the file's name.
    """
    stamps = {name: _stamp(cache, place.root, place.worktree, name) for name in claims}
    seen: hook_state.Trace = {
        "at": now,
        "root": place.root,
        "worktree": place.worktree,
        "git": place.git,
        "commit": hook_state.git_stamp(place.git),
        "files": stamps,
        "claims": claims,
    }
    hook_state.write_trace(path, seen)


def _stamp(cache: str, root: str, worktree: str, name: str) -> str:
    return hook_state.file_stamp(hook_state.claimed_path(cache, root, worktree, f"file/{name}"))


def changed_files(seen: "hook_state.Trace", cache: str) -> dict[str, str]:
    """Return the files that have changed since a command's start, each with the id of the claim on it."""
    root, stamps, claims = seen.get("root", ""), seen.get("files", {}), seen.get("claims", {})
    if not root:
        return {}
    return {
        name: claims.get(name, "")
        for name, stamp in stamps.items()
        if _stamp(cache, root, seen.get("worktree", ""), name) != stamp
    }


def may_have_committed(seen: "hook_state.Trace", git: str) -> bool:
    """Return whether a command may have committed something. `git` is the git directory where it ended. If it began in
    another one, the earlier stamp is unknown, and the answer is true.
    """
    return seen.get("git") != git or seen.get("commit") != hook_state.git_stamp(git)


def record_end(path: str, cache: str, session: str, now: int) -> None:
    """Record the end of a command, and delete its trace."""
    hook_state.remove_trace(path)
    hook_state.write_trace(os.path.join(hook_state.folder_of(cache, session), _ENDED), {"at": now})


def ran_since(cache: str, session: str, since: int, now: int) -> bool:
    """Return whether a command of a session is running, or has ended since a time."""
    folder = hook_state.folder_of(cache, session)
    started = [hook_state.read_trace(path).get("at", 0) for path in _running(folder)]
    running = any(0 <= now - at < _LONGEST_S * 1_000_000 for at in started)
    return running or hook_state.read_trace(os.path.join(folder, _ENDED)).get("at", 0) >= since


def remove_traces(call: HookCall, env: "Mapping[str, str]", cache: str, session: str) -> None:
    """Delete the traces of a session's commands, since none is running any more."""
    notes = _notes_folder(call, env)
    for path in [*_running(hook_state.folder_of(cache, session)), *(_running(notes) if notes else ())]:
        hook_state.remove_trace(path)


def _running(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(_RUNNING)]
    except OSError:
        return []


# --- commands that leave the shared folder ----------------------------------------------------------------------------


def note_start_folder(call: HookCall, env: "Mapping[str, str]") -> None:
    """Write a note of where a command begins, if its shared folder is not the one in which its client was started."""
    notes = _notes_folder(call, env)
    if notes and call.use and not is_same_folder(folder_at(call.cwd, env), _client_folder(call, env)):
        hook_state.write_trace(os.path.join(notes, _name(call)), {"cwd": call.cwd})


def as_started(call: HookCall, env: "Mapping[str, str]") -> HookCall:
    """Return the call after a command with the working directory in which the command began, if it ended in another
    shared folder.
    """
    notes = _notes_folder(call, env)
    if not notes or not call.use:
        return call
    path = os.path.join(notes, _name(call))
    began: str = hook_state.read_trace(path).get("cwd", "") or env[call.client.project]
    hook_state.remove_trace(path)
    if is_same_folder(folder_at(call.cwd, env), folder_at(began, env)):
        return call
    return HookCall(**(vars(call) | {"cwd": began}))


def _client_folder(call: HookCall, env: "Mapping[str, str]") -> str:
    """Return the shared folder in which the client was started; empty if that is not known."""
    return folder_at(env.get(call.client.project, ""), env)


def _notes_folder(call: HookCall, env: "Mapping[str, str]") -> str:
    """Return the folder of a conversation's notes; empty if it can have none."""
    if not (home := _client_folder(call, env)):
        return ""
    return os.path.join(
        hook_state.folder_of(os.path.join(home, ".cache"), _NOTES_FOLDER), hook_state.digest(call.conversation)
    )
