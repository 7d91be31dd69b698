"""Wake an idle agent: a hook that its client runs in the background, and that ends when there is something to read.

Claude Code wakes an agent when such a hook exits with 2, and shows it what the hook printed on standard error. Only one
such hook waits for each session; a second one exits at once. Nothing is marked as read, so the next hook shows the
messages again.
"""

import os
import sys

from coord.clients.client import client_named
from coord.engine.guard_index import with_worktree_names
from coord.engine.snapshot import Snapshot
from coord.engine.transact import transact
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.guard import hook_state
from coord.guard.caller import calling_client
from coord.guard.payload import HookCall, decode, read_call, read_input
from coord.hooks.context import calling_session
from coord.hooks.edits import GitAnswers, conflicting_claims, finish_conflicting, may_finish_conflicting
from coord.hooks.messages import LATER_CHARS, ContextItem, by_rank, fit_to_budget, unread_items
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import line
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import Instant
from eventlog.local.files import NOFOLLOW, try_lock
from projections.rules.claims import find_obstacles
from projections.rules.fold import as_of
from projections.rules.state import ClaimRequest, Session, State

WAKE = 2  # the exit code that wakes an agent
_MOST_FREE = 3  # released files that are named at once
WakeText = tuple[str, list[str]]
"""The text that wakes an agent, and the traces of the denied files that it reports as free."""
_NOTHING: WakeText = ("", [])


def run_wake_hook(system: System, word: str) -> int:
    """Wait until the session of the conversation on standard input has something to read, or can have a file that it
    was denied. Return the exit code; 0 if the agent is not woken.
    """
    try:
        client = client_named(word)
        data = read_input(sys.stdin.fileno()) if sys.stdin else b""
        said = decode(data) if client and data.strip() else {}
        if client and said:
            client = calling_client(client, said, system.env, lambda: [process.argv for process in system.ancestry[1:]])
        call = read_call(client, said) if client and client.wakes and said else None  # another would wait for the hook
        text, answered = _wait_for_news(system, call) if call else _NOTHING
        if text:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
    except (CoordError, Interrupted, OSError, ValueError):
        return 0  # a background hook cannot report a failure
    for trace in answered:  # after printing, since the next hook must print what this one could not
        hook_state.remove_trace(trace)
    return WAKE if text else 0


def _wait_for_news(system: System, call: HookCall) -> WakeText:
    """Wait, and return what wakes the agent; an empty text if it is not woken."""
    workspace = find_workspace(system.at(call.cwd), None, in_hook=True)
    caught: list[int] = []
    session = calling_session(system, _read_snapshot(system, workspace).state, call)
    if session is None or not _is_only_waiter(workspace, session.id):
        return _NOTHING

    def look() -> tuple[WakeText | None, Instant]:
        snapshot = _read_snapshot(system, workspace)
        state = as_of(snapshot.state, snapshot.now)
        me = state.sessions.get(state.current_session(session.id))  # this process can outlive its client
        if me is None or not me.live or system.death_evidence(me):
            return _NOTHING, state.due
        free = _freed_files(system, workspace, state, me, snapshot.now)
        pieces = by_rank([*list(free)[:_MOST_FREE], *unread_items(state, me, snapshot.now, all_of_it=False)])
        if not pieces:
            return None, state.due
        text, told = fit_to_budget(pieces, LATER_CHARS)
        return (text, [free[piece] for piece in told if piece in free]), state.due

    with collect_signals(caught):
        return wait_for(workspace.log, look, system.wall, caught)


def _read_snapshot(system: System, workspace: Workspace) -> Snapshot:
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=True)
    return snapshot


def _is_only_waiter(workspace: Workspace, session: str) -> bool:
    """Return whether no other process waits for this session. If so, this process is the waiter until it ends."""
    path = os.path.join(hook_state.folder_of(workspace.cache, session), "waker")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o666)  # kept open, since closing it frees the lock
    return try_lock(fd)


def _freed_files(
    system: System, workspace: Workspace, state: State, me: Session, now: Instant
) -> dict[ContextItem, str]:
    """Return the files that this session was denied and can write now, each with the trace of its denial. If an edit
    blocks it, end the edit if git shows that it is finished.
    """
    folder, config = hook_state.folder_of(workspace.cache, me.id), read_config(workspace)
    state = with_worktree_names(workspace, state)
    found = {}
    names = [name for name in os.listdir(folder) if name.startswith("denied-")] if os.path.isdir(folder) else []
    for name in sorted(names):
        path = os.path.join(folder, name)
        asked = hook_state.read_trace(path)
        if not asked.get("resource"):
            continue
        ask = ClaimRequest(
            id=f"{me.id}/{2**53}",
            session=me.id,
            agent=asked.get("agent", ""),
            resource=asked["resource"],
            mode="exclusive",
            worktree=asked.get("worktree", ""),
            ttl_s=60,
            automatic=True,
            note="",
            asked_at=now,
        )
        if may_finish_conflicting(workspace, config, state, ask, now):
            _finish_edits(system, workspace, config, me, ask, state)
        elif not find_obstacles(state, ask):
            found[ContextItem(f"coord: {line(asked['resource'])} is free now. {_denied_text(ask.agent)}")] = path
    return found


def _denied_text(agent: str) -> str:
    who = f"The earlier write of your subagent {line(agent)}" if agent else "Your earlier write"
    return f"{who} to it was denied."


def _finish_edits(
    system: System, workspace: Workspace, config: Config, me: Session, ask: ClaimRequest, state: State
) -> None:
    identity = Identity(me.id, "the hook's input", "", me.client, me.client_session)
    answers = GitAnswers(workspace)
    answers.learn(conflicting_claims(state, ask))

    def act(transaction: Transaction) -> None:
        finish_conflicting(transaction, config, ask, answers)

    transact(system, workspace, config, act, lambda _: identity, [], in_hook=True)
