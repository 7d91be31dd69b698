"""Find the files of a commit or a push that others hold, and a command that commits only the rest. Pure functions.

This applies rule 7 of claims: work is saved only if no younger claim of another session conflicts with it. A file is
not ours if another session, or another subagent of our session, has a claim on it; or if our claim was lost or broken
and we have no new one.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from coord.engine.guard_index import guard_rows
from coord.guard.decision import is_ignored
from coord.guard.denial import row_text
from coord.guard.view import GuardRow, RequestedWrite
from coord.hooks.git.staged import PushedRef, Staged
from coord.render.format import line, plural, session_label, shell_word
from coord.render.messages import notice_line
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from eventlog.events import EventId, Instant
from projections.rules.conflicts import conflict, own_covers
from projections.rules.resources import is_pattern, overlap
from projections.rules.state import Session, State
from projections.views.board import names_of

if TYPE_CHECKING:
    from projections.rules.conflicts import ClaimLike

T = TypeVar("T", bound="ClaimLike")
GUARD_OFF = "COORD_GUARD=off"
_NO_OWN_FILES = "Do other work: this commit contains none of your own files."
_FEW = 6  # own files that a suggested command names, even if another form is shorter
_MOST_ROWS, _MOST_NAMES, _MOST_CLAIMS = 5, 3, 3  # in a text: rows, files in a row, and claims to make


class OwnershipConflict(Struct, frozen=True):
    """Why a file or a resource is not ours to commit or to push."""

    session: str  # the holder; empty if nobody holds it
    claim: EventId  # the active claim; empty if there is none
    resource: str  # the resource of the claim
    said: str  # the conflict as a sentence
    ask: str = ""  # the session to ask for it; empty if another subagent of our own session holds it


OwnershipConflicts = Mapping[str, list[OwnershipConflict]]
"""The conflicts of each file, by its name, or of each other resource."""


class ByResource(Generic[T]):
    """Claims or rows, by their resource. Most comparisons are one look-up, because rule 1 says of two resources that
    are not patterns that they overlap only if they are equal.
    """

    def __init__(self, rows: Iterable[T]) -> None:
        self._rows = list(rows)
        self._patterns = [row for row in self._rows if is_pattern(row.resource)]
        self._exact: dict[str, list[T]] = {}
        for row in self._rows:
            if not is_pattern(row.resource):
                self._exact.setdefault(row.resource, []).append(row)

    def overlapping(self, resource: str) -> list[T]:
        """Return those whose resources overlap with this one."""
        some = self._rows if is_pattern(resource) else [*self._exact.get(resource, ()), *self._patterns]
        return [row for row in some if overlap(row.resource, resource)]


def find_conflicts(
    state: State, config: Config, me: Identity, worktree: str, wanted: Mapping[str, str], *, named: bool = False
) -> dict[str, list[OwnershipConflict]]:
    """Return the conflicts of these resources, by the names that they have in `wanted`. With `named`, or in the guard's
    mode `check`, only claims made by name count. So they do for a submodule, which is wanted as a folder: a commit of
    it contains no uncommitted edits.
    """
    rows = guard_rows(state, config, state.claims.values())
    if named or config.guard == "check":
        rows = [row for row in rows if not row.automatic]
    known = ByResource(rows)
    found: dict[str, list[OwnershipConflict]] = {}
    for name, resource in wanted.items():
        mine = _needed_claim(me, resource, worktree)
        some = [row for row in known.overlapping(resource) if conflict(row, mine)]
        if is_pattern(resource):  # a submodule: its commit contains no uncommitted edit
            some = [row for row in some if not row.automatic]
        if some and not is_ignored(resource, config.ignore):
            some.sort(key=lambda row: (row.automatic, row.agent))  # the first one of each holder is shown
            found[name] = [_conflict_with(row, resource, me.session) for row in some]
    return found


def _conflict_with(row: GuardRow, resource: str, me: str) -> OwnershipConflict:
    ask = "" if row.session == me else row.session
    return OwnershipConflict(row.session, row.id, row.resource, row_text(row, resource, me), ask)


def find_lost_claims(
    state: State, me: Identity, worktree: str, wanted: Mapping[str, str], now: Instant
) -> dict[str, list[OwnershipConflict]]:
    """Return those of these resources on which a claim of ours was lost or broken (rules 7 and 8). A resource is
    included until its notice is read or a new claim of ours covers it.
    """
    session = state.sessions.get(me.session)
    notices = [notice for notice in session.notices if notice.kind in ("lost", "broken")] if session else []
    found: dict[str, list[OwnershipConflict]] = {}
    for name, resource in wanted.items() if notices else ():
        mine = _needed_claim(me, resource, worktree)
        if any(own_covers(claim, mine) for claim in state.claims.values()):
            continue
        for notice in notices:
            if any(overlap(had, resource) for had in notice.resources):
                said = notice_line(notice, now, names_of(state))
                found.setdefault(name, []).append(OwnershipConflict(notice.other, "", resource, said, notice.other))
    return found


def without_dead_holders(
    found: OwnershipConflicts, gone: Callable[[Session], str], state: State
) -> dict[str, list[OwnershipConflict]]:
    """Return the conflicts without the holders that `gone` finds dead (rule 9)."""
    holders = {each.session for some in found.values() for each in some}
    dead = {name for name in holders if name in state.sessions and gone(state.sessions[name])}
    left = {name: [each for each in some if each.session not in dead] for name, some in found.items()}
    return {name: some for name, some in left.items() if some}


def resources_of(remote: str, rows: Iterable[PushedRef]) -> list[str]:
    """Return the resources by which people claim a push, apart from files: branches, tags and the remote."""
    found: dict[str, None] = {}
    for row in rows:
        kind, _, name = row.name.removeprefix("refs/").partition("/")
        kind = {"heads": "branch", "tags": "tag"}.get(kind, kind)
        found |= dict.fromkeys((f"{kind}/{name}", f"push/{name}", f"push/{remote}", f"push/{remote}/{name}"))
    return list(found)


def _needed_claim(me: Identity, resource: str, worktree: str) -> RequestedWrite:
    return RequestedWrite(
        session=me.session,
        agent=me.agent,
        resource=resource,
        mode="exclusive",
        worktree=worktree,
        automatic=False,
        imported=False,
    )


# --- the suggested command --------------------------------------------------------------------------------------------


def suggest_command(
    staged: Staged,
    theirs: Collection[str],
    *,
    first: bool,
    differing: Collection[str],
    in_merge: Collection[str],
    sweeps: bool,
    at: str,
) -> str:
    """Return the command that commits only our own files, without those in `theirs`; empty if there is none.

    - `first`: whether the repository has no commit yet
    - `differing`: the files that differ between the index and the worktree
    - `in_merge`: the files that the merge changes
    - `sweeps`: whether the commit includes all tracked changes, and no file in `theirs` is staged otherwise
    - `at`: the folder, relative to the worktree's root, in which git was called

    Usually the command names our own files, and those in `theirs` stay staged. It unstages those in `theirs` instead
    if that is shorter and loses nothing that is staged, or if our own files are staged in part. In a commit with a
    temporary index, the user must choose the parts again (`--patch`).
    """
    own = [name for name in staged.names if name not in theirs]
    others = [name for name in staged.names if name in theirs]
    undo = "git rm --cached --force --quiet --" if first else "git restore --staged --"
    if not own and not staged.merges:
        return ""
    if staged.concludes:
        if any(name in in_merge for name in others):
            return ""
        do = f"git add -- {_words(own, at)}" if staged.temporary_index else f"{undo} {_words(others, at)}"
        return f"{do} && git commit"
    parts = any(name in differing for name in own)
    shorter = len(own) > _FEW and len(others) < len(own) and not any(name in differing for name in others)
    if (parts or shorter) and (sweeps or not staged.temporary_index):
        stage = "git add --update && " if staged.temporary_index else ""
        return f"{stage}{undo} {_words(others, at)} && git commit"
    return f"git commit {'--patch' if parts else '--only'} -- {_words(own, at)}"


def _words(names: Iterable[str], at: str) -> str:
    return " ".join(shell_word(_pathspec(name, at)) for name in names)


def _pathspec(name: str, at: str) -> str:
    """Return the path of a file as git reads it in the folder `at`."""
    path = os.path.relpath(f"/{name}", f"/{at}") + "/" * name.endswith("/")
    return f":(literal){path}" if path.startswith(":") or set(path) & set("*?[\\") else path


# --- the texts -----------------------------------------------------------------------------------------------------


def explain_commit(
    found: OwnershipConflicts,
    total: int,
    command: str,
    *,
    merging: bool,
    denied: bool,
    start: bool,
    person: bool = False,
    free_s: float | None = None,
) -> str:
    """Return the text about a commit that contains files of others. `start`: the caller has no session yet. `person`:
    a person commits. `free_s`: after how many seconds the commit is allowed if the agents show no more work.
    """
    head = "nothing was committed: " if denied else "note: "
    some = f"{len(found)} of the {plural(total, 'file')} in this commit" if total > 1 else "the file in this commit"
    nothing = "This commit contains none of your own files." if person else _NO_OWN_FILES
    nothing = "A merge is committed as a whole." if merging else nothing
    place = " (options such as -m go before the --)" if command.startswith("git commit") else ""
    do = f"Commit only your own files{place}:\n  {command}" if command else nothing
    verb = "is" if len(found) == 1 else "are"
    said = f"coord: {head}{some} {verb} not yours to commit\n{_rows(found)}"
    return f"{said}\n{do}{_soon(found, free_s)}{_rest(found, 'commit', start)}" if denied else said


def _soon(found: OwnershipConflicts, free_s: float | None) -> str:
    if free_s is None:
        return ""
    several = len({each.session for some in found.values() for each in some}) > 1
    who = "the agents show" if several else "the agent shows"
    return f"\nYou can commit this in {max(1, ceil(free_s))} s if {who} no sign of work until then."


def explain_idle_agents(found: OwnershipConflicts, idle: Mapping[str, str], state: State) -> str:
    """Return a note about the edits of agents in a commit that are not at work although they report it; empty if there
    are none. `idle` has the evidence for each of their sessions.
    """
    rows = []
    for session, evidence in idle.items():
        names = [line(name, 80) for name, some in found.items() if any(each.session == session for each in some)]
        rows.append(f"  {_few(names)}: {session_label(session, names_of(state))} ({line(evidence)})")
    return "\n".join(["coord: note: this commit contains edits of agents that are not at work", *rows]) if rows else ""


def explain_push(found: OwnershipConflicts, *, denied: bool, start: bool) -> str:
    """Return the text about a push that changes what others hold. `start` as for a commit."""
    head = "nothing was pushed" if denied else "note"
    said = f"coord: {head}: others have claimed what this push changes\n{_rows(found)}"
    return f"{said}{_rest(found, 'push', start)}" if denied else said


def _rest(found: OwnershipConflicts, verb: str, start: bool) -> str:
    claims = list(dict.fromkeys((each.resource, each.ask) for some in found.values() for each in some))
    first = "Or, after `coord start`," if start else "Or"
    ask = ', or ask: coord send {} "Question" "..."'
    rows = [
        f"coord claim {shell_word(resource)} --wait 10m{ask.format(who) if who else ''}"
        for resource, who in claims[:_MOST_CLAIMS]
    ]
    if len(claims) > _MOST_CLAIMS:
        rows.append(f"and {len(claims) - _MOST_CLAIMS} more: coord claims")
    wait = f"it is free: {rows[0]}" if len(claims) == 1 else "\n  ".join(["each is free:", *rows])
    return f"\n{first} wait until {wait}\nTo do it anyway (this is recorded): {GUARD_OFF} git {verb}"


def _rows(found: OwnershipConflicts) -> str:
    """Return a row for each reason, with its files. A file has one row for each holder, and one for each lost claim."""
    names: dict[str, list[str]] = {}
    for name, some in found.items():
        first: dict[tuple[str, bool], OwnershipConflict] = {}
        for each in some:
            first.setdefault((each.session, bool(each.claim)), each)
        for each in first.values():
            names.setdefault(each.said, []).append(line(name, 80))
    rows = [f"  {_few(some)}: {said}" for said, some in names.items()]
    more = [f"  and {len(rows) - _MOST_ROWS} more: coord claims"] if len(rows) > _MOST_ROWS else []
    return "\n".join(rows[:_MOST_ROWS] + more)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
