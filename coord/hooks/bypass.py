"""What an agent did to the files of others, where nothing could stop it: by a shell command, in another worktree, or
with a guard that only warns.
"""

import os

from coord.engine.guard_index import guard_rows
from coord.guard import hook_state, shell_commands
from coord.guard.index import is_ignored, needed_claim
from coord.guard.payload import HookCall, Write
from coord.hooks import edits
from coord.hooks.context import HookContext
from coord.hooks.messages import ContextItem
from coord.platform.git.repository import recorded_path
from coord.render.events import SHELL_COMMAND
from coord.render.format import line, session_label
from coord.workspace.paths import Workspace
from eventlog.events import ClaimBypassed, to_micros
from projections.rules.conflicts import conflict
from projections.views.board import names_of


def record_bypasses(hook: HookContext) -> list[ContextItem]:
    """The files of others that changed while a shell command ran, on the record; and our own edits that are over."""
    cache, now = hook.workspace.cache, to_micros(hook.transaction.at)
    path = shell_commands.trace_path(cache, hook.me.id, hook.call)
    seen = hook_state.read_trace(path)
    pieces = []
    names = names_of(hook.transaction.state)
    for name, claim_id in shell_commands.changed_files(seen).items():
        claim = hook.transaction.state.claims.get(claim_id)
        if claim is None or _by_its_holder(hook, claim.session, name, seen):
            continue
        hook.transaction.append(ClaimBypassed(claim=claim_id, resource=f"file/{name}", how=SHELL_COMMAND))
        who = session_label(claim.session, names)
        text = f"coord: {line(name)}, which {who} has, changed while your command ran. It was told: undo it, or ask."
        pieces.append(ContextItem(text))
    if shell_commands.may_have_committed(seen, _git(hook.workspace)):
        edits.finish_edits(
            hook.transaction, hook.config, edits.own_automatic_claims(hook.transaction.state, hook.me.id), hook.answers
        )
    shell_commands.record_end(path, cache, hook.me.id, now)
    return pieces


def may_have_committed(call: HookCall, workspace: Workspace, session: str) -> bool:
    """Whether this is the call after a shell command that may have committed something."""
    if call.tool not in call.client.shells:
        return False
    return shell_commands.may_have_committed(
        hook_state.read_trace(shell_commands.trace_path(workspace.cache, session, call)), _git(workspace)
    )


def _git(workspace: Workspace) -> str:
    return workspace.repository.git if workspace.repository else ""


def _by_its_holder(hook: HookContext, holder: str, name: str, seen: "hook_state.Trace") -> bool:
    """Whether it may well have been the holder who changed a file: by a write of its own, or by a shell command that
    ran at the same time. Nobody is accused where that cannot be told.
    """
    cache, root = hook.workspace.cache, seen["root"]
    edit = hook_state.read_trace(hook_state.edit_trace_path(cache, recorded_path(root), f"file/{name}"))
    if edit.get("pending") or edit.get("file") == hook_state.file_stamp(os.path.join(root, name)):
        return True
    return shell_commands.ran_since(cache, holder, seen.get("at", 0), to_micros(hook.transaction.at))


def write_warnings(hook: HookContext, write: Write) -> list[ContextItem]:
    """That others are at work on a file that was just written, where that did not deny it: elsewhere, so that a merge
    will come; or here, where the guard only warns. Once for each of them.
    """
    state, config = hook.transaction.state, hook.config
    pieces = []
    for row in guard_rows(state, config):
        elsewhere = row.worktree and row.worktree != write.worktree
        mine = needed_claim(write, hook.me.id)
        anywhere = needed_claim(write, hook.me.id, worktree="")
        let_through = elsewhere or (config.guard == "warn" and conflict(row, mine))
        if not conflict(row, anywhere) or not let_through or is_ignored(write.resource, config.ignore):
            continue
        mark = hook.trace("warned", hook_state.digest(row.id, write.resource))
        if not hook_state.read_trace(mark):
            where = f"; in another worktree ({line(row.worktree, 80)}), so a merge is coming" if elsewhere else ""
            text = f"coord: you wrote {line(write.resource.removeprefix('file/'))}; {row.said}{where}"
            pieces.append(ContextItem(text, marks=(mark,)))
    return pieces
