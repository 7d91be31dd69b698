"""The full path of a hook: find the shared folder, act as the session of the calling conversation, and answer."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from coord.clients.registry import home_path
from coord.engine.snapshot import Snapshot
from coord.engine.transact import transact
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.guard import hook_state
from coord.guard.denial import denial_text
from coord.guard.entry import ALLOWED, DENIED
from coord.guard.payload import HookCall, Write, writes_in
from coord.guard.view import GuardRow
from coord.guard.work_signs import record_transcript
from coord.hooks import edits
from coord.hooks.context import HookContext, HookRequest, SendDocument, calling_session
from coord.hooks.handlers import HANDLERS, before_tool, claims_to_check
from coord.platform.git.naming import is_same_folder
from coord.render.console.output import is_discarded
from coord.workspace.config import read_config
from coord.workspace.conversations import sessions_of_caller
from coord.workspace.identity import Identity
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import Instant
from projections.rules.state import Claim, Session, State

T = TypeVar("T")
HookResult = tuple[int, str]  # an exit code, and what is printed on standard error
ALLOW: HookResult = (ALLOWED, "")
_LOCK_WAIT_S = 2.0  # for the log's lock: the agent waits for its hook, and the client has a timeout


def handle_call(system: System, call: HookCall, say: SendDocument) -> HookResult:
    """Answer a call on the full path. Without a usable shared folder, allow it and do nothing.

    Raises CoordError for a log that cannot be used.
    """
    writes = writes_in(call, system.env) if call.hook_event in ("before", "after") else []
    if writes and call.hook_event == "before":
        return _decide_writes(system, call, writes)
    try:
        workspace = find_workspace(system.at(call.cwd), None, in_hook=True)
    except CoordError:
        return ALLOW
    writes = [write for write in writes if is_same_folder(write.folder, workspace.folder)]
    _transact(_request(system, workspace, call, writes), HANDLERS[call.hook_event], say)
    return ALLOW


def _request(system: System, workspace: Workspace, call: HookCall, writes: list[Write]) -> HookRequest:
    config = read_config(workspace)
    config = replace(config, lock_wait_seconds=min(config.lock_wait_seconds, _LOCK_WAIT_S))
    return HookRequest(system, workspace, config, call, writes)


def _transact(
    request: HookRequest,
    handler: Callable[[HookContext], T],
    say: SendDocument | None = None,
    to_check: Callable[[HookRequest, State, Instant], list[Claim]] = claims_to_check,
) -> T:
    """Let a handler act as the calling session. Before the lock is taken, git is run for the claims `to_check`.

    Only before a write are the other machines asked. A claim that is made after a write is provisional: what the
    handler tells its agent must not depend on a decision that may be made again.
    """
    system, workspace = request.system, request.workspace
    answers, call = edits.GitAnswers(workspace), request.call

    def act(transaction: Transaction) -> T:
        if call.hook_event == "start" or transaction.anchored:
            record_transcript(workspace.cache, transaction.me.session, call.client.word, _transcript(system, call))
        return handler(HookContext(request, transaction, answers, say))

    return transact(
        system,
        workspace,
        request.config,
        act,
        lambda transaction: _calling_identity(system, workspace, call, transaction),
        [],
        lambda state, now: answers.learn(to_check(request, state, now)),
        offline=call.hook_event != "before",
        in_hook=True,
    ).value


def _transcript(system: System, call: HookCall) -> str:
    """Return the file with the transcript of the calling conversation; empty if the client names none and none is where
    the client saves it.
    """
    if call.transcript or not call.client.transcript:
        return call.transcript
    path = home_path(call.client.transcript.format(id=call.conversation), system.env, call.client)
    return path if os.path.isfile(path) else ""


def write_to_client(document: dict[str, object]) -> None:
    """Send the client a document on standard output. Raises OSError if nobody reads it."""
    if is_discarded(sys.stdout):
        raise OSError("standard output is closed")
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def _decide_writes(system: System, call: HookCall, writes: list[Write]) -> HookResult:
    """Decide about the writes in each shared folder. If one write is denied, the client makes none of them."""
    denied: list[tuple[str, list[GuardRow]]] = []
    session, not_agreed = "", ""
    for folder in dict.fromkeys(write.folder for write in writes):
        some = [write for write in writes if write.folder == folder]
        try:
            session, rows = _decide_in_folder(system, call, some)
        except CoordError as error:
            if not error.details.get("not_agreed"):
                raise
            rows, not_agreed = {}, _not_agreed_text(some[0].resource.removeprefix("file/"), error)
        denied += rows.items()
        if denied or not_agreed:
            break
    if not denied and not not_agreed:
        return ALLOW
    for folder in dict.fromkeys(write.folder for write in writes if write.folder != some[0].folder):
        _release_unwritten(system, call, [write for write in writes if write.folder == folder])
    return DENIED, not_agreed or denial_text(denied, session)


def _not_agreed_text(name: str, error: CoordError) -> str:
    """Return what an agent is shown when the other machines did not agree on its write."""
    away = error.details.get("away")
    if not away:
        return f"coord: {name} was not written. {error.message}"
    return (
        f"coord: {name} was not written, because the other machines could not be asked whether they hold it. {away}. "
        "Do other work, and write it later. Your user can allow such writes: the setting offline = "
        '"provisional" in COORDINATION/config.toml. Do not use the shell to write it.'
    )


def _decide_in_folder(system: System, call: HookCall, writes: list[Write]) -> tuple[str, dict[str, list[GuardRow]]]:
    """Return the session that acts in this folder, and which of these writes are denied, with what blocks them."""
    workspace = find_workspace(system.at(writes[0].directory), None, in_hook=True)
    return _transact(_request(system, workspace, call, writes), lambda hook: (hook.me.id, before_tool(hook)))


def _release_unwritten(system: System, call: HookCall, writes: list[Write]) -> None:
    """End the claims of writes that are not made because another write of the same patch is denied."""
    wanted = {write.resource for write in writes}

    def claims(state: State, session: str) -> list[Claim]:
        return [claim for claim in edits.own_automatic_claims(state, session, call.agent) if claim.resource in wanted]

    def to_check(request: HookRequest, state: State, _now: Instant) -> list[Claim]:
        me = calling_session(system, state, request.call)
        return claims(state, me.id) if me else []

    def release(hook: HookContext) -> None:
        mine = claims(hook.transaction.state, hook.me.id)
        edits.clear_pending(hook.transaction, mine)
        edits.finish_edits(hook.transaction, hook.config, mine, hook.answers, idle=True)

    workspace = find_workspace(system.at(writes[0].directory), None, in_hook=True)
    _transact(_request(system, workspace, call, writes), release, to_check=to_check)


def _calling_identity(system: System, workspace: Workspace, call: HookCall, transaction: Transaction) -> Identity:
    """Return the session of the calling conversation. After a clear or a fork, the new conversation in the same process
    continues the session of the old one; for a client whose process has one conversation at a time, it always does (see
    `Transaction.act_as`). Also leave the trace that hooks of this client run here.
    """
    if not os.path.exists(trace := hook_state.client_trace_path(workspace.cache, call.client.word, call.through)):
        hook_state.write_trace(trace)
    known = calling_session(system, transaction.state, call)
    name, conversation = known.id if known else "", call.conversation
    if known and conversation in known.agents:  # the call is of a subagent of a subagent
        conversation = known.client_session
    identity = Identity(name, "the hook's input", call.agent, call.client.name, conversation)
    if known:
        return identity
    anchor = transaction.free_anchor("", call.conversation)
    before = [
        session
        for session in transaction.state.sessions.values()
        if session.live and anchor and session.anchor == anchor and session.client == call.client.name
    ]
    sources = ("clear", "fork", "compact") if call.client.renews_ids else ("clear", "fork")
    if len(before) == 1 and (call.source in sources or _is_continued_at_home(system, workspace, call, before[0])):
        transaction.start_conversation(identity, before)
        return transaction.me
    return identity


def _is_continued_at_home(system: System, workspace: Workspace, call: HookCall, before: Session) -> bool:
    """Return whether the calling conversation continued that of `before`, according to its home: the shared folder of
    its working directory. A write into another repository does not show that the conversation was cleared or forked.
    """
    try:
        home = find_workspace(system.at(call.cwd), None, in_hook=True)
    except CoordError:
        return False
    if is_same_folder(home.folder, workspace.folder):
        return False
    snapshot = Snapshot(system, home)
    snapshot.catch_up(consistent=True)
    old, new = (
        next(iter(sessions_of_caller(system, snapshot.state, call.client, (name,), in_hook=True)), None)
        for name in (before.client_session, call.conversation)
    )
    return old is not None and new is not None and old.id == new.id
