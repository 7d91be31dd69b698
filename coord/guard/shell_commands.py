"""The traces of shell commands. Nobody knows beforehand what a command writes, so the hook before it notes how the
files of other sessions look, and the hook after it compares.

A command can end in another folder than it began in. So its trace names the worktree and the git directory that were
looked at, and these are compared. And a client whose commands can leave a shared folder tells its hooks where it was
started: a command that begins in another shared folder than that one leaves a note there of where it began.

Read before every shell command of an agent, so only what takes no time is loaded here.
"""

import os

from coord.guard import hook_state
from coord.guard.payload import HookCall, folder_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_RUNNING = "shell-"  # how the trace of a command that runs is called
_ENDED = "ended-shell"  # the trace of when a session's last command was over
_NOTES_FOLDER = "elsewhere"  # the folder of the notes of where commands began
_LONGEST_S = 3600  # after so long a command that did not end is taken for one that was broken off


def trace_path(cache: str, session: str, call: HookCall) -> str:
    """Where the trace of a command is, from before it to after it."""
    return os.path.join(hook_state.folder_of(cache, session), _name(call))


def _name(call: HookCall) -> str:
    return f"{_RUNNING}{hook_state.digest(call.use, call.agent)}"


def record_start(path: str, root: str, git: str, claims: "dict[str, str]", now: int) -> None:
    """Leave the trace of a command that is about to run: how the claimed files below `root` look, and `git`, the git
    directory of that worktree. `claims` has the claim's id by the file's name.
    """
    looks = {name: hook_state.file_stamp(os.path.join(root, name)) for name in claims}
    seen: hook_state.Trace = {
        "at": now,
        "root": root,
        "git": git,
        "commit": hook_state.git_stamp(git),
        "files": looks,
        "claims": claims,
    }
    hook_state.write_trace(path, seen)


def changed_files(seen: "hook_state.Trace") -> dict[str, str]:
    """The files that look otherwise than in a command's trace, each with the id of the claim on it."""
    root, looks, claims = seen.get("root", ""), seen.get("files", {}), seen.get("claims", {})
    if not root:
        return {}
    return {
        name: claims.get(name, "")
        for name, look in looks.items()
        if hook_state.file_stamp(os.path.join(root, name)) != look
    }


def may_have_committed(seen: "hook_state.Trace", git: str) -> bool:
    """Whether a command may have committed something: where it began, or in the worktree where it ended, whose git
    directory is `git`. How git stood there before is not known.
    """
    return seen.get("git") != git or seen.get("commit") != hook_state.git_stamp(git)


def record_end(path: str, cache: str, session: str, now: int) -> None:
    """A command is over: its trace is removed, and it is noted when that was."""
    hook_state.remove_trace(path)
    hook_state.write_trace(os.path.join(hook_state.folder_of(cache, session), _ENDED), {"at": now})


def ran_since(cache: str, session: str, since: int, now: int) -> bool:
    """Whether a command of a session runs, or was over only since then."""
    folder = hook_state.folder_of(cache, session)
    begun = [hook_state.read_trace(path).get("at", 0) for path in _in(folder)]
    running = any(0 <= now - at < _LONGEST_S * 1_000_000 for at in begun)
    return running or hook_state.read_trace(os.path.join(folder, _ENDED)).get("at", 0) >= since


def remove_traces(call: HookCall, env: "Mapping[str, str]", cache: str, session: str) -> None:
    """No command of a session runs any more, whatever became of it."""
    notes = _notes_folder(call, env)
    for path in [*_in(hook_state.folder_of(cache, session)), *(_in(notes) if notes else ())]:
        hook_state.remove_trace(path)


def _in(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(_RUNNING)]
    except OSError:
        return []


# --- from one shared folder to another --------------------------------------------------------------------------------


def note_start_folder(call: HookCall, env: "Mapping[str, str]") -> None:
    """Leave a note of where a command begins, if that is not in the shared folder that its client was started in."""
    notes = _notes_folder(call, env)
    if notes and call.use and folder_at(call.cwd, env) != _client_folder(call, env):
        hook_state.write_trace(os.path.join(notes, _name(call)), {"cwd": call.cwd})


def as_started(call: HookCall, env: "Mapping[str, str]") -> HookCall:
    """The call of a hook after a command, as a call from the shared folder in which the command began."""
    notes = _notes_folder(call, env)
    if not notes or not call.use:
        return call
    path = os.path.join(notes, _name(call))
    began: str = hook_state.read_trace(path).get("cwd", "") or env[call.client.project]
    hook_state.remove_trace(path)
    if folder_at(call.cwd, env) == folder_at(began, env):
        return call
    return HookCall(**(vars(call) | {"cwd": began}))


def _client_folder(call: HookCall, env: "Mapping[str, str]") -> str:
    """The shared folder that the client was started in; empty if that is not known."""
    return folder_at(env.get(call.client.project, ""), env)


def _notes_folder(call: HookCall, env: "Mapping[str, str]") -> str:
    """Where the notes of a conversation are; empty if there can be none."""
    if not (home := _client_folder(call, env)):
        return ""
    return os.path.join(
        hook_state.folder_of(os.path.join(home, ".cache"), _NOTES_FOLDER), hook_state.digest(call.conversation)
    )
