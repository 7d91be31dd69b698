"""The hooks of the agents' clients: from what a client says to what it hears, with as little work as there is to do.

Most calls have nothing to say and nothing to write down, and the guard's index tells which: then only what is loaded
here is. All else goes the long way, `coord.hooks.handlers`, where each moment has its function.

A hook never breaks an agent: whatever goes wrong in one, the agent goes on, and `coord doctor` shows what it was. What
an agent does is stopped in one way alone: a write that is denied, by exit code 2 with the reason on standard error.
"""

import os
import sys
import time

from coord.guard import hook_state, shell_commands
from coord.guard.index import GuardIndex, denial_text, load_index, needed_claim
from coord.guard.payload import HookCall, client_named, folder_at, parse_call, writes_in
from coord.platform.git.repository import find_repository, recorded_path
from coord.platform.host import host_identity, start_ticks
from projections.rules.conflicts import conflict

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coord.guard.payload import Write

ALLOWED, DENIED = 0, 2  # exit codes, as the clients' hooks have them; DENIED with the reason on standard error
REMIND_S = 300  # how often an agent is told again of what it has to confirm
_MOST_INPUT = 1 << 25  # bytes
_SECOND = 1_000_000  # microseconds


class Machine:
    """What a hook asks of the machine: the time in microseconds since 1970, where we are, and the start ticks of a
    process, 0 if there is none.
    """

    def __init__(
        self,
        env: "Mapping[str, str]",
        now: "Callable[[], int]",
        here: "Callable[[], tuple[str, str, str]]",
        started: "Callable[[int], int]",
    ) -> None:
        self.env, self.now, self.here, self.started = env, now, here, started

    def index(self, folder: str) -> GuardIndex | None:
        """The guard's index of a shared folder, where it may say what is so."""
        return load_index(folder, self.env, self.now(), self.here, self.started)


def answer_call(
    call: HookCall, outside: Machine, full_answer: "Callable[[HookCall], tuple[int, str]]"
) -> tuple[int, str]:
    """The exit code of a hook, and what it says on standard error."""
    if call.hook_event == "after" and call.tool in call.client.shells:
        call = shell_commands.as_started(call, outside.env)
    quick = _QUICK_HANDLERS.get(call.hook_event)
    found = quick(call, outside) if quick else None
    return full_answer(call) if found is None else found


def _before(call: HookCall, outside: Machine) -> "tuple[int, str] | None":
    """Before a tool runs: the guard is asked about what it writes; of a shell command nobody knows what it writes, so
    how the files of others look is written down.
    """
    if call.tool in call.client.shells:
        return _before_shell(call, outside)
    writes = writes_in(call, outside.env)
    folders = {write.folder for write in writes}
    if not writes:
        return ALLOWED, ""
    index = outside.index(writes[0].folder) if len(folders) == 1 else None
    session = index.session(call.conversation) if index else ""
    if not index or not session or index.news(session).get("asks"):
        return None
    said = [(write, index.may_write(write, session)) for write in writes]
    if any(verdict is None or verdict[0] == "claim" for _, verdict in said):
        return None
    denied = [(write, verdict[1]) for write, verdict in said if verdict and verdict[0] == "deny"]
    if denied:
        record_denials(index.cache, session, [write for write, _ in denied])
        return DENIED, denial_text([(write.resource, found) for write, found in denied])
    if index.mode != "off":
        for write in writes:
            hook_state.record_before_write(index.cache, write, index.now)
    return ALLOWED, ""


def record_denials(cache: str, session: str, writes: "list[Write]") -> None:
    """Leave word of what a session could not have: it can be woken when that is free."""
    for write in writes:
        asked: hook_state.Trace = {"resource": write.resource, "worktree": write.worktree, "agent": write.agent}
        hook_state.write_trace(hook_state.denial_trace_path(cache, session, write.resource), asked)


def _before_shell(call: HookCall, outside: Machine) -> "tuple[int, str] | None":
    shell_commands.note_start_folder(call, outside.env)
    folder, worktree, git = _location(call, outside)
    index = outside.index(folder) if folder else None
    session = index.session(call.conversation) if index else ""
    if not index or not session or index.mode == "off":
        return ALLOWED, ""
    if index.news(session).get("asks"):
        return None
    claims = {row.resource.removeprefix("file/"): row.id for row in index.held(recorded_path(worktree), session)}
    shell_commands.record_start(shell_commands.trace_path(index.cache, session, call), worktree, git, claims, index.now)
    return ALLOWED, ""


