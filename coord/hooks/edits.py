"""Automatic claims: the claims that hooks make for the edits of agents, and how they end.

An automatic claim lasts as long as its edit: while a write is pending, while its session lives and the file differs
from the last commit, and otherwise 20 minutes from the last write. Only git knows what is committed. So the claim gets
a long time to live, and is ended by `claim.finished` when a hook finds, with git and the traces, that the edit is
finished: a hook of the holder, the hook of a commit, or a hook of a session that wants the file.
"""

import os
from collections.abc import Callable, Collection, Iterable
from functools import partial

from coord.engine.guard_index import guard_rows, patience_s, with_worktree_names
from coord.engine.transaction import Transaction
from coord.guard import hook_state
from coord.guard.decision import Verdict
from coord.guard.payload import Write
from coord.guard.view import GuardRow
from coord.platform.git.file_states import FileState, file_states
from coord.platform.git.naming import root_of_worktree, worktree_name
from coord.platform.git.repository import Repository, find_repository
from coord.render.format import duration_text
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from eventlog.events import MAX_TTL_S, ClaimFinished, ClaimRequested, EventId, Instant, to_micros
from projections.rules.conflicts import conflict
from projections.rules.state import Claim, ClaimRequest, State

TTL_S = MAX_TTL_S  # of an automatic claim, which a hook ends earlier
_WRITE_S = 30  # how long a write takes at most, unless the agent asks its user first

FileStatesFunction = Callable[[str, Collection[str]], dict[str, FileState]]
"""See `coord.platform.git.file_states`."""


class GitAnswers:
    """Git's answers about the files of automatic claims. Git runs before the lock is taken, because it is slow and
    other processes wait for the lock. An answer is valid while the stamps of the file and of git are unchanged.
    """

    def __init__(self, workspace: Workspace, ask: FileStatesFunction | None = None) -> None:
        self.workspace = workspace
        self._ask = ask or partial(file_states, ignore_case=workspace.checkout.ignores_case)
        self._known: dict[EventId, tuple[hook_state.Trace, FileState | None]] = {}

    def learn(self, claims: Iterable[Claim]) -> None:
        """Ask git about the files of these claims that are automatic."""
        by_root: dict[str, list[_Edit]] = {}
        for claim in claims:
            if claim.automatic and not _is_out_of_reach(self.workspace, claim.worktree):
                edit = _Edit(self.workspace, claim)
                by_root.setdefault(edit.root, []).append(edit)
        for root, some in by_root.items():
            states = self._ask(root, {edit.name_in_git for edit in some})
            for edit in some:
                self._known[edit.claim.id] = edit.stamps, states.get(edit.name_in_git)

    def of(self, edit: "_Edit") -> FileState | None:
        """Return the state of an edit's file; None if git has not answered."""
        found = self._known.get(edit.claim.id)
        return found[1] if found and found[0] == edit.stamps else None


def finish_edits(
    transaction: Transaction, config: Config, claims: Iterable[Claim], answers: GitAnswers, *, idle: bool = False
) -> list[EventId]:
    """Append the end of each of these automatic claims whose edit is finished, and return their ids. `idle` means that
    no write of theirs is pending.
    """
    ended: list[EventId] = []
    for claim in claims:
        if not claim.automatic or transaction.is_elsewhere(claim.session):
            continue
        edit = _Edit(transaction.workspace, claim)
        if reason := edit.finished_because(transaction, config, answers.of(edit), idle=idle):
            transaction.append(ClaimFinished(claim=claim.id, reason=reason))
            ended.append(claim.id)
    return ended


def finish_committed(transaction: Transaction, config: Config, claims: Iterable[Claim], answers: GitAnswers) -> None:
    """End those of these claims whose files were just committed. The trace of a pending write is ignored unless the
    write may still happen, because it also remains when the user has refused the write. If the write happens after
    all, the hook after it claims the file again.
    """
    claims = list(claims)
    awaited = {claim.id for claim in claims if _write_may_be_pending(transaction, claim)}
    finish_edits(transaction, config, [claim for claim in claims if claim.id in awaited], answers)
    finish_edits(transaction, config, [claim for claim in claims if claim.id not in awaited], answers, idle=True)


def _write_may_be_pending(transaction: Transaction, claim: Claim) -> bool:
    """Return whether a write may be pending: it began seconds ago, or its agent waits for its user. An agent does not
    write while it commits, but its subagents may.
    """
    holder = transaction.state.sessions[claim.session]
    if holder.agents:
        return True
    if claim.session == transaction.me.session:
        return False
    seen = hook_state.read_trace(_trace_path(transaction.workspace, claim))
    recent = 0 <= to_micros(transaction.at) - seen.get("pending", 0) < _WRITE_S * 1_000_000
    return recent or holder.doing.asks_person


def _trace_path(workspace: Workspace, claim: Claim) -> str:
    """Return the path of the trace of an automatic claim's edit."""
    worktree = worktree_name(workspace.checkout, claim.worktree)
    return hook_state.edit_trace_path(workspace.cache, worktree, claim.resource)


def _edited_file(workspace: Workspace, worktree: str, resource: str) -> tuple[str, Repository | None]:
    """Return the path of the file of an automatic claim, and the repository that it is in. That is the nearest one,
    which can be nested in the repository of the shared folder.
    """
    root = root_of_worktree(workspace.checkout, worktree)
    path = hook_state.claimed_path(workspace.cache, root, worktree, resource)
    return path, find_repository(os.path.dirname(path)) if os.path.isdir(root) else None


