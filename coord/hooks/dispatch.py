"""The long way of a hook: find the shared folder, act as the session of the conversation that calls, and answer."""

import os
import sys

import msgspec
from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.engine.transaction import Transaction, transact
from coord.errors import CoordError
from coord.guard import hook_state
from coord.guard.entry import ALLOWED, DENIED, record_denials
from coord.guard.index import GuardRow, denial_text
from coord.guard.payload import HookCall, Write, writes_in
from coord.hooks import edits
from coord.hooks.context import HookContext, SendDocument, without_question
from coord.hooks.handlers import HANDLERS, claims_to_check
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, session_started
from coord.workspace.names import by_conversation
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import Instant
from projections.rules.state import Claim, Session, State

HookResult = tuple[int, str]  # an exit code, and what is said on standard error
NO_OUTPUT: HookResult = (ALLOWED, "")
_LOCK_WAIT_S = 2.0  # for the log: an agent waits meanwhile, and its client not for ever


def handle_call(system: System, call: HookCall, say: SendDocument) -> HookResult:
    """Answer a call the long way. A shared folder that is not there, or cannot be used, is a reason to say nothing.

    Raises CoordError for a log that cannot be used.
    """
    writes = writes_in(call, system.env) if call.hook_event == "before" else []
    if writes:
        return _guard(system, call, writes)
    try:
        workspace = find_workspace(system.at(call.cwd), None)
    except CoordError:
        return NO_OUTPUT
    config = _with_short_lock_wait(read_config(workspace))

    def who(transaction: Transaction) -> Identity:
        return _calling_identity(system, workspace, call, transaction)

    answers = edits.GitAnswers(workspace)

    def act(transaction: Transaction) -> None:
        HANDLERS[call.hook_event](HookContext(system, workspace, config, call, say, transaction, answers))

    def prepare(state: State, now: Instant) -> None:
        answers.learn(claims_to_check(call, workspace, config, state, now))

    transact(system, workspace, config, act, who, [], prepare)
    return NO_OUTPUT


def write_to_client(document: dict[str, object]) -> None:
    """Hand the client a document, on standard output. Raises OSError if nobody reads it."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def _with_short_lock_wait(config: Config) -> Config:
    return replace(config, lock_wait_seconds=min(config.lock_wait_seconds, _LOCK_WAIT_S))


def _guard(system: System, call: HookCall, writes: list[Write]) -> HookResult:
    """Every write is guarded by the folder of the repository that it is in. If one is denied, none is made."""
    denied: list[tuple[str, list[GuardRow]]] = []
    for folder in dict.fromkeys(write.folder for write in writes):
        some = [write for write in writes if write.folder == folder]
        denied += _guard_in(system, call, some).items()
        if denied:
            break
    if not denied:
        return NO_OUTPUT
    for folder in dict.fromkeys(write.folder for write in writes if write.folder != some[0].folder):
        _release_unwritten(system, call, [write for write in writes if write.folder == folder])
    return DENIED, denial_text(denied)


def _guard_in(system: System, call: HookCall, writes: list[Write]) -> dict[str, list[GuardRow]]:
    workspace = find_workspace(system.at(writes[0].directory), None)
    config = _with_short_lock_wait(read_config(workspace))

    def who(transaction: Transaction) -> Identity:
        return _calling_identity(system, workspace, call, transaction)

    answers = edits.GitAnswers(workspace)

    def prepare(state: State, now: Instant) -> None:
        me = by_conversation(state, (call.conversation,))
        answers.learn(edits.denying_claims(state, config, writes, me.id if me else "", now))

    def act(transaction: Transaction) -> dict[str, list[GuardRow]]:
        doing = transaction.state.sessions[transaction.me.session].doing
        if doing.asks_person:
            transaction.append(without_question(doing))
        found = edits.claim_for_writes(transaction, config, writes, answers)
        record_denials(workspace.cache, transaction.me.session, [write for write in writes if write.resource in found])
        return found

    return transact(system, workspace, config, act, who, [], prepare).value


def _release_unwritten(system: System, call: HookCall, writes: list[Write]) -> None:
    """What was claimed for a patch of which another part is denied is not under way."""
    workspace = find_workspace(system.at(writes[0].directory), None)
    config = _with_short_lock_wait(read_config(workspace))
    wanted = {write.resource for write in writes}

    answers = edits.GitAnswers(workspace)

    def mine(state: State, session: str) -> list[Claim]:
        return [claim for claim in edits.own_automatic_claims(state, session, call.agent) if claim.resource in wanted]

    def prepare(state: State, _now: Instant) -> None:
        me = by_conversation(state, (call.conversation,))
        answers.learn(mine(state, me.id) if me else ())

    def act(transaction: Transaction) -> None:
        claims = mine(transaction.state, transaction.me.session)
        edits.clear_pending(transaction, claims)
        edits.finish_edits(transaction, config, claims, answers, idle=True)

    transact(
        system,
        workspace,
        config,
        act,
        lambda transaction: _calling_identity(system, workspace, call, transaction),
        [],
        prepare,
    )


def _calling_identity(system: System, workspace: Workspace, call: HookCall, transaction: Transaction) -> Identity:
    """The session of the conversation that calls. A new conversation in the process of one that was cleared or forked
    there continues that one's session. It leaves the trace that hooks of its client run here.
    """
    if not os.path.exists(trace := hook_state.client_trace_path(workspace.cache, call.client.word)):
        hook_state.write_trace(trace)
    known = by_conversation(transaction.state, (call.conversation,))
    name = known.id if known else ""
    identity = Identity(name, "the hook's input", call.agent, call.client.name, call.conversation)
    if known:
        return identity
    anchor = transaction.free_anchor("", call.conversation)
    before = [
        session
        for session in transaction.state.sessions.values()
        if session.live and anchor and session.anchor == anchor and session.client == call.client.name
    ]
    if len(before) == 1 and (
        call.source in ("clear", "fork") or _is_continued_at_home(system, workspace, call, before[0])
    ):
        hello = session_started(
            system,
            workspace,
            name=before[0].name,
            client=call.client.name,
            client_session=call.conversation,
            capabilities=before[0].capabilities,
            anchor=anchor,
            continues=before[0].id,
        )
        transaction.start_session(identity, hello)
        return transaction.me
    return identity


def _is_continued_at_home(system: System, workspace: Workspace, call: HookCall, before: Session) -> bool:
    """Whether a session of another repository's folder belongs to a conversation that this one continued at home: only
    there it is told.
    """
    try:
        home = find_workspace(system.at(call.cwd), None)
    except CoordError:
        return False
    if home.folder == workspace.folder:
        return False
    snapshot = Snapshot(system, home)
    snapshot.catch_up(consistent=True)
    old, new = (by_conversation(snapshot.state, (name,)) for name in (before.client_session, call.conversation))
    return old is not None and new is not None and old.id == new.id
