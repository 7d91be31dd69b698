"""Whose the files of a commit or of a push are, and how to commit only one's own. Pure functions.

Rule 7 of claims: what is protected checks that no conflicting grant is younger. A file is another's if its session, or
another subagent of ours, has a claim on it; or if ours on it was lost or broken, and is not ours again.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from shlex import quote
from unicodedata import normalize

from msgspec import Struct

from coord.engine.guard_index import rows_of
from coord.guard.decision import GuardRow, RequestedWrite, is_ignored
from coord.hooks.git.staged import PushedRef, Staged
from coord.platform.git.repository import recorded_path
from coord.render.format import line, plural
from coord.render.messages import notice_line
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from eventlog.events import EventId, Instant
from projections.rules.conflicts import conflict, own_covers
from projections.rules.resources import is_pattern, overlap
from projections.rules.state import Session, State
from projections.views.board import names_of

GUARD_OFF = "COORD_GUARD=off"
_FEW = 6  # files of one's own that are named in a command, whatever else is shorter
_MOST_ROWS, _MOST_NAMES, _MOST_CLAIMS = 5, 3, 3  # of what is said, of the files in a row of it, and of what to claim
_SIGNS = str.maketrans(dict.fromkeys("*?", "\ufffd"))


class OwnershipConflict(Struct, frozen=True):
    """Why something is not ours to commit or to push."""

    session: str  # whose it is; empty if nobody has it
    claim: EventId  # by which claim; empty if by none that is active
    resource: str  # of the claim
    said: str  # for people


OwnershipConflicts = Mapping[str, list[OwnershipConflict]]
"""By the name of a file, or a resource that is none: what is in its way."""


def resource_of(name: str) -> str:
    """The resource that a file of git's is. It stands for itself: a sign in it that would be a pattern's is a letter
    like any other.
    """
    return f"file/{normalize('NFC', recorded_path(name)).translate(_SIGNS)}"


def find_conflicts(
    state: State, config: Config, me: Identity, worktree: str, wanted: Mapping[str, str], *, named: bool = False
) -> dict[str, list[OwnershipConflict]]:
    """What is in the way of these resources, by the names that they are given. With `named`, or with the guard on
    `check`, only what was claimed by name.
    """
    rows = [row for row in rows_of(state, config, only_files=False) if not row.waiting]
    if named or config.guard == "check":
        rows = [row for row in rows if not row.automatic]
    broad = [row for row in rows if is_pattern(row.resource)]
    exact: dict[str, list[GuardRow]] = {}
    for row in rows:
        exact.setdefault(row.resource, []).append(row)
    found: dict[str, list[OwnershipConflict]] = {}
    for name, resource in wanted.items():
        mine = _needed_claim(me, resource, worktree)
        some = [row for row in (*exact.get(resource, ()), *broad) if conflict(row, mine)]
        if some and not is_ignored(resource, config.ignore):
            found[name] = [OwnershipConflict(row.session, row.id, row.resource, row.said) for row in some]
    return found


def find_lost_claims(
    state: State, me: Identity, worktree: str, wanted: Mapping[str, str], now: Instant
) -> dict[str, list[OwnershipConflict]]:
    """Rules 7 and 8: what of this was ours and was lost, or broken by another, as long as that was not read. It is ours
    again with a claim that covers it.
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
                found.setdefault(name, []).append(OwnershipConflict(notice.other, "", resource, said))
    return found


def without_dead_holders(
    found: OwnershipConflicts, gone: Callable[[Session], str], state: State
) -> dict[str, list[OwnershipConflict]]:
    """What is left of it where `gone` has evidence that a holder is dead (rule 9)."""
    holders = {each.session for some in found.values() for each in some}
    dead = {name for name in holders if name in state.sessions and gone(state.sessions[name])}
    left = {name: [each for each in some if each.session not in dead] for name, some in found.items()}
    return {name: some for name, some in left.items() if some}


def resources_of(remote: str, rows: Iterable[PushedRef]) -> list[str]:
    """The resources, beside files, by which people claim what a push changes."""
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


