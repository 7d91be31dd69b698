"""The entry point of the hooks: read what a client sends, and answer it on the quick path or the full path.

Most calls need neither a text for the agent nor an event. The guard's index shows which ones do not; for those, only
the modules imported here are loaded. What the quick path may do is defined in `coord.guard.decision`. The full path is
`coord.hooks.dispatch`, with one function for each hook event in `coord.hooks.handlers`.

An error in a hook never stops an agent: the call is allowed, and `coord doctor` shows what failed. Only a denied write
is stopped, by exit code 2 with the reason on standard error.
"""

import os
import sys
import time

from coord.clients.client import client_named, is_own_call, runs_client
from coord.guard import hook_state
from coord.guard.decision import due, files_held_by_others
from coord.guard.index import load_index
from coord.guard.payload import checkout_at, decode, folder_at, read_call, read_input, writes_in
from coord.platform.git.naming import is_same_folder
from coord.platform.host import first_arguments, host_identity, pids_above, start_ticks

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coord.clients.client import Form
    from coord.guard.decision import Verdict
    from coord.guard.payload import HookCall, Write
    from coord.guard.shell_commands import Traces
    from coord.guard.view import GuardRow, HookView
    from coord.platform.git.naming import Checkout

    FullAnswer = Callable[[HookCall], tuple[int, str]]

ALLOWED, DENIED = 0, 2  # exit codes that all clients understand; with DENIED, the reason is on standard error
REMIND_S = 300  # how often an agent is reminded of what it must confirm
_QUICK_EVENTS = ("before", "after", "prompt")
_SECOND = 1_000_000  # microseconds


class Machine:
    """What a hook needs of the machine: the environment; the time (`now`) in microseconds since 1970; the machine's
    identity (`here`); the start ticks of a process (`started`), 0 if there is no such process; the pids of the
    processes above the hook (`above`), the nearest first; and the first arguments of a process (`argv`).
    """

    def __init__(
        self,
        env: "Mapping[str, str]",
        now: "Callable[[], int]",
        here: "Callable[[], tuple[str, str, str]]",
        started: "Callable[[int], int]",
        above: "Callable[[], Iterator[int]]",
        argv: "Callable[[int], list[str]]",
    ) -> None:
        self.env, self.now, self.here = env, now, here
        self.started, self.above, self.argv = started, above, argv


class CallFacts:
    """The `HookFacts` of a call, for both paths.

    `folder` is the shared folder, and `place` the checkout of the call's working directory, for the calls that need it.
    Without `started`, on the full path, every conflict is certain: the transaction records deaths, and the handlers end
    finished edits.
    """

    def __init__(
        self,
        call: "HookCall",
        env: "Mapping[str, str]",
        folder: str,
        place: "Checkout | None",
        view: "HookView",
        session: str,
        started: "Callable[[int], int] | None" = None,
    ) -> None:
        self.call, self.env, self.view, self.session = call, env, view, session
        self.cache, self.place = os.path.join(folder, ".cache"), place
        self._started = started
        self._commands: Traces | None = None

    def lives(self, process: "list[int] | None") -> bool:
        """Return whether the process with this pid and these start ticks is alive. True if there is none."""
        return not (process and self._started) or self._started(process[0]) == process[1]

    def is_certain(self, row: "GuardRow", write: "Write") -> bool:
        """See `HookFacts.is_certain`."""
        if not self._started:
            return True
        if not self.lives(row.holder.anchor) or not self.lives(row.process):
            return False
        is_edit = row.automatic and row.resource == write.resource
        unfinished = hook_state.is_edit_unfinished
        return not is_edit or unfinished(self.cache, write.path, write.git, row, self.view.now) is True

    def is_reminder_due(self) -> bool:
        """See `HookFacts.is_reminder_due`."""
        path = hook_state.reminder_trace_path(self.cache, self.session)
        return not 0 <= self.view.now - hook_state.read_trace(path).get("at", 0) < REMIND_S * _SECOND

    def commands(self) -> "Traces":
        """Return the traces of the shell commands whose changes are due to be compared at this call."""
        if self._commands is None:
            from coord.guard.shell_commands import commands_to_compare  # the hooks before writes do not need it

            self._commands = commands_to_compare(self.cache, self.session, self.call)
        return self._commands

    def files_changed(self) -> bool:
        """See `HookFacts.files_changed`."""
        from coord.guard.shell_commands import changed_files  # the hooks before writes do not need it

        return any(changed_files(seen, self.cache) for seen in self.commands().values())

    def may_have_committed(self) -> bool:
        """See `HookFacts.may_have_committed`."""
        from coord.guard.shell_commands import may_have_committed, trace_path  # the hooks before writes do not need it

        seen = self.commands().get(trace_path(self.cache, self.session, self.call), {})
        return may_have_committed(seen, self.place.git if self.place else "")

    def was_reported(self) -> bool:
        """See `HookFacts.was_reported`."""
        return bool(hook_state.read_trace(hook_state.unguarded_trace_path(self.cache, self.session, self.call.tool)))

    def was_warned(self, row: "GuardRow", write: "Write") -> bool:
        """See `HookFacts.was_warned`."""
        path = hook_state.warning_trace_path(self.cache, self.session, row.id, write.resource)
        return bool(hook_state.read_trace(path))