def _location(call: HookCall, outside: Machine) -> tuple[str, str, str]:
    """The shared folder of whoever calls, the worktree that it works in, and that one's git directory."""
    folder = folder_at(call.cwd, outside.env)
    repository = find_repository(os.path.realpath(call.cwd)) if folder else None
    if repository:
        return folder, repository.worktree, repository.git
    return folder, os.path.dirname(folder), ""


def _after(call: HookCall, outside: Machine) -> "tuple[int, str] | None":
    """After a tool has run: most often there is nothing to say, and the last sign of life is not old."""
    writes = writes_in(call, outside.env)
    for write in writes:
        cache = os.path.join(write.folder, ".cache")
        hook_state.record_after_write(cache, write)
    folder, _, git = _location(call, outside)
    if not folder:
        return ALLOWED, ""
    index = outside.index(folder)
    session = index.session(call.conversation) if index else ""
    if not index or not session:
        return None
    news = index.news(session)
    if not news or news["asks"] or index.now - news["last"] > index.heartbeat_s * _SECOND:
        return None
    if not call.agent and news["soon"]:
        return None
    if not call.agent and news["owes"] and is_reminder_due(index.cache, session, index.now):
        return None
    if call.tool in call.client.shells and _shell_changed_files(call, index, session, git):
        return None
    if any(write.folder == folder and index.needs_claim(write, session) for write in writes):
        return None  # a commit ended its claim meanwhile
    return None if any(_to_warn(index, session, write) for write in writes) else (ALLOWED, "")


def is_reminder_due(cache: str, session: str, now: int) -> bool:
    """Whether a session is to be told again of what it has to confirm."""
    at = hook_state.read_trace(os.path.join(hook_state.folder_of(cache, session), "reminded")).get("at", 0)
    return not 0 <= now - at < REMIND_S * _SECOND


def _shell_changed_files(call: HookCall, index: GuardIndex, session: str, git: str) -> bool:
    """Whether a shell command changed a file of someone else, or what is committed of our own. `git` is the git
    directory where it ended.
    """
    path = shell_commands.trace_path(index.cache, session, call)
    seen = hook_state.read_trace(path)
    if shell_commands.changed_files(seen):
        return True
    own = any(row.session == session and row.automatic for row in index.rows)
    if own and shell_commands.may_have_committed(seen, git):
        return True
    shell_commands.record_end(path, index.cache, session, index.now)
    return False


def _to_warn(index: GuardIndex, session: str, write: "Write") -> bool:
    """Whether there may be something to say of a write that was let through."""
    anywhere = needed_claim(write, session, worktree="")
    others = [row for row in index.rows if row.session != session and conflict(row, anywhere)]
    return any(row.worktree != write.worktree or index.mode == "warn" for row in others)


def _prompt(call: HookCall, outside: Machine) -> "tuple[int, str] | None":
    """A prompt: most often nobody wrote."""
    folder = folder_at(call.cwd, outside.env)
    index = outside.index(folder) if folder else None
    session = index.session(call.conversation) if index else ""
    if not folder:
        return ALLOWED, ""
    if index and session:
        shell_commands.remove_traces(call, outside.env, index.cache, session)
    news = index.news(session) if index and session else {}
    quiet = news and not (news["asks"] or news["soon"] or news["later"] or news["owes"])
    return (ALLOWED, "") if quiet else None


_QUICK_HANDLERS = {"before": _before, "after": _after, "prompt": _prompt}


def main(word: str, full_answer: "Callable[[HookCall], tuple[int, str]]") -> int:
    """Answer a hook of a client: its input from standard input, a denial to standard error. The exit code."""
    client, call = client_named(word), None
    code, text = ALLOWED, ""
    try:
        data = sys.stdin.buffer.read(_MOST_INPUT + 1) if sys.stdin else b""
        call = parse_call(client, data) if client and data.strip() else None
        if call:
            code, text = answer_call(call, Machine(os.environ, _now, host_identity, start_ticks), full_answer)
    except Exception as error:  # whatever it is: fail open
        _record_failure(word, call, error)
    try:
        if text and sys.stderr:
            sys.stderr.write(text.encode(errors="backslashreplace").decode() + "\n")
            sys.stderr.flush()
    except (OSError, ValueError):
        pass  # it is denied all the same
    return code


def _record_failure(word: str, call: HookCall | None, error: Exception) -> None:
    try:
        folder = folder_at(call.cwd if call else os.getcwd(), os.environ)
        moment = call.event if call else "input"
        if folder:
            said = f"{type(error).__name__}: {error}"
            hook_state.record_failure(os.path.join(folder, ".cache"), f"{_now()} {word} {moment} {said[:500]}")
    except Exception:  # there is nobody left to tell
        pass


def _now() -> int:
    return time.time_ns() // 1000
