"""Build the guard's index from the state. Every writing command saves it under the lock. See `coord.guard.view`."""

import os
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict, replace

from coord.engine.cache.requests_id import id_of
from coord.engine.snapshot import Snapshot
from coord.guard import hook_state
from coord.guard.index import FORM, NAME, read_unverified, requests_digest, with_archive_time, with_digest
from coord.guard.view import SESSION_FIELDS, TABLES, UNKNOWN_SESSION, GuardRow, HookView, LiveSession, guard_row
from coord.platform.code_version import code_version
from coord.platform.git.naming import worktree_name
from coord.platform.git.repository import CONFIG
from coord.platform.replace_file import replace_file
from coord.render.format import line, session_label
from coord.workspace.config import Config
from coord.workspace.names import sessions_by_conversation
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Anchor, Instant, to_micros
from projections.rules.cycles import wait_cycles
from projections.rules.liveness import ObserverHost
from projections.rules.resources import is_file, is_pattern, root_of, roots_above
from projections.rules.rows import recent_sessions
from projections.rules.sessions import is_at_work
from projections.rules.state import Claim, Message, Session, State, WaitingRequest

if TYPE_CHECKING:
    from coord.guard.view import ViewFields

_ENCODER = msgspec.json.Encoder()
_NOBODY = ObserverHost("", "", "")  # no process is on its machine


def save_index(system: System, workspace: Workspace, config: Config, snapshot: Snapshot) -> None:
    """Write the index. If that fails, hooks take the full path."""
    state, here = with_worktree_names(workspace, snapshot.state), system.here
    requests_id = id_of(state)  # empty if names of worktrees were replaced
    with suppress(OSError):
        known = _known_requests(workspace, requests_id, here) if requests_id else None
        digest, requests = known or ("", None)
        fields, tables = encode_view(state, config, here, requests=requests)
        index = {
            "form": FORM,
            "code": code_version(),
            "config": hook_state.file_stamp(os.path.join(workspace.folder, CONFIG)),
            "here": _place(here),
            "due": to_micros(state.due),
            "journals": with_archive_time(snapshot.history.known_sizes(), workspace.log),
            "sizes": list(map(len, tables)),
            "requests_id": requests_id,
            "requests_digest": digest or requests_digest(tables),
            **fields,
        }
        content = with_digest(_ENCODER.encode(index), tables)
        replace_file(os.path.join(workspace.cache, NAME), content, within=workspace.cache)


def _known_requests(workspace: Workspace, requests_id: str, here: ObserverHost) -> tuple[str, list[bytes]] | None:
    """Return the tables of claims and waiting requests in the present index, with their digest, if they are those with
    this id. They are copied with their digest, so a hook that reads them notices damage.
    """
    index = read_unverified(workspace.cache)
    if index is None or index[0]["requests_id"] != requests_id:
        return None
    fields, tables = index
    if fields["code"] != code_version() or fields["here"] != _place(here):
        return None
    return fields["requests_digest"], tables[TABLES.index("claims") :]


def _place(here: ObserverHost) -> list[str]:
    return [here.machine, here.boot, here.pid_namespace]


def with_worktree_names(workspace: Workspace, state: State) -> State:
    """Return the state with the names of worktrees in all claims. Those of older versions contain paths, which the
    rules cannot compare with names: only git's files tell the name of the worktree at a path.
    """
    paths = set(filter(os.path.isabs, {claim.worktree for claim in state.claims.values()}))
    if not paths:
        return state
    names = {path: worktree_name(workspace.checkout, path) for path in paths}
    older = [claim for claim in state.claims.values() if claim.worktree in paths]
    return replace(
        state, claims=state.claims | {claim.id: replace(claim, worktree=names[claim.worktree]) for claim in older}
    )


def hook_view(
    state: State, config: Config, here: ObserverHost, now: Instant, session: str, resources: Collection[str] | None
) -> HookView:
    """Return what a hook of a session on the machine `here` needs to know about a state, which is at most as new as
    `now`. With `resources`, the view has only the claims and requests near these files.
    """
    near: set[str] | None = None
    if resources is not None and not any(map(is_pattern, resources)):  # a pattern is near everything below it too
        near = {root for resource in resources for root in roots_above(root_of(resource))}
    return HookView(*encode_view(state, config, here, near, session), to_micros(now))