def answer_call(call: "HookCall", machine: Machine, full_answer: "FullAnswer") -> tuple[int, str]:
    """Answer a call: return the exit code, and what is printed on standard error."""
    if call.hook_event not in _QUICK_EVENTS:
        return full_answer(call)
    if call.tool in call.client.shells:
        from coord.guard.shell_commands import as_started, note_start_folder  # the hooks before writes do not need it

        if call.hook_event == "before":
            note_start_folder(call, machine.env)
        elif call.hook_event == "after":
            call = as_started(call, machine.env)
    if call.hook_event == "after":
        for write in writes_in(call, machine.env):
            hook_state.record_after_write(os.path.join(write.folder, ".cache"), write)
    quick = _quick_answer(call, machine)
    return full_answer(call) if quick is None else quick


def _quick_answer(call: "HookCall", machine: Machine) -> "tuple[int, str] | None":
    """Answer a call on the quick path; None if the full path must answer it."""
    writes = [] if call.hook_event == "prompt" else writes_in(call, machine.env)
    if call.hook_event == "before" and call.tool not in call.client.shells and not call.unguarded:
        if not writes:
            return ALLOWED, ""
        folder, place = writes[0].folder, None
        if any(write.folder != folder for write in writes):
            return None
    else:
        place = checkout_at(call.cwd, machine.env)
        if place is None:
            return ALLOWED, ""
        folder = place.folder
    view = load_index(folder, machine.env, machine.now(), machine.here)
    if view is None:
        return None
    session = _calling_session(call, view, machine)
    mine = view.session(session)
    facts = CallFacts(call, machine.env, folder, place, view, session, machine.started)
    if mine and not facts.lives(mine.anchor):
        return None
    writes = [write for write in writes if is_same_folder(write.folder, folder)]
    verdict = due(call, writes, view, session, facts)
    if verdict.reasons:
        return None
    record_answer(facts, writes, verdict)
    if verdict.denied:
        from coord.guard.denial import denial_text  # most calls are allowed

        return DENIED, denial_text([(write.resource, rows) for write, rows in verdict.denied], session)
    return ALLOWED, ""


def _calling_session(call: "HookCall", view: "HookView", machine: Machine) -> str:
    """Return the live session that calls; empty if there is none, or if only the full path can find it: see
    `coord.workspace.conversations.sessions_of_caller`.
    """
    sessions = view.sessions_of(call.conversation)
    anchors = {mine.anchor[0]: name for name in reversed(sessions) if (mine := view.session(name)) and mine.anchor}
    for pid in machine.above() if anchors else ():
        if pid in anchors:
            return anchors[pid]
        if runs_client(call.client, machine.argv(pid)):
            if call.client.one_process:  # it may be another process than that of any session
                return ""
            break
    return sessions[0] if len(sessions) == 1 or (sessions and not anchors) else ""


