"""The hooks of git: refuse a commit that contains work of others, and a push that changes what others hold.

This is the last check before work of others is committed by mistake. For most commits the log is read without its lock,
and nothing is appended. Only a bypass and the end of committed edits are recorded; if a person without a session causes
one, a session is started for that call of git.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from math import inf

from msgspec.structs import replace

from coord.engine.guard_index import with_worktree_names
from coord.engine.snapshot import Snapshot
from coord.engine.transact import transact
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.guard.work_signs import read_signs
from coord.hooks import edits
from coord.hooks.git import staged
from coord.hooks.git.ownership import (
    GUARD_OFF,
    ByResource,
    OwnershipConflict,
    OwnershipConflicts,
    explain_commit,
    explain_idle_agents,
    explain_push,
    find_conflicts,
    find_lost_claims,
    resources_of,
    suggest_command,
    without_dead_holders,
)
from coord.platform.git.naming import claim_name, find_checkout, is_same_folder, relative_name
from coord.platform.git.repository import Repository, find_repository
from coord.render.console.output import print_note
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, session_started
from coord.workspace.identity import find_identity as find_identity
from coord.workspace.paths import Workspace, find_workspace, places_with_logs
from coord.workspace.people import is_person
from coord.workspace.system import System
from eventlog.events import ClaimBypassed, EventId, Instant, SessionEnded, seconds_between, to_micros
from projections.rules.conflicts import are_different_worktrees
from projections.rules.fold import as_of
from projections.rules.liveness import GUARD_PATIENCE_S, STOPPED, idle_evidence, last_sign
from projections.rules.resources import is_file
from projections.rules.rows import recent_sessions
from projections.rules.state import Claim, State
from projections.views.board import GIT_CLIENT

_LOCK_WAIT_S = 2  # for recording a bypass, or the end of an edit
_NOBODY = Identity("", "")


class GitHook:
    """A call of git, as far as it concerns one shared folder. `alone` means that no other one is concerned."""

    def __init__(self, system: System, workspace: Workspace, repository: Repository, alone: bool = True) -> None:
        self.system, self.workspace, self.repository, self.alone = system, workspace, repository, alone
        self.checkout = workspace.checkout
        self.worktree = self.checkout.worktree

    @cached_property
    def config(self) -> Config:
        """The folder's settings. Raises CoordError."""
        return read_config(self.workspace)

    def read_state(self) -> tuple[State, str]:
        """Return the present state and its time. Raises CoordError."""
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(consistent=True)
        return with_worktree_names(self.workspace, as_of(snapshot.state, snapshot.now)), snapshot.now

    def me(self, state: State) -> Identity:
        """Return the session that calls git; `_NOBODY` for a person without one. Raises CoordError if it is unclear."""
        return find_identity(self.system, state) or _NOBODY

    def is_person(self, me: Identity, state: State) -> bool:
        """Return whether a person calls git."""
        return is_person(self.system, me, state.sessions.get(me.session))

    def resource(self, name: str, is_submodule: bool = False) -> str:
        """Return the resource by which a file is claimed; a submodule is claimed as a folder, because its commit
        contains every file in it. `name` is its path from the root of the repository that git commits to, which can be
        nested in that of the log. Empty for a file that this log does not guard.
        """
        path = os.path.join(self.repository.worktree, name)
        relative = relative_name(self.checkout, path) if self._guards(path) else ""
        return f"file/{claim_name(relative)}{'/' * is_submodule}" if relative else ""

    def _guards(self, path: str) -> bool:
        if self.alone:
            return True
        found = find_checkout(os.path.dirname(path))
        return found is not None and is_same_folder(found.folder, self.workspace.folder)

    def resources(self, names: Mapping[str, bool]) -> dict[str, str]:
        """Return the resource of each of these files that this log guards. The value of a name is whether it is a
        submodule.
        """
        found = {name: self.resource(name, is_submodule) for name, is_submodule in names.items()}
        return {name: resource for name, resource in found.items() if resource}

    def transact(self, decide: Callable[[Transaction], object]) -> None:
        """Let `decide` append events as the session that calls git. Raises CoordError."""
        config = replace(self.config, lock_wait_seconds=min(self.config.lock_wait_seconds, _LOCK_WAIT_S))
        temporary: list[bool] = []

        def who(transaction: Transaction) -> Identity:
            try:
                found = find_identity(self.system, transaction.state)
            except CoordError:  # more than one session is possible, or it has ended: do not act as the wrong one
                found = None
            if found:
                return found
            transaction.start_session(
                Identity("", "a hook of git"), session_started(self.system, self.workspace, client=GIT_CLIENT)
            )
            temporary.append(True)
            return transaction.me

        def act(transaction: Transaction) -> None:
            try:
                decide(transaction)
            finally:
                if temporary:
                    transaction.append(SessionEnded(reason="it was started for one call of git"))

        transact(self.system, self.workspace, config, act, who, [], in_hook=True)


