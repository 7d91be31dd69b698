"""What an agent did to the files of others, where nothing could stop it: by a shell command, in another worktree, or
with a guard that only warns.
"""

import os

from coord.engine.guard_index import rows_of
from coord.guard import hook_state, shell_commands
from coord.guard.index import ask_of, ignored
from coord.guard.payload import Call, Write
from coord.hooks import edits
from coord.hooks.context import Hook
from coord.hooks.messages import Piece
from coord.platform.git.repository import recorded_path
from coord.render.events import SHELL_COMMAND
from coord.render.format import called, line
from coord.workspace.paths import Place
from eventlog.events import ClaimBypassed, to_micros
from projections.rules.conflicts import conflict
from projections.views.board import names_of


def after_shell(hook: Hook) -> list[Piece]:
    """The files of others that changed while a shell command ran, on the record; and our own edits that are over."""
    cache, now = hook.place.cache, to_micros(hook.moment.at)
    path = shell_commands.trace_of(cache, hook.me.id, hook.call)
    seen = hook_state.look(path)
    pieces = []
    names = names_of(hook.moment.state)
    for name, claim_id in shell_commands.changed(seen).items():
        claim = hook.moment.state.claims.get(claim_id)
        if claim is None or _by_its_holder(hook, claim.session, name, seen):
            continue
        hook.moment.append(ClaimBypassed(claim=claim_id, resource=f"file/{name}", how=SHELL_COMMAND))
        who = called(claim.session, names)
        text = f"coord: {line(name)}, which {who} has, changed while your command ran. It was told: undo it, or ask."
        pieces.append(Piece(text))
    if shell_commands.may_have_committed(seen, _git(hook.place)):
        edits.finish(hook.moment, hook.config, edits.own(hook.moment.state, hook.me.id), hook.answers)
    shell_commands.end(path, cache, hook.me.id, now)
    return pieces


def may_have_committed(call: Call, place: Place, session: str) -> bool:
    """Whether this is the call after a shell command that may have committed something."""
    if call.tool not in call.client.shells:
        return False
    return shell_commands.may_have_committed(
        hook_state.look(shell_commands.trace_of(place.cache, session, call)), _git(place)
    )


def _git(place: Place) -> str:
    return place.repository.git if place.repository else ""


def _by_its_holder(hook: Hook, holder: str, name: str, seen: "hook_state.Trace") -> bool:
    """Whether it may well have been the holder who changed a file: by a write of its own, or by a shell command that
    ran at the same time. Nobody is accused where that cannot be told.
    """
    cache, root = hook.place.cache, seen["root"]
    edit = hook_state.look(hook_state.of_edit(cache, recorded_path(root), f"file/{name}"))
    if edit.get("pending") or edit.get("file") == hook_state.stamp(os.path.join(root, name)):
        return True
    return shell_commands.ran_since(cache, holder, seen.get("at", 0), to_micros(hook.moment.at))


def warned(hook: Hook, write: Write) -> list[Piece]:
    """That others are at work on a file that was just written, where that did not deny it: elsewhere, so that a merge
    will come; or here, where the guard only warns. Once for each of them.
    """
    state, config = hook.moment.state, hook.config
    pieces = []
    for row in rows_of(state, config):
        elsewhere = row.worktree and row.worktree != write.worktree
        mine = ask_of(write, hook.me.id)
        anywhere = ask_of(write, hook.me.id, worktree="")
        let_through = elsewhere or (config.guard == "warn" and conflict(row, mine))
        if not conflict(row, anywhere) or not let_through or ignored(write.resource, config.ignore):
            continue
        mark = hook.trace("warned", hook_state.digest(row.id, write.resource))
        if not hook_state.look(mark):
            where = f"; in another worktree ({line(row.worktree, 80)}), so a merge is coming" if elsewhere else ""
            text = f"coord: you wrote {line(write.resource.removeprefix('file/'))}; {row.said}{where}"
            pieces.append(Piece(text, marks=(mark,)))
    return pieces