def _is_out_of_reach(workspace: Workspace, worktree: str) -> bool:
    """Return whether git knows a worktree that is not at its path here, for example because it was moved with `mv`, or
    because this is a container that sees only some worktrees. What is uncommitted there is unknown.
    """
    root = root_of_worktree(workspace.checkout, worktree)
    return bool(root) and root != worktree and not os.path.isdir(root)


class _Edit:
    """An automatic claim, and the stamps of its file and its repository."""

    def __init__(self, workspace: Workspace, claim: Claim) -> None:
        self.claim = claim
        self.trace = _trace_path(workspace, claim)
        self.seen = hook_state.read_trace(self.trace)
        path, repository = _edited_file(workspace, claim.worktree, claim.resource)
        self.root = repository.worktree if repository else ""
        self.name_in_git = os.path.relpath(path, self.root) if repository else path
        self.stamps: hook_state.Trace = {
            "file": hook_state.file_stamp(path),
            "git": hook_state.git_stamp(repository.git) if repository else "",
            "name": self.seen.get("name") or claim.resource.removeprefix("file/"),
        }

    def finished_because(self, transaction: Transaction, config: Config, state: FileState | None, *, idle: bool) -> str:
        """Return why the edit is finished; empty if it is unfinished or that is unknown. `state` is git's answer about
        the file, None if git has not answered.
        """
        now, patience = to_micros(transaction.at), patience_s(transaction.state.sessions[self.claim.session], config)
        pending = 0 <= now - self.seen.get("pending", -patience * 2_000_000) < patience * 1_000_000
        if state is None or (pending and not idle):
            return ""
        written = self.seen.get("file") is not None
        if state == "changed" or (written and state != "clean"):
            answer: hook_state.Trace = {"ignored": 1} if state == "ignored" else {"sure": 1}
            hook_state.write_trace(self.trace, self.stamps | answer)
        if state == "changed":
            return ""
        if state == "unknown":
            return "nothing was written" if idle and self.seen and not written else ""
        if written and state == "clean":
            return "what was written is committed or undone"
        if idle and not written:
            return "nothing was written, and nothing is uncommitted"
        age = now - (to_micros(self.claim.expires_at) - self.claim.ttl_s * 1_000_000)
        if age < patience * 1_000_000:
            return ""
        return f"nothing was written for {duration_text(patience)}, and nothing is uncommitted"


def own_automatic_claims(state: State, session: str, agent: str | None = None) -> list[Claim]:
    """Return the automatic claims of a session, or of one of its subagents."""
    return [c for c in state.claims.values() if c.session == session and c.automatic and agent in (None, c.agent)]


def clear_pending(transaction: Transaction, claims: Iterable[Claim]) -> None:
    """Record that no write of these claims is pending any more."""
    for claim in claims:
        path = _trace_path(transaction.workspace, claim)
        seen = hook_state.read_trace(path)
        if seen.pop("pending", 0):
            hook_state.write_trace(path, seen)


def stale_claims(workspace: Workspace, config: Config, state: State, at: Instant) -> list[Claim]:
    """Return the automatic claims of all sessions whose edits may be finished, because the last write is long ago. Does
    not run git.
    """
    now, named = to_micros(at), with_worktree_names(workspace, state)
    rows = [
        row
        for row in guard_rows(named, config, (claim for claim in named.claims.values() if claim.automatic))
        if now - (row.ends - row.ttl_s * 1_000_000) >= row.patience_s * 1_000_000
    ]
    return [state.claims[row.id] for row in rows if not _is_unfinished(workspace, row, now)]


def _is_unfinished(workspace: Workspace, row: GuardRow, now: int) -> bool:
    """Return whether an edit is known to be unfinished, without running git."""
    path, repository = _edited_file(workspace, row.worktree, row.resource)
    return bool(hook_state.is_edit_unfinished(workspace.cache, path, repository.git if repository else "", row, now))


def denying_edits(state: State, verdict: Verdict) -> list[Claim]:
    """Return the automatic claims that block denied writes."""
    rows = [row for _, found in verdict.denied for row in found if row.automatic and not row.waiting]
    return [state.claims[row.id] for row in rows if row.id in state.claims]


def claim_files(transaction: Transaction, writes: Iterable[Write]) -> None:
    """Claim the files of these writes."""
    for write in writes:
        asked = ClaimRequested(
            resource=write.resource,
            mode="exclusive",
            ttl_s=TTL_S,
            agent=write.agent,
            worktree=write.worktree,
            automatic=True,
            told="granted",
        )
        transaction.append(asked)


def finish_conflicting(
    transaction: Transaction, config: Config, wanted: ClaimRequest | None, answers: GitAnswers
) -> None:
    """End the automatic claims that conflict with a request and whose edits are finished."""
    state = with_worktree_names(transaction.workspace, transaction.state)
    finish_edits(transaction, config, conflicting_claims(state, wanted), answers)


def may_finish_conflicting(
    workspace: Workspace, config: Config, state: State, wanted: ClaimRequest, now: Instant
) -> bool:
    """Return whether `finish_conflicting` may end a claim, without running git."""
    state = with_worktree_names(workspace, state)
    rows = guard_rows(state, config, [state.claims[claim.id] for claim in conflicting_claims(state, wanted)])
    return not all(_is_unfinished(workspace, row, to_micros(now)) for row in rows)


def conflicting_claims(state: State, wanted: ClaimRequest | None) -> list[Claim]:
    """Return the automatic claims that conflict with a request."""
    return [claim for claim in state.claims.values() if wanted and claim.automatic and conflict(claim, wanted)]