def hooks_in(system: System) -> list[GitHook]:
    """Return the present call of git for each shared folder that it concerns: the one that guards the repository, and
    those of parts of it.
    """
    repository = find_repository(os.path.realpath(system.cwd)) if system.cwd else None
    if repository is None:
        return []
    found: dict[str, Workspace] = {}
    for place in (system.cwd, *places_with_logs(repository)):
        with suppress(CoordError):
            workspace = find_workspace(system.at(place), None)
            found.setdefault(workspace.folder, workspace)
    return [GitHook(system, workspace, repository, len(found) == 1) for workspace in found.values()]


def before_commit(hook: GitHook) -> int:
    """Return the exit code that allows or refuses a commit. Raises CoordError or GitError if that cannot be decided."""
    state, now = hook.read_state()
    if hook.config.guard == "off" or not (state.claims or any(s.notices for s in recent_sessions(state))):
        return 0
    commit = staged.read_staged(hook.system, hook.repository)
    me = hook.me(state)
    wanted = hook.resources({name: name in commit.submodules for name in commit.names})
    found = find_conflicts(state, hook.config, me, hook.worktree, wanted)
    for name, some in find_lost_claims(state, me, hook.worktree, wanted, now).items():
        found.setdefault(name, []).extend(some)
    found = without_dead_holders(found, hook.system.death_evidence, state)
    free_s: float | None = None
    person = bool(found) and hook.is_person(me, state)
    if person:  # people may commit the edits of agents that are not at work
        found, free_s = _without_idle_edits(hook, found, state, now)
    if not found or _is_guard_off(hook, found, wanted, "commit"):
        return 0
    command = suggest_command(
        commit,
        found,
        first=not staged.has_commit(hook.system),
        differing=staged.unstaged_files(hook.system, hook.repository),
        in_merge=staged.merged_files(hook.system, commit.merges),
        sweeps=staged.commits_all(hook.system) and staged.partly_staged(hook.system).isdisjoint(found),
        at=hook.system.env.get(staged.PREFIX, ""),
    )
    denied, start = hook.config.guard != "warn", not (me.session or me.client)
    print_note(
        explain_commit(
            found,
            len(commit.names),
            command,
            merging=bool(commit.merges),
            denied=denied,
            start=start,
            person=person,
            free_s=free_s,
        )
    )
    return staged.DENIED if denied else 0


