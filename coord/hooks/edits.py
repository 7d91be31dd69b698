"""The edits for which hooks claim files: which of them are over, as git and the hooks' traces tell.

A hook's claim is there for an edit. It lasts for as long as the edit does: while a write is under way, while something
of it is uncommitted and its session lives, and else 20 minutes from the last write. The log cannot know what git knows,
so such a claim is given a long time, and ends when anyone sees that its edit is over (`claim.finished`): the holder's
own hooks, the hook of a commit, or whoever wants the file. So nobody is denied a file in which nobody has work, and
nobody's work is taken for over because its agent was thinking.
"""

import os
from collections.abc import Callable, Collection, Iterable

from coord.engine.guard_index import patience_s, rows_of
from coord.engine.transaction import Transaction
from coord.guard import hook_state
from coord.guard.decision import GuardRow, Verdict
from coord.guard.payload import Write
from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import find_repository
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from eventlog.events import MAX_TTL_S, ClaimFinished, ClaimRequested, EventId, Instant, to_micros
from projections.rules.conflicts import conflict
from projections.rules.state import Claim, ClaimRequest, State

IGNORED = "!!"  # how git says that it does not look at a file
TTL_S = MAX_TTL_S  # of an automatic claim, whose end is seen and not awaited
_GIT_S = 2  # how long git may take: an agent waits meanwhile
_WRITE_S = 30  # how long a write takes at most, but where its agent asks its person first
_MOST_NAMES = 500  # of one question to git

GitStatusFunction = Callable[[str, Collection[str]], "dict[str, str] | None"]
"""Of a worktree's root and names below it: those that differ from what is committed, with how (`!!`: git does not look
at them); None where git cannot tell.
"""


def git_status(root: str, names: Collection[str]) -> dict[str, str] | None:
    """What git says of these files: see `GitStatusFunction`. Where there is no repository, git looks at nothing."""
    if find_repository(root) is None or not os.path.isdir(root):
        return dict.fromkeys(names, IGNORED)
    found: dict[str, str] = {}
    asked = list(names)
    for start in range(0, len(asked), _MOST_NAMES):
        some = _status(root, asked[start : start + _MOST_NAMES])
        if some is None:
            return None
        found |= some
    folders = tuple(name for name, how in found.items() if how == IGNORED and name.endswith("/"))
    return found | {name: IGNORED for name in asked if folders and name.startswith(folders)}


def _status(root: str, names: list[str]) -> dict[str, str] | None:
    asked = [f":(literal){name}" for name in names]
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching")
    try:
        said = run_git(root, "status", *options, "--", *asked, env=os.environ, timeout_s=_GIT_S)
    except GitError:
        return None
    rows = [os.fsdecode(row) for row in said.split(b"\0") if row]
    return {row[3:]: row[:2] for row in rows}


class GitAnswers:
    """What git said of the files of automatic claims, before the lock was taken: git may be slow, and others wait for
    the lock. An answer counts for as long as the file and the repository look as they did when git was asked.
    """

    def __init__(self, workspace: Workspace, ask: GitStatusFunction | None = None) -> None:
        self.workspace, self._ask = workspace, ask or git_status
        self._known: dict[EventId, tuple[hook_state.Trace, str | None]] = {}

    def learn(self, claims: Iterable[Claim]) -> None:
        """Ask git about the files of the automatic ones of these claims."""
        by_root: dict[str, list[_Edit]] = {}
        for claim in claims:
            if claim.automatic:
                by_root.setdefault(claim.worktree, []).append(_Edit(self.workspace, claim))
        for root, some in by_root.items():
            differing = self._ask(root, {edit.name for edit in some})
            for edit in some:
                differs = None if differing is None else differing.get(edit.name, "")
                self._known[edit.claim.id] = edit.looks, differs

    def of(self, edit: "_Edit") -> str | None:
        """How an edit's file differs from what is committed; None if that is not known."""
        found = self._known.get(edit.claim.id)
        return found[1] if found and found[0] == edit.looks else None


def finish_edits(
    transaction: Transaction, config: Config, claims: Iterable[Claim], answers: GitAnswers, *, idle: bool = False
) -> list[EventId]:
    """End those of these automatic claims whose edits are over, on the record. Which they were. `idle` is whether it is
    known that no write of theirs is under way.
    """
    ended: list[EventId] = []
    for claim in claims:
        if not claim.automatic:
            continue
        edit = _Edit(transaction.workspace, claim)
        if reason := edit.over(transaction, config, answers.of(edit), idle=idle):
            transaction.append(ClaimFinished(claim=claim.id, reason=reason))
            ended.append(claim.id)
    return ended


def finish_committed(transaction: Transaction, config: Config, claims: Iterable[Claim], answers: GitAnswers) -> None:
    """End those of these claims whose files were committed just now. What is left of a write that never came, since its
    person refused it, ends with them; one that comes after all claims its file anew (`claim_again`).
    """
    claims = list(claims)
    awaited = {claim.id for claim in claims if _write_may_be_pending(transaction, claim)}
    finish_edits(transaction, config, [claim for claim in claims if claim.id in awaited], answers)
    finish_edits(transaction, config, [claim for claim in claims if claim.id not in awaited], answers, idle=True)


