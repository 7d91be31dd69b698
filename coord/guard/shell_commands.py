"""The traces of shell commands. It is not known in advance which files a command will write. So the hook before it
records the stamps of the files that other sessions hold, and the hooks of the session after a tool, at a prompt and at
a stop compare them, until the command has ended.

A command can continue after its tool. Its trace then gets another name, which shows that the agent does not wait for
it, and later hooks also compare the files that others have claimed since it began. It ends when the client reports its
end, or at a stop at which the client does not list it (see `has_ended`).

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
    from collections.abc import Callable, Mapping

    from coord.platform.git.naming import Checkout

    Traces = dict[str, hook_state.Trace]  # by their paths

_RUNNING = "shell-"  # the beginning of the names of the traces of commands for which the agent waits
_BACKGROUND = "background-"  # the same for commands that continue in the background
_ENDED = "ended-shell"  # the trace of the end of a session's last command
_NOTES_FOLDER = "elsewhere"  # the folder of the notes
_FIELDS = {"at": int, "agent": str, "root": str, "worktree": str, "files": dict, "claims": dict, "task": str}
_TURN_ENDS = ("stop", "turn_end")
_LONGEST_S = 3600  # a command that has not ended by then is assumed to be interrupted


def trace_path(cache: str, session: str, call: HookCall) -> str:
    """Return the path of the trace of a running command."""
    return os.path.join(hook_state.folder_of(cache, session), _name(call))


def _name(call: HookCall) -> str:
    """Return the name of a command's trace. Some clients have no ids for calls of tools. The shell commands in the text
    of a skill have the id of the call of the skill, and a suffix.
    """
    use = call.use.partition(":")[0] if call.event in call.client.unended else call.use
    return f"{_RUNNING}{hook_state.digest(use or call.command, call.agent)}"


def record_start(call: HookCall, path: str, cache: str, place: "Checkout", claims: "dict[str, str]", now: int) -> None:
    """Record the start of a command: the stamps of the claimed files in its checkout, and of its git directory.
    `claims` has the id of the claim on each file, by the file's name.
    """
    unended = call.event in call.client.unended
    if unended and os.path.exists(path):
        return  # the trace of an earlier command of the same skill also shows what this one changes
    seen: hook_state.Trace = {
        "at": now,
        "agent": call.agent,
        "root": place.root,
        "worktree": place.worktree,
        "git": place.git,
        "commit": hook_state.git_stamp(place.git),
        "files": {},
        "claims": {},
    }
    if unended:
        seen["brief"] = 1
    hook_state.write_trace(path, _with_files(seen, cache, claims))


def _with_files(seen: "hook_state.Trace", cache: str, claims: "dict[str, str]") -> "hook_state.Trace":
    """Return a trace with the present stamps of the claimed files. A file that was reported is left out until another
    claim is made on it. A file that has changed since the comparison at this call keeps its stamp for the next one.
    """
    files, known = seen.get("files", {}), seen.get("claims", {})
    stamps = {}
    for name, claim in claims.items():
        before, is_known = files.get(name), known.get(name) == claim
        if before is None and is_known:  # it was reported
            continue
        stamp = _stamp(cache, seen, name)
        stamps[name] = before if before is not None and is_known and _is_changed(cache, seen, name, stamp) else stamp
    return seen | {"files": stamps, "claims": claims}


def _stamp(cache: str, seen: "hook_state.Trace", name: str) -> str:
    path = hook_state.claimed_path(cache, seen.get("root", ""), seen.get("worktree", ""), f"file/{name}")
    return hook_state.file_stamp(path)


def commands_to_compare(cache: str, session: str, call: HookCall) -> "Traces":
    """Return the traces of the commands whose changes the agent of this call is shown: its own, and for the session
    itself also those in the background, and when no subagent works any more, all.
    """
    all_of_them = call.hook_event == "end" or (call.hook_event in _TURN_ENDS and call.alone)
    found: Traces = {}
    for path in _traces(hook_state.folder_of(cache, session)):
        seen = hook_state.read_trace(path)
        if any(not isinstance(seen.get(name, kind()), kind) for name, kind in _FIELDS.items()):  # it is damaged
            seen = {}
        own = seen.get("agent", "") == call.agent or all_of_them
        if own or (_is_background(path) and not call.agent):
            found[path] = seen
    return found


def changed_files(seen: "hook_state.Trace", cache: str) -> dict[str, str]:
    """Return the files that have changed since a command's start, each with the id of the claim on it. Files that were
    changed by an edit of their holder are left out.
    """
    claims, root = seen.get("claims", {}), seen.get("root", "")
    if not root:
        return {}
    changed = {}
    for name in seen.get("files", {}):
        if _is_changed(cache, seen, name, _stamp(cache, seen, name)):
            changed[name] = str(claims.get(name, ""))
    return changed


def _is_changed(cache: str, seen: "hook_state.Trace", name: str, stamp: str) -> bool:
    """Return whether a file with this stamp has changed, and not by an edit of an agent: the file is not as the last
    edit left it, and none is pending.
    """
    if stamp == seen.get("files", {}).get(name):
        return False
    edit = hook_state.read_trace(hook_state.edit_trace_path(cache, seen.get("worktree", ""), f"file/{name}"))
    return not edit.get("pending") and edit.get("file") != stamp


def after_report(seen: "hook_state.Trace", cache: str, reported: "set[str]", excused: "set[str]") -> "hook_state.Trace":
    """Return a trace that no longer compares the files whose changes have been reported, and compares the changed files
    of which no report was due with how they look now.
    """
    files = {name: stamp for name, stamp in seen.get("files", {}).items() if name not in reported}
    return seen | {"files": files | {name: _stamp(cache, seen, name) for name in excused}}


def may_have_committed(seen: "hook_state.Trace", git: str) -> bool:
    """Return whether a command may have committed something. `git` is the git directory where it ended. If it began in
    another one, the earlier stamp is unknown, and the answer is true.
    """
    return seen.get("git") != git or seen.get("commit") != hook_state.git_stamp(git)


def has_ended(call: HookCall, path: str, seen: "hook_state.Trace", now: int) -> bool:
    """Return whether a command has ended, according to a call: the client says so, or it cannot run any more.

    - The hook after a tool ends the tool's own command, unless that continues in the background, and the commands of
      the text of a skill.
    - The agent does not wait for a command when it gets a prompt, stops or is interrupted.
    - A client that has ids for its commands in the background lists those that still run at a stop. Those of other
      clients are assumed to have ended after an hour.
    """
    task, name = seen.get("task", ""), os.path.basename(path)
    if call.hook_event == "end" or not _may_run(path, seen, now):
        return True
    if call.ended:
        return task == call.ended
    if call.hook_event == "after":
        return bool(seen.get("brief")) or (name == _name(call) and not call.continues)
    if not _is_background(path):
        return call.hook_event in ("prompt", *_TURN_ENDS)
    return call.running is not None and bool(task) and task not in call.running


def _may_run(path: str, seen: "hook_state.Trace", now: int) -> bool:
    """Return whether a command can still be running. The end of one with an id is reported."""
    return bool(_is_background(path) and seen.get("task")) or 0 <= now - seen.get("at", 0) < _LONGEST_S * 1_000_000


def update_traces(
    call: HookCall,
    cache: str,
    session: str,
    traces: "Traces",
    held: "Callable[[str], dict[str, str]] | None",
    now: int,
) -> None:
    """Record, after a call was answered, which commands have ended, and how the files of the others look now. `held`
    returns the id of the claim on each file of a worktree that other sessions hold; if it is None, the claims in the
    traces are kept.
    """
    for path, seen in traces.items():
        continues = call.continues and os.path.basename(path) == _name(call)
        if has_ended(call, path, seen, now):
            hook_state.remove_trace(path)
            if call.hook_event == "after" or _is_background(path):  # an interrupted command ended earlier
                hook_state.write_trace(os.path.join(hook_state.folder_of(cache, session), _ENDED), {"at": now})
            continue
        claims = held(seen.get("worktree", "")) if held else seen.get("claims", {})
        new = _with_files(seen, cache, claims) | {"compared": now}
        if continues:
            new["task"] = call.task
            folder, name = os.path.split(path)
            hook_state.write_trace(os.path.join(folder, _BACKGROUND + name.removeprefix(_RUNNING)), new)
            hook_state.remove_trace(path)
        elif os.path.exists(path):  # otherwise a hook that ran at the same time has ended it
            hook_state.write_trace(path, new)


def ran_since(cache: str, session: str, since: int, now: int) -> bool:
    """Return whether a command of a session is running, or has ended since a time."""
    folder = hook_state.folder_of(cache, session)
    running = any(_may_run(path, hook_state.read_trace(path), now) for path in _traces(folder))
    return running or hook_state.read_trace(os.path.join(folder, _ENDED)).get("at", 0) >= since


def remove_notes(call: HookCall, env: "Mapping[str, str]") -> None:
    """Delete the notes of where the commands of a conversation began, since it waits for none any more."""
    if notes := _notes_folder(call, env):
        for path in _traces(notes):
            hook_state.remove_trace(path)


def _traces(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith((_RUNNING, _BACKGROUND))]
    except OSError:
        return []


def _is_background(path: str) -> bool:
    return os.path.basename(path).startswith(_BACKGROUND)


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
