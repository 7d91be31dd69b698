"""Record and report changes to files that other sessions hold, where no hook could stop them: by a shell command, in
another worktree, or in the guard's mode `warn`.
"""

from collections.abc import Iterable

from coord.engine.guard_index import unread_messages
from coord.errors import CoordError
from coord.guard import hook_state, shell_commands
from coord.guard.decision import is_elsewhere
from coord.guard.denial import row_text
from coord.guard.payload import Write
from coord.guard.view import GuardRow
from coord.hooks.context import HookContext
from coord.hooks.messages import LATER_CHARS, ONLY_NOW, ContextItem, is_urgent
from coord.platform.git.naming import root_of_worktree
from coord.render.events import SHELL_COMMAND
from coord.render.format import line, session_label
from eventlog.events import ClaimBypassed, to_micros
from projections.views.board import names_of

_NAME_CHARS = 100  # the length to which a file's name is cut


def record_bypasses(
    hook: HookContext, commands: "shell_commands.Traces", how: str = SHELL_COMMAND
) -> list[ContextItem]:
    """Record the files of others that changed while these shell commands of the session ran, each once. `commands` are
    the commands' traces, which no longer contain these files afterwards. The holders' notice promises that the agent
    was told, so all files are named or counted in one item, which leaves room for an urgent message.
    """
    changed: dict[str, str] = {}
    names = names_of(hook.transaction.state)
    for path, seen in commands.items():
        now_changed = shell_commands.changed_files(seen, hook.workspace.cache)
        reported, excused = set[str](), set[str]()
        for name, claim_id in now_changed.items():
            claim = hook.transaction.state.claims.get(claim_id)
            if claim is None or _has_run_a_command(hook, claim.session, seen):
                excused.add(name)
                continue
            reported.add(name)
            if claim_id not in changed:
                hook.transaction.append(ClaimBypassed(claim=claim_id, resource=f"file/{name}", how=how))
                changed[claim_id] = name
        if now_changed:
            commands[path] = shell_commands.after_report(seen, hook.workspace.cache, reported, excused)
        if reported:
            hook_state.write_trace(path, commands[path])
    found = [
        (line(name, _NAME_CHARS), session_label(hook.transaction.state.claims[claim].session, names))
        for claim, name in changed.items()
    ]
    urgent = any(map(is_urgent, unread_messages(hook.transaction.state, hook.me)))
    most = LATER_CHARS // 2 if urgent else LATER_CHARS
    return [ContextItem(bypass_text(found, most), rank=ONLY_NOW)] if found else []


def end_commands(hook: HookContext, how: str) -> list[ContextItem]:
    """Record, when an agent stops or ends, the files of others that its shell commands changed until now, and which of
    the commands have ended. Return the texts for the agent about these files.
    """
    call, cache, me = hook.call, hook.workspace.cache, hook.me.id
    commands = shell_commands.commands_to_compare(cache, me, call)
    items = record_bypasses(hook, commands, how)
    shell_commands.update_traces(call, cache, me, commands, None, to_micros(hook.transaction.at))
    shell_commands.remove_notes(call, hook.system.env)
    return items


def bypass_text(changed: list[tuple[str, str]], most: int = LATER_CHARS) -> str:
    """Return what an agent is shown when its shell command changed files of others: each file and its holder, as many
    as fit into `most` characters, and how many more there are.
    """
    if len(changed) == 1:
        ((name, who),) = changed
        rest = f", which {who} holds, changed while your command ran. The holder was notified: undo the change, or ask."
        return f"coord: {line(name, max(20, most - len(rest) - 7))}{rest}"
    head = f"coord: {len(changed)} files that others hold changed while your command ran: "
    tail = ". The holders were notified: undo the changes, or ask."
    room = most - len(head) - len(tail) - len(f" and {len(changed)} more (coord log)")
    shown: list[str] = []
    for name, who in changed:
        if len(", ".join([*shown, f"{name} ({who})"])) > room:
            break
        shown.append(f"{name} ({who})")
    more = f" and {len(changed) - len(shown)} more (coord log)" if len(shown) < len(changed) else ""
    return f"{head}{', '.join(shown)}{more}{tail}"


def report_unguarded(hook: HookContext) -> list[ContextItem]:
    """Report a tool that writes a file that coord cannot guard: to `coord doctor`, without the values of its inputs,
    and once to the agent.
    """
    call, tool = hook.call, line(hook.call.tool, 40)
    if call.hook_event in call.client.silent_events:
        return []  # the hook after the tool reports it
    inputs = line(", ".join(call.inputs), 100) or "nothing"
    text = (
        f"{CoordError.__name__}: {tool} writes a file, but coord cannot find its name; the tool's inputs are: {inputs}"
    )
    now = to_micros(hook.transaction.at)
    hook_state.record_failure(hook.workspace.cache, f"{now} {call.client.word} {call.event} {text}")
    advice = f"Run coord claims, and do not use {tool} on files that others hold."
    words = f"coord: {tool} writes files, but coord cannot find their names, so it does not guard them. {advice}"
    mark = hook_state.unguarded_trace_path(hook.workspace.cache, hook.me.id, call.tool)
    return [ContextItem(words, marks=(mark,))]


def _has_run_a_command(hook: HookContext, holder: str, seen: "hook_state.Trace") -> bool:
    """Return whether the holder may have changed its file itself, by a shell command that ran at the same time. Then no
    bypass is recorded.
    """
    since = seen.get("compared") or seen.get("at", 0)
    return shell_commands.ran_since(hook.workspace.cache, holder, since, to_micros(hook.transaction.at))


def write_warnings(hook: HookContext, warnings: "Iterable[tuple[Write, GuardRow]]") -> list[ContextItem]:
    """Return the warnings that others work on files that were just written. Each is shown once."""
    pieces = []
    for write, row in warnings:
        elsewhere = is_elsewhere(row, write)
        root = root_of_worktree(hook.workspace.checkout, row.worktree) or row.worktree
        where = f"; in another worktree ({line(root, 80)}), so a merge will be needed" if elsewhere else ""
        held = row_text(row, write.resource, hook.me.id)
        text = f"coord: you wrote {line(write.resource.removeprefix('file/'))}; {held}{where}"
        mark = hook_state.warning_trace_path(hook.workspace.cache, hook.me.id, row.id, write.resource)
        pieces.append(ContextItem(text, marks=(mark,)))
    return pieces
