"""Decide what is due for a call of a hook. One pure function, `due`, decides for the quick path and for the full path.

`due` takes a `HookView` and `HookFacts`. The view is the part of the state that hooks need. The quick path reads it
from the guard's index, in which it was saved; the full path computes it from the state
(`coord.engine.guard_index.hook_view`). The facts come from the disk and the process table, for both paths.

The verdict of `due` determines what the quick path does:

- nothing is due: allow the call, and update the traces (`coord.guard.hook_state`);
- a write is certainly denied: deny it, and leave a trace of the denial;
- there are reasons (`Verdict.reasons`): take the full path, which acts on them.

Thus the quick path never appends an event, shows an agent nothing but a denial, and never runs git. It checks whether
another session is dead only if that session's claim blocks a write. Other deaths are recorded by the next command that
writes.
"""

from coord.guard.view import UNKNOWN_SESSION, RequestedWrite
from coord.platform.records import LightRecord
from projections.rules.conflicts import are_different_worktrees, conflict, own_covers
from projections.rules.resources import covers, is_file, is_pattern

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal, Protocol, TypeAlias

    from coord.guard.payload import HookCall, Write
    from coord.guard.view import GuardRow, HookView, LiveSession, Mode
    from projections.rules.conflicts import ClaimLike

    WriteDecision: TypeAlias = Literal["allow", "claim", "warn", "deny"]
    Reason: TypeAlias = Literal[
        "unknown",  # the conversation has no live session in the view
        "question",  # the session was waiting for its user, who has answered
        "uncertain",  # a holder may be dead, or its edit finished
        "claim",  # a file has to be claimed
        "changed",  # claimed files of others changed while a shell command of the session ran
        "committed",  # a shell command may have committed files of the session
        "heartbeat",  # the session has written no event for a while
        "message",  # there is something to read
        "reminder",  # it is time to remind the agent of what it must do: see `owes`
        "unguarded",  # the tool writes a file that coord cannot guard
        "warning",  # others work on a file that this call wrote
    ]
    Warning: TypeAlias = "tuple[Write, GuardRow]"

    class HookFacts(Protocol):
        """Facts from the disk and the process table. Each is looked up only if a decision needs it."""

        def is_certain(self, row: "GuardRow", write: Write) -> bool:
            """Return whether a conflicting row certainly blocks: its session lives, and its edit is unfinished."""

        def is_reminder_due(self) -> bool:
            """Return whether the last reminder of the session is long enough ago."""

        def files_changed(self) -> bool:
            """Return whether claimed files of others have changed since a shell command of the session began."""

        def may_have_committed(self) -> bool:
            """Return whether the state of git has changed since the shell command began."""

        def was_reported(self) -> bool:
            """Return whether the agent has been shown that the tool of this call is not guarded."""

        def was_warned(self, row: "GuardRow", write: Write) -> bool:
            """Return whether the agent has been shown the warning about this row and this file."""


class Verdict(LightRecord):
    """What is due for a call. If `reasons` is empty, the quick path answers: it denies the call if `denied` is not
    empty, and allows it otherwise.
    """

    reasons: "list[Reason]"
    denied: "list[tuple[Write, list[GuardRow]]]"  # the writes that are denied, and what blocks each
    claims: "list[Write]"  # the writes whose files have to be claimed
    warnings: "list[Warning]"  # claims of others on files that the call wrote, which the agent must be shown


def due(call: "HookCall", writes: "list[Write]", view: "HookView", session: str, facts: "HookFacts") -> Verdict:
    """Return what is due for a call of `session` (empty if it is not known). `writes` are the call's writes to files
    of this shared folder.
    """
    verdict = Verdict(reasons=[], denied=[], claims=[], warnings=[])
    if call.hook_event == "before":
        _before_writes(verdict, writes, view, session, facts)
    mine = view.session(session)
    if mine is None:
        verdict.reasons.append("unknown")
        mine = UNKNOWN_SESSION
    if mine.asks:
        verdict.reasons.append("question")
    if call.unguarded and not facts.was_reported():
        verdict.reasons.append("unguarded")
    if call.hook_event in ("after", "prompt") and facts.files_changed():
        verdict.reasons.append("changed")
    if call.hook_event == "after":
        if mine.edits and call.tool in call.client.shells and facts.may_have_committed():
            verdict.reasons.append("committed")
        _after_writes(verdict, writes, view, session, facts)
        if is_heartbeat_due(mine, view.heartbeat_us, view.now):
            verdict.reasons.append("heartbeat")
        if not call.agent:  # the messages of a session are not shown to its subagents
            _add_message_reasons(verdict, mine.soon, mine.owes, facts)
    elif call.hook_event == "prompt":
        _add_message_reasons(verdict, bool(mine.soon or mine.later), mine.owes, facts)
    return verdict


def _before_writes(verdict: Verdict, writes: "list[Write]", view: "HookView", session: str, facts: "HookFacts") -> None:
    for write in writes:
        decision, rows = decide_write(view, write, session)
        certain = [row for row in rows if facts.is_certain(row, write)]
        if rows and not certain:
            verdict.reasons.append("uncertain")
        elif decision == "deny":
            verdict.denied.append((write, certain))
        elif decision == "claim":
            verdict.claims.append(write)
    if verdict.denied:
        verdict.claims = []  # none of a call's writes is made if one is denied
    if verdict.claims:
        verdict.reasons.append("claim")