def record_answer(facts: CallFacts, writes: "list[Write]", verdict: "Verdict") -> None:
    """Update the traces after a call is answered, on either path."""
    call, view, cache, session = facts.call, facts.view, facts.cache, facts.session
    is_shell = call.tool in call.client.shells
    if is_shell or call.hook_event != "before":
        from coord.guard import shell_commands  # the hooks before writes do not need it
    if call.hook_event == "prompt":
        shell_commands.remove_notes(call, facts.env)
    if call.hook_event in ("prompt", "after"):

        def held(worktree: str) -> dict[str, str]:
            return files_held_by_others(view, worktree, session)

        shell_commands.update_traces(call, cache, session, facts.commands(), held, view.now)
    elif call.hook_event == "before" and verdict.denied:
        for write, _ in verdict.denied:
            hook_state.record_denial(cache, session, write)
    elif call.hook_event == "before" and view.mode != "off":
        for write in writes:
            hook_state.record_before_write(cache, write, view.now)
            hook_state.remove_trace(hook_state.denial_trace_path(cache, session, write.resource))
        if is_shell and facts.place:
            claims = files_held_by_others(view, facts.place.worktree, session)
            path = shell_commands.trace_path(cache, session, call)
            shell_commands.record_start(call, path, cache, facts.place, claims, view.now)


def main(word: str, full_answer: "FullAnswer", event: str = "") -> int:
    """Answer a hook of a client: read the call from standard input, print a denial on standard error, and return the
    exit code. `event` is the hook event for a client whose payloads do not name it.
    """
    client, call = client_named(word), None
    code, text = ALLOWED, ""
    try:
        data = read_input(sys.stdin.fileno()) if sys.stdin else b""
        machine = _this_machine()
        said = decode(data) if client and data.strip() else {}
        if client and said:
            if not is_own_call(client, said, machine.env):
                from coord.guard.caller import calling_client  # most clients call only their own hooks

                client = calling_client(client, said, machine.env, lambda: map(machine.argv, machine.above()))
            call = read_call(client, said, event)
        if call:
            call.through = word if call.client.word != word else ""
            code, text = answer_call(call, machine, full_answer)
    except Exception as error:  # any failure allows the call
        _record_failure(word, call, error)
    try:
        if text and sys.stderr:
            sys.stderr.write(text.encode(errors="backslashreplace").decode() + "\n")
            sys.stderr.flush()
    except (OSError, ValueError):
        pass  # the exit code denies the write, also if nobody reads the reason
    if client and code == DENIED and client.denial_form:
        return client.denial_code if _print_form(client.denial_form, "text", text) else code
    hook_event = call.hook_event if call else client.hook_events.get(event) if client else None
    if client and code == ALLOWED and client.allowed_form and hook_event == "before":
        from coord.guard.answers import permission  # most clients need no document

        _print_form(client.allowed_form, "permission", permission(call))
    return code


def _print_form(form: "Form", name: str, value: str) -> bool:
    """Print a document with a value. Return whether it was printed."""
    from coord.guard.answers import fill_form, json_text  # most clients need no document

    try:
        sys.stdout.write(json_text(fill_form(form, {name: value})) + "\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):
        return False
    return True


def _this_machine() -> Machine:
    return Machine(os.environ, _now, host_identity, start_ticks, pids_above, first_arguments)


def _record_failure(word: str, call: "HookCall | None", error: Exception) -> None:
    try:
        folder = folder_at(call.cwd if call else os.getcwd(), os.environ)
        event = call.event if call else "input"
        if folder:
            text = f"{type(error).__name__}: {error}"
            hook_state.record_failure(os.path.join(folder, ".cache"), f"{_now()} {word} {event} {text[:500]}")
    except Exception:  # there is nowhere left to report it
        pass


def _now() -> int:
    return time.time_ns() // 1000