def _without_idle_edits(
    hook: GitHook, found: OwnershipConflicts, state: State, now: Instant
) -> tuple[dict[str, list[OwnershipConflict]], float | None]:
    """Return the conflicts without the automatic claims of agents that are not at work. Claims made by name stay.

    If only agents that show no further sign of work prevent the commit, also return after how many seconds it will be
    allowed. Print a note about agents that are not at work although they report it.
    """
    edited = {claim.id for claim in state.claims.values() if claim.automatic}
    automatic = {name: [each for each in some if each.claim in edited] for name, some in found.items()}
    by_agent = {each.session for some in automatic.values() for each in some}
    over, free_s = dict[str, str](), list[float]()
    for session in (state.sessions[name] for name in by_agent):
        is_here = session.machine == hook.system.here.machine
        signs = read_signs(hook.workspace.cache, session.id, to_micros(now), GUARD_PATIENCE_S * 1_000_000)
        patience_s = GUARD_PATIENCE_S if is_here else inf
        if evidence := idle_evidence(session, signs, now, patience_s, state.sessions.values()):
            over[session.id] = evidence
        elif is_here and not signs.runs:
            free_s.append(GUARD_PATIENCE_S - seconds_between(last_sign(session, signs), now))
    left = {name: [e for e in some if e.claim not in edited or e.session not in over] for name, some in found.items()}
    stay = [each for some in left.values() for each in some]
    if note := explain_idle_agents(automatic, {name: why for name, why in over.items() if why != STOPPED}, state):
        print_note(note)
    soon = free_s and len(free_s) == len({each.session for each in stay}) and all(e.claim in edited for e in stay)
    return {name: some for name, some in left.items() if some}, max(free_s) if soon else None


def after_commit(hook: GitHook) -> int:
    """End the automatic claims of all sessions on the committed files. Raises like `before_commit`."""
    state, _ = hook.read_state()
    edited = [claim for claim in state.claims.values() if claim.automatic]
    here = [claim for claim in edited if not are_different_worktrees(claim.worktree, hook.worktree)]
    if hook.config.guard == "off" or not here:
        return 0
    known, over = ByResource(here), dict[EventId, Claim]()
    for resource in hook.resources(staged.committed_files(hook.system)).values():
        over |= {claim.id: claim for claim in known.overlapping(resource)}
    if over:
        answers = edits.GitAnswers(hook.workspace)
        answers.learn(over.values())
        hook.transact(
            lambda transaction: edits.finish_committed(
                transaction, hook.config, _active_claims(transaction, over), answers
            )
        )
    return 0


def before_push(hook: GitHook, remote: str, text: str) -> int:
    """Return the exit code that allows or refuses a push. A push loses no work, so only claims made by name count: on a
    branch, on the push, or on a file that the commits change. Raises like `before_commit`.
    """
    state, _ = hook.read_state()
    me = hook.me(state)
    if hook.config.guard == "off" or not any(
        c.session != me.session and not c.automatic for c in state.claims.values()
    ):
        return 0
    rows = staged.parse_pushed(text)
    wanted = {name: name for name in resources_of(remote, rows)}
    wanted |= hook.resources(staged.pushed_files(hook.system, remote, rows))
    found = find_conflicts(state, hook.config, me, hook.worktree, wanted, named=True)
    found = without_dead_holders(found, hook.system.death_evidence, state)
    if not found or _is_guard_off(hook, found, wanted, "push"):
        return 0
    denied = hook.config.guard != "warn"
    print_note(explain_push(found, denied=denied, start=not (me.session or me.client)))
    return staged.DENIED if denied else 0


def _is_guard_off(hook: GitHook, found: OwnershipConflicts, wanted: Mapping[str, str], verb: str) -> bool:
    """Return whether the guard is off for this call. If so, record the bypass of each claim; its holder is told.
    `wanted` has the resource of each name in `found`.
    """
    if hook.system.env.get("COORD_GUARD", "").lower() != "off":
        return False
    files: dict[EventId, list[str]] = {}
    for name, some in found.items():
        for each in some:
            files.setdefault(each.claim, []).append(name)

    def decide(transaction: Transaction) -> None:
        for claim in _active_claims(transaction, files):
            names = files[claim.id]
            one = len(names) == 1 and is_file(claim.resource)
            changed = wanted[names[0]] if one else claim.resource
            transaction.append(ClaimBypassed(claim=claim.id, resource=changed, how=f"git {verb} with {GUARD_OFF}"))

    if any(files):  # false if all are own claims that were lost
        hook.transact(decide)
    return True


def _active_claims(transaction: Transaction, ids: Iterable[EventId]) -> list[Claim]:
    return [transaction.state.claims[name] for name in ids if name in transaction.state.claims]