def _write_may_be_pending(transaction: Transaction, claim: Claim) -> bool:
    """Whether a write may be under way: begun a moment ago, or while its agent asks its person. An agent does one thing
    at a time, so it does not write while it commits. But its subagents may, and what one of them waits for is not told
    apart from what the others do.
    """
    holder = transaction.state.sessions[claim.session]
    if holder.agents:
        return True
    if claim.session == transaction.me.session:
        return False
    seen = hook_state.read_trace(
        hook_state.edit_trace_path(transaction.workspace.cache, claim.worktree, claim.resource)
    )
    begun = 0 <= to_micros(transaction.at) - seen.get("pending", 0) < _WRITE_S * 1_000_000
    return begun or holder.doing.asks_person


class _Edit:
    """An automatic claim, and how its file and its repository look."""

    def __init__(self, workspace: Workspace, claim: Claim) -> None:
        self.claim = claim
        self.trace = hook_state.edit_trace_path(workspace.cache, claim.worktree, claim.resource)
        self.seen = hook_state.read_trace(self.trace)
        self.name: str = self.seen.get("name") or claim.resource.removeprefix("file/")
        repository = find_repository(claim.worktree)
        git = hook_state.git_stamp(repository.git) if repository else ""
        self.looks: hook_state.Trace = {
            "file": hook_state.file_stamp(os.path.join(claim.worktree, self.name)),
            "git": git,
            "name": self.name,
        }

    def over(self, transaction: Transaction, config: Config, differs: str | None, *, idle: bool) -> str:
        """Why the edit is over; empty if it is not, or if that cannot be told. `differs` as git says it, empty if the
        file is as it was committed.
        """
        now, patience = to_micros(transaction.at), patience_s(transaction.state.sessions[self.claim.session], config)
        pending = 0 <= now - self.seen.get("pending", -patience * 2_000_000) < patience * 1_000_000
        if differs is None or (pending and not idle):
            return ""
        written = self.seen.get("file") is not None
        if differs and (written or differs != IGNORED):
            answer: hook_state.Trace = {"ignored": 1} if differs == IGNORED else {"sure": 1}
            hook_state.write_trace(self.trace, self.looks | answer)
        if differs and differs != IGNORED:
            return ""
        if written and not differs:
            return "what was written is committed, or taken back"
        if idle and not written:
            return "nothing was written, and nothing is uncommitted"
        age = now - (to_micros(self.claim.expires_at) - self.claim.ttl_s * 1_000_000)
        if age < patience * 1_000_000:
            return ""
        return f"nothing was written for {round(patience / 60)} min, and nothing is uncommitted"


def own_automatic_claims(state: State, session: str, agent: str | None = None) -> list[Claim]:
    """The automatic claims of a session, or of one of its subagents."""
    return [c for c in state.claims.values() if c.session == session and c.automatic and agent in (None, c.agent)]


def clear_pending(transaction: Transaction, claims: Iterable[Claim]) -> None:
    """The writes of these claims are not under way any more, whatever became of them."""
    for claim in claims:
        path = hook_state.edit_trace_path(transaction.workspace.cache, claim.worktree, claim.resource)
        seen = hook_state.read_trace(path)
        if seen.pop("pending", 0):
            hook_state.write_trace(path, seen)


def stale_claims(workspace: Workspace, config: Config, state: State, at: Instant) -> list[Claim]:
    """The automatic claims, of anybody, that may be over for want of a write, as far as can be told without git."""
    now = to_micros(at)
    rows = [
        row
        for row in rows_of(state, config)
        if row.automatic and now - (row.ends - row.ttl_s * 1_000_000) >= row.patience_s * 1_000_000
    ]
    return [state.claims[row.id] for row in rows if not _is_unfinished(workspace, row, now)]


def _is_unfinished(workspace: Workspace, row: GuardRow, now: int) -> bool:
    """Whether an edit is known to go on, without asking git."""
    repository = find_repository(row.worktree)
    seen = hook_state.read_trace(hook_state.edit_trace_path(workspace.cache, row.worktree, row.resource))
    path = os.path.join(row.worktree, seen.get("name") or row.resource.removeprefix("file/"))
    return bool(hook_state.is_edit_unfinished(workspace.cache, path, repository.git if repository else "", row, now))


def denying_edits(state: State, verdict: Verdict) -> list[Claim]:
    """Return the automatic claims for which writes are denied."""
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
    """End the automatic claims whose edits are over, where they are in the way of what is asked for."""
    finish_edits(transaction, config, conflicting_claims(transaction.state, wanted), answers)


def may_finish_conflicting(
    workspace: Workspace, config: Config, state: State, wanted: ClaimRequest, now: Instant
) -> bool:
    """Whether `finish_conflicting` may change anything, as far as that can be told without asking git."""
    if not (found := {claim.id for claim in conflicting_claims(state, wanted)}):
        return False
    rows = [row for row in rows_of(state, config) if row.id in found]
    return not all(_is_unfinished(workspace, row, to_micros(now)) for row in rows)


def conflicting_claims(state: State, wanted: ClaimRequest | None) -> list[Claim]:
    """The automatic claims that are in the way of what is asked for."""
    return [claim for claim in state.claims.values() if wanted and claim.automatic and conflict(claim, wanted)]