def _after_writes(verdict: Verdict, writes: "list[Write]", view: "HookView", session: str, facts: "HookFacts") -> None:
    """Find files to claim again, because a commit ended their claims before the write was done, and files on which
    others work too.
    """
    for write in writes:
        if decide_write(view, write, session)[0] == "claim":
            verdict.claims.append(write)
        warned_of = rows_to_warn_of(view, write, session)
        verdict.warnings += [(write, row) for row in warned_of if not facts.was_warned(row, write)]
    if verdict.claims:
        verdict.reasons.append("claim")
    if verdict.warnings:
        verdict.reasons.append("warning")


def _add_message_reasons(verdict: Verdict, unread: bool, owes: bool, facts: "HookFacts") -> None:
    if unread:
        verdict.reasons.append("message")
    if owes and facts.is_reminder_due():
        verdict.reasons.append("reminder")


# --- the rules that `due` applies -------------------------------------------------------------------------------------


def decide_write(view: "HookView", write: "Write", session: str) -> "tuple[WriteDecision, list[GuardRow]]":
    """Decide whether a session may write a file, and return what blocks it."""
    if is_ignored(write.resource, view.ignore):
        return "allow", []
    return decide_request(view.rows_near(write.resource), needed_claim(write, session), view.now, view.mode)


def decide_request(
    rows: "Iterable[GuardRow]", ask: "ClaimLike", now: int, mode: "Mode"
) -> "tuple[WriteDecision, list[GuardRow]]":
    """Decide whether a write that needs a claim is allowed, and return what blocks it. `now` is in microseconds since
    1970.

    The decision is `allow`, `deny`, or `claim`: the write is allowed, and the file must be claimed, because this is the
    first write or half of the claim's time has passed. In the mode `check` only claims made by name deny, and nothing
    is claimed. In the mode `warn` the decision is `warn` where it would be `deny`.
    """
    rows = list(rows) if mode != "off" else []
    for own in rows:
        if own_covers(own, ask):
            written = own.ends - own.ttl_s * 1_000_000
            half_over = (now - written) * 2 > own.patience_s * 1_000_000
            return ("claim" if half_over else "allow"), []
    blocking = [row for row in rows if conflict(row, ask) and not (mode == "check" and row.automatic)]
    if blocking:
        return ("warn" if mode == "warn" else "deny"), blocking
    return ("claim" if mode in ("claim", "warn") else "allow"), []


def rows_to_warn_of(view: "HookView", write: "Write", session: str) -> "list[GuardRow]":
    """Return the rows of others on a file that was written, if they do not deny writes: rows of another worktree, where
    a merge will be needed, and in the mode `warn` also rows of the same worktree.
    """
    if is_ignored(write.resource, view.ignore):
        return []
    mine, anywhere = needed_claim(write, session), needed_claim(write, session, worktree="")
    return [
        row
        for row in view.rows_near(write.resource)
        if conflict(row, anywhere) and (is_elsewhere(row, write) or (view.mode == "warn" and conflict(row, mine)))
    ]


def is_elsewhere(row: "GuardRow", write: "Write") -> bool:
    """Return whether a row and a write are in different worktrees."""
    return are_different_worktrees(row.worktree, write.worktree)


def is_heartbeat_due(mine: "LiveSession", heartbeat_us: int, now: int) -> bool:
    """Return whether a session has written no event for a heartbeat's interval, and is not waiting for its user."""
    return not mine.asks and now - mine.last >= heartbeat_us


def needed_claim(write: "Write", session: str, worktree: str | None = None) -> RequestedWrite:
    """Return the claim that a session needs for a write, in the write's worktree or in another one."""
    return RequestedWrite(
        session=session,
        agent=write.agent,
        resource=write.resource,
        mode="exclusive",
        worktree=write.worktree if worktree is None else worktree,
        automatic=True,
        imported=False,
    )


def is_ignored(resource: str, patterns: "Iterable[str]") -> bool:
    """Return whether a file matches one of the patterns of files that are not guarded, such as lock files. A pattern
    without a `/`, except at its end, matches in every folder: the file's name, or the name of a folder above it.
    """
    return ignore_test(patterns)(resource)


def ignore_test(patterns: "Iterable[str]") -> "Callable[[str], bool]":
    """Return a function that returns whether a file matches one of these patterns: see `is_ignored`."""
    names = {pattern for pattern in patterns if "/" not in pattern and not is_pattern(pattern)}
    others = [pattern for pattern in patterns if pattern not in names]

    def matches(resource: str) -> bool:
        if not is_file(resource):
            return False
        *folders, name = resource.split("/")[1:]
        return name in names or any(_matches(pattern, resource, folders, name) for pattern in others)

    return matches


def _matches(pattern: str, resource: str, folders: list[str], name: str) -> bool:
    word = pattern.rstrip("/")
    if "/" in word:
        return covers(f"file/{pattern}", resource)
    return any(covers(f"file/{word}", f"file/{part}") for part in (folders if word != pattern else [name]))


def files_held_by_others(view: "HookView", worktree: str, session: str) -> dict[str, str]:
    """Return the files of a worktree that other sessions hold: the id of the claim by the file's name."""
    is_free = ignore_test(view.ignore)
    return {
        resource.removeprefix("file/"): name
        for holder, resource, place, name in view.held_files()
        if holder != session
        and not are_different_worktrees(place, worktree)
        and not is_pattern(resource)
        and not is_free(resource)
    }
