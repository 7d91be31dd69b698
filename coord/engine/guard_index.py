"""Build the guard's index from the state. Every writing command saves it under the lock. See `coord.guard.index`."""

import os
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.guard import hook_state
from coord.guard.decision import GuardRow
from coord.guard.index import FORM, NAME, with_archive_time, with_digest
from coord.platform.code_version import code_version
from coord.platform.git.naming import worktree_name
from coord.platform.git.repository import CONFIG
from coord.platform.replace_file import replace_file
from coord.render.format import UNTIL_COMMITTED, line, quoted, session_label, time_text
from coord.workspace.config import Config
from coord.workspace.names import by_conversations
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import to_micros
from projections.rules.cycles import wait_cycles
from projections.rules.liveness import ObserverHost
from projections.rules.messages import unacknowledged
from projections.rules.resources import is_file
from projections.rules.sessions import is_idle
from projections.rules.state import Claim, Message, Session, State, WaitingRequest
from projections.views.board import names_of

if TYPE_CHECKING:
    from coord.guard.decision import SessionNews, ViewFields


def save_index(system: System, workspace: Workspace, config: Config, snapshot: Snapshot) -> None:
    """Write the index. If that fails, hooks take the full path."""
    state, here = with_worktree_names(workspace, snapshot.state), system.here
    with suppress(OSError):
        index = {
            "form": FORM,
            "code": code_version(),
            "config": hook_state.file_stamp(os.path.join(workspace.folder, CONFIG)),
            "here": (here.machine, here.boot, here.pid_namespace),
            "due": to_micros(state.due),
            "journals": with_archive_time(snapshot.history.known_sizes(), workspace.log),
            **view_fields(state, config, here),
        }
        content = with_digest(msgspec.json.encode(index))
        replace_file(os.path.join(workspace.cache, NAME), content, within=workspace.cache)


def with_worktree_names(workspace: Workspace, state: State) -> State:
    """Return the state with the names of worktrees in all claims. Those of older versions contain paths, which the
    rules cannot compare with names: only git's files tell the name of the worktree at a path.
    """
    older = [claim for claim in state.claims.values() if os.path.isabs(claim.worktree)]
    named = {claim.id: replace(claim, worktree=worktree_name(workspace.checkout, claim.worktree)) for claim in older}
    return replace(state, claims=state.claims | named) if named else state


def view_fields(state: State, config: Config, here: ObserverHost) -> "ViewFields":
    """Return what the hooks on the machine `here` need to know about a state: the fields of a `HookView`."""
    live = {session.id: session for session in state.sessions.values() if session.live}
    conversations = {session.client_session for session in live.values() if session.client_session}
    sessions = {name: session for name, session in by_conversations(state, conversations).items() if session.live}
    in_circle = {name for cycle in wait_cycles(state) for name in cycle}
    anchors = {name: session.anchor for name, session in live.items() if session.anchor}
    anchors |= {wait.id: wait.waiter for wait in state.waits.values() if wait.waiter}
    return {
        "at": to_micros(state.at) if state.at else 0,
        "guard": config.guard,
        "ignore": list(config.ignore),
        "heartbeat_us": round(config.heartbeat_seconds * 1_000_000),
        "sessions": {name: session.id for name, session in sessions.items()},
        "anchors": {
            name: (anchor.pid, anchor.start_ticks)
            for name, anchor in anchors.items()
            if (anchor.machine, anchor.boot, anchor.pid_namespace) == (here.machine, here.boot, here.pid_namespace)
        },
        "news": {session.id: session_news(state, session, in_circle) for session in sessions.values()},
        "rows": [vars(row) for row in guard_rows(state, config)],
    }


def session_news(state: State, session: Session, waits_in_circle: Collection[str]) -> "SessionNews":
    """Return what the hooks need to know about a session; `waits_in_circle` are all sessions in a circle of waits."""
    return {
        "last": to_micros(session.last_at) if has_stated_activity(session) else 0,
        "asks": session.doing.asks_person,
        "soon": bool(session.notices) or any(map(is_pressing, unread_messages(state, session))),
        "later": bool(unread_messages(state, session)),
        "owes": session.id in waits_in_circle or bool(unacknowledged(state, session)),
    }


def unread_messages(state: State, session: Session) -> list[Message]:
    """Return the messages that a session has not read."""
    return [state.messages[name] for name in session.unread if name in state.messages]


def is_pressing(message: Message) -> bool:
    """Return whether a message is shown after the next tool, and not only at the next prompt."""
    return not message.resolved_by and (not message.everyone or message.urgency == "high")


def has_stated_activity(session: Session) -> bool:
    """Return whether a session has reported what it is doing since it was last idle."""
    return bool(session.doing.action) and not is_idle(session.doing)


def patience_s(session: Session, config: Config) -> int:
    """Return how long an automatic claim lasts after the last write, if the file has no uncommitted change.

    It lasts longer while its session waits for its user.
    """
    minutes = config.edit_minutes
    return round(60 * (max(minutes, config.blocked_release_minutes) if session.doing.asks_person else minutes))


def guard_rows(state: State, config: Config, only_files: bool = True) -> list[GuardRow]:
    """Return a row for each claim and waiting request that is not imported; with `only_files`, only those for files."""
    requests: list[Claim | WaitingRequest] = [*state.claims.values(), *state.waits.values()]
    names = names_of(state)
    return [
        _row(state, config, names, request)
        for request in requests
        if (is_file(request.resource) or not only_files) and not request.imported
    ]


def _row(state: State, config: Config, names: dict[str, str], request: Claim | WaitingRequest) -> GuardRow:
    ends = request.ends_at if isinstance(request, Claim) else request.until
    session = state.sessions[request.session]
    doing = session.doing
    work = " ".join(part for part in (doing.action, doing.target) if part)
    agent = f", its subagent {line(request.agent)}," if request.agent else ""
    verb, since = ("has", request.granted_at) if isinstance(request, Claim) else ("waits for", request.asked_at)
    facts = [
        request.note and f"for: {quoted(request.note, 80)}",
        work and (line(work, 80) if doing.automatic else f"doing: {quoted(work, 80)}"),
        doing.blocked_on and (line if doing.asks_person else quoted)(f"blocked on {doing.blocked_on}", 80),
    ]
    more = "".join(f"; {fact}" for fact in facts if fact)
    until = UNTIL_COMMITTED if request.automatic else f"until {time_text(ends, since)}"
    time = f"since {time_text(since, '')} {until}"
    text = f"{session_label(request.session, names)}{agent} {verb} {line(request.resource)} {time}{more}"
    return GuardRow(
        id=request.id,
        session=request.session,
        agent=request.agent,
        resource=request.resource,
        mode=request.mode,
        worktree=request.worktree,
        automatic=request.automatic,
        imported=request.imported,
        ttl_s=request.ttl_s,
        waiting=isinstance(request, WaitingRequest),
        ends=to_micros(ends),
        patience_s=patience_s(session, config),
        said=text,
    )
