"""What an agent did to the files of others, where nothing could stop it: by a shell command, in another worktree, or
with a guard that only warns.
"""

import os
from typing import Any

from coord import edits, traces
from coord.calls import Write
from coord.guard import ask_of, ignored
from coord.hooked import Hook
from coord.hooks import SHELL_ENDED, shell_trace
from coord.indexing import rows_of
from coord.telling import Piece
from coord.text import called, line
from coord.words import SHELL_COMMAND
from eventlog.events import ClaimBypassed, to_micros
from projections.board import names_of
from projections.conflicts import conflict

_LONGEST_COMMAND_S = 3600  # after so long a shell command that did not end is taken for one that was broken off


def after_shell(hook: Hook) -> list[Piece]:
    """The files of others that changed while a shell command ran, on the record; and our own edits that are over."""
    path = shell_trace(hook.place.cache, hook.me.id, hook.call)
    seen = traces.look(path)
    traces.wipe(path)
    pieces = []
    names = names_of(hook.moment.state)
    for name, (look, claim_id) in _looks(seen).items():
        claim = hook.moment.state.claims.get(claim_id)
        file = os.path.join(hook.place.root, name)
        if claim is None or traces.stamp(file) == look or _by_its_holder(hook, claim.session, file, seen.get("at", 0)):
            continue
        hook.moment.append(ClaimBypassed(claim=claim_id, resource=f"file/{name}", how=SHELL_COMMAND))
        who = called(claim.session, names)
        text = f"coord: {line(name)}, which {who} has, changed while your command ran. It was told: undo it, or ask."
        pieces.append(Piece(text))
    repository = hook.place.repository
    if seen.get("git") != traces.git_stamp(repository.git if repository else ""):
        edits.finish(hook.moment, hook.config, edits.own(hook.moment))
    traces.leave(hook.trace(SHELL_ENDED), {"at": to_micros(hook.moment.at)})
    return pieces


def _looks(seen: dict[str, Any]) -> dict[str, tuple[str, str]]:
    looks, ids = seen.get("files", {}), seen.get("claims", {})
    return {name: (look, ids.get(name, "")) for name, look in looks.items()}


def _by_its_holder(hook: Hook, holder: str, file: str, since: int) -> bool:
    """Whether it may well have been the holder who changed a file: by a write of its own, or by a shell command that
    ran at the same time. Nobody is accused where that cannot be told.
    """
    folder = traces.folder_of(hook.place.cache, holder)
    resource = f"file/{os.path.relpath(file, hook.place.root).replace(os.sep, '/')}"
    seen = traces.look(traces.of_edit(hook.place.cache, hook.place.root, resource))
    if seen.get("pending") or seen.get("file") == traces.stamp(file):
        return True
    now = to_micros(hook.moment.at)
    try:
        begun = [
            traces.look(os.path.join(folder, name)) for name in os.listdir(folder) if name.startswith(traces.SHELL)
        ]
    except OSError:
        return False
    running = any(0 <= now - trace.get("at", 0) < _LONGEST_COMMAND_S * 1_000_000 for trace in begun)
    return running or traces.look(os.path.join(folder, SHELL_ENDED)).get("at", 0) >= since


def warned(hook: Hook, write: Write) -> list[Piece]:
    """That others are at work on a file that was just written, where that did not deny it: elsewhere, so that a merge
    will come; or here, where the guard only warns. Once for each of them.
    """
    state, config = hook.moment.state, hook.config
    pieces = []
    row: Any
    for row in rows_of(state, config):
        elsewhere = row.worktree and row.worktree != write.worktree
        mine: Any = ask_of(write, hook.me.id)
        anywhere: Any = ask_of(write, hook.me.id, worktree="")
        let_through = elsewhere or (config.guard == "warn" and conflict(row, mine))
        if not conflict(row, anywhere) or not let_through or ignored(write.resource, config.ignore):
            continue
        mark = hook.trace("warned", traces.digest(row.id, write.resource))
        if not traces.look(mark):
            traces.leave(mark, {"at": to_micros(hook.moment.at)})
            where = f"; in another worktree ({line(row.worktree, 80)}), so a merge is coming" if elsewhere else ""
            pieces.append(Piece(f"coord: you wrote {line(write.resource.removeprefix('file/'))}; {row.said}{where}"))
    return pieces