# --- what to type -----------------------------------------------------------------------------------------------------


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
    """The command that commits only one's own; empty if there is none. `first`: there is no commit yet; `differing`:
    the files that are not in the index as they stand; `in_merge`: those that the merge has to do with; `sweeps`: the
    commit takes along all that is tracked, and nothing else is staged of what is theirs; `at`: the folder below the top
    in which git was called.

    It names one's own, which leaves what is theirs staged; or theirs, where that is shorter and loses nothing that is
    staged of it, or where one's own is staged in part. Where parts were chosen for this commit alone, they are chosen
    again.
    """
    own = [name for name in staged.names if name not in theirs]
    others = [name for name in staged.names if name in theirs]
    undo = "git rm --cached --force --quiet --" if first else "git restore --staged --"
    if not own and not staged.merges:
        return ""
    if staged.going:
        if any(name in in_merge for name in others):
            return ""
        do = f"git add -- {_words(own, at)}" if staged.passing else f"{undo} {_words(others, at)}"
        return f"{do} && git commit"
    parts = any(name in differing for name in own)
    shorter = len(own) > _FEW and len(others) < len(own) and not any(name in differing for name in others)
    if (parts or shorter) and (sweeps or not staged.passing):
        stage = "git add --update && " if staged.passing else ""
        return f"{stage}{undo} {_words(others, at)} && git commit"
    return f"git commit {'--patch' if parts else '--only'} -- {_words(own, at)}"


def _words(names: Iterable[str], at: str) -> str:
    return " ".join(shell_word(_pathspec(name, at)) for name in names)


def _pathspec(name: str, at: str) -> str:
    """A file as git finds it from the folder in which one is."""
    path = os.path.relpath(f"/{name}", f"/{at}") + "/" * name.endswith("/")
    return f":(literal){path}" if path.startswith(":") or set(path) & set("*?[\\") else path


def shell_word(text: str) -> str:
    """A text as a word for a shell; what a terminal would obey, or cannot show, with escapes."""
    if text.isprintable():
        return quote(text)
    plain = {byte: chr(byte) for byte in range(32, 127) if byte not in b"'\\"}
    return "$'" + "".join(plain.get(byte, f"\\{byte:03o}") for byte in os.fsencode(text)) + "'"


# --- what is said -----------------------------------------------------------------------------------------------------


def explain_commit(
    found: OwnershipConflicts, total: int, command: str, *, merging: bool, denied: bool, start: bool
) -> str:
    """What is said of a commit that takes along what is not one's own. `start`: whoever
    commits is no session yet.
    """
    head = "nothing was committed: " if denied else "note: "
    some = f"{len(found)} of the {plural(total, 'file')} in this commit" if total > 1 else "the file in this commit"
    nothing = "A merge is committed as a whole." if merging else "Nothing else is in it."
    do = f"Commit only your own:\n  {command}" if command else nothing
    verb = "is" if len(found) == 1 else "are"
    said = f"coord: {head}{some} {verb} not yours to commit\n{_rows(found)}"
    return f"{said}\n{do}{_rest(found, 'commit', start)}" if denied else said


def explain_push(found: OwnershipConflicts, *, denied: bool, start: bool) -> str:
    """What is said of a push of what others hold. `start` as for a commit."""
    head = "nothing was pushed" if denied else "note"
    said = f"coord: {head}: others have claimed what this push changes\n{_rows(found)}"
    return f"{said}{_rest(found, 'push', start)}" if denied else said


def _rest(found: OwnershipConflicts, verb: str, start: bool) -> str:
    claims = list(dict.fromkeys((each.resource, each.session) for some in found.values() for each in some))
    first = "Or, after `coord start`," if start else "Or"
    ask = ', or ask: coord send {} "Question" "..."'
    rows = [
        f"coord claim {shell_word(resource)} --wait 10m{ask.format(who) if who else ''}"
        for resource, who in claims[:_MOST_CLAIMS]
    ]
    if len(claims) > _MOST_CLAIMS:
        rows.append(f"and {len(claims) - _MOST_CLAIMS} more: coord claims")
    wait = f"it is free: {rows[0]}" if len(claims) == 1 else "\n  ".join(["each is free:", *rows])
    return f"\n{first} wait until {wait}\nAll the same, on the record: {GUARD_OFF} git {verb}"


def _rows(found: OwnershipConflicts) -> str:
    names: dict[str, list[str]] = {}
    for name, some in found.items():
        for each in some:
            names.setdefault(each.said, []).append(line(name, 80))
    rows = [f"  {_few(some)}: {said}" for said, some in names.items()]
    more = [f"  and {len(rows) - _MOST_ROWS} more: coord claims"] if len(rows) > _MOST_ROWS else []
    return "\n".join(rows[:_MOST_ROWS] + more)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