def encode_view(
    state: State,
    config: Config,
    here: ObserverHost,
    near: Collection[str] | None = None,
    session: str = "",
    requests: list[bytes] | None = None,
) -> "tuple[ViewFields, list[bytes]]":
    """Return the fields and the encoded tables of the view that the hooks on the machine `here` need.

    With `near`, the tables have only the claims and requests with these roots, their sessions and `session`. With
    `requests`, the tables of claims and requests are known, and are not encoded again.
    """
    claims: list[tuple[str, Any]] = [
        (root, (number, None, claim))
        for number, claim in enumerate(state.claims.values() if requests is None else ())
        if is_file(claim.resource) and not claim.imported and _is_in(root := root_of(claim.resource), near)
    ]
    waits: list[tuple[str, Any]] = [
        (root, (number, _process(wait.waiter, here), wait))
        for number, wait in enumerate(state.waits.values() if requests is None else ())
        if is_file(wait.resource) and not wait.imported and _is_in(root := root_of(wait.resource), near)
    ]
    live = [known for known in state.sessions.values() if known.live]
    conversations = {known.client_session for known in live if known.client_session} if near is None else ()
    needed = {session} | {row[2].session for _, row in (*claims, *waits)}
    shown = live if near is None else [known for known in live if known.id in needed]
    editing = {claim.session for claim in state.claims.values() if claim.automatic and not claim.imported}
    tables: dict[str, list[tuple[str, Any]]] = {
        "conversations": [
            (key, [session.id for session in sessions if session.live])
            for key, sessions in sessions_by_conversation(state, conversations).items()
        ],
        "sessions": list(_session_values(state, live, shown, editing, here).items()),
        "claims": claims,
        "waits": waits,
    }
    fields: ViewFields = {
        "at": to_micros(state.at) if state.at else 0,
        "guard": config.guard,
        "ignore": list(config.ignore),
        "heartbeat_us": round(config.heartbeat_seconds * 1_000_000),
        "patience_s": _patience(config),
        "claim_fields": list(Claim.__struct_fields__),
        "wait_fields": list(WaitingRequest.__struct_fields__),
    }
    lines = {
        name: b"".join(sorted(_ENCODER.encode_lines(rows).splitlines(keepends=True))) for name, rows in tables.items()
    }
    return fields, [*map(lines.__getitem__, TABLES[: -len(requests)]), *requests] if requests else list(lines.values())


def _is_in(root: str, near: Collection[str] | None) -> bool:
    return near is None or root in near


def _process(anchor: Anchor | None, here: ObserverHost) -> tuple[int, int] | None:
    """Return the pid and the start ticks of a process if it is on the machine `here`."""
    if anchor is None or anchor.boot != here.boot:
        return None
    is_here = anchor.machine == here.machine and anchor.pid_namespace == here.pid_namespace
    return (anchor.pid, anchor.start_ticks) if is_here else None


def _session_values(
    state: State, live: Iterable[Session], shown: Iterable[Session], editing: Collection[str], here: ObserverHost
) -> dict[str, tuple[object, ...]]:
    """Return the values of a `LiveSession` for each session in `shown`, by id. `live` are all live sessions, and those
    in `editing` have automatic claims.
    """
    named, recent = Counter(session.name for session in live if session.name), {s.id for s in recent_sessions(state)}
    owing = {name for cycle in wait_cycles(state) for name in cycle} | _unconfirming(state)
    found: dict[str, tuple[object, ...]] = {}
    for session in shown:
        doing = session.doing
        is_clear = named[session.name] == 1 and session.name not in recent
        found[session.id] = (
            session_label(session.id, {session.id: session.name}, full=not is_clear) + _elsewhere(session, here),
            _process(session.anchor, here),
            " ".join(filter(None, (doing.action, doing.target))),
            session.doing_since,
            doing.automatic,
            doing.blocked_on,
            doing.asks_person,
            to_micros(session.last_at) if is_at_work(session.doing) else 0,
            has_news(state, session),
            bool(session.unread and unread_messages(state, session)),
            session.id in owing,
            session.id in editing,
        )
    return found


def _elsewhere(session: Session, here: ObserverHost) -> str:
    """Return ` on HOST` for a session of another machine whose name is known."""
    is_other = here.machine and session.host and session.machine != here.machine
    return f" on {line(session.host, 60)}" if is_other else ""


def _unconfirming(state: State) -> set[str]:
    """Return the sessions that have read a message which they must still confirm."""
    return {
        name
        for message in state.messages.values()
        for name in message.unacknowledged_by
        if name in state.sessions and message.id not in state.sessions[name].unread
    }


def unread_messages(state: State, session: Session) -> list[Message]:
    """Return the messages that a session has not read."""
    return [state.messages[name] for name in session.unread if name in state.messages]


def is_pressing(message: Message) -> bool:
    """Return whether a message is shown after the next tool, and not only at the next prompt."""
    return not message.resolved_by and (not message.everyone or message.urgency == "high")


def has_news(state: State, session: Session) -> bool:
    """Return whether a session has something to read that concerns it in particular, or that is urgent."""
    return bool(session.notices) or any(map(is_pressing, unread_messages(state, session) if session.unread else ()))


def patience_s(session: Session, config: Config) -> int:
    """Return how long an automatic claim lasts after the last write, if the file has no uncommitted change."""
    return _patience(config)[session.doing.asks_person]


def _patience(config: Config) -> list[int]:
    """Return how long automatic claims last, in seconds. The second time is that of a session that waits for its user:
    its claims last longer.
    """
    minutes = config.edit_minutes
    return [round(60 * minutes), round(60 * max(minutes, config.blocked_release_minutes))]


def guard_rows(state: State, config: Config, requests: Iterable[Claim | WaitingRequest]) -> list[GuardRow]:
    """Return a row for each of these claims and waiting requests that is not imported."""
    live = [session for session in state.sessions.values() if session.live]
    found: list[dict[str, tuple[object, ...]]] = []

    def find_session(name: str) -> LiveSession:
        if not found:  # most callers need no row's session
            found.append(_session_values(state, live, live, (), _NOBODY))
        values = found[0].get(name)
        return LiveSession.read(dict(zip(SESSION_FIELDS, values, strict=True))) if values else UNKNOWN_SESSION

    return [
        guard_row(asdict(request), isinstance(request, WaitingRequest), None, find_session, _patience(config))
        for request in requests
        if not request.imported
    ]
