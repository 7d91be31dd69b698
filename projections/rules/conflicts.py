"""The first rule of claims: when two stand in each other's way, and when the one gives what the other asks.

The guard asks these at every write of every agent, so this module imports nothing but `projections.rules.resources`.
"""

from projections.rules.resources import covers, is_file, overlap

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from typing import Protocol

    class Wanted(Protocol):
        """What the rules look at: who wants what, how. A claim, a waiting request, or a row of the guard's index."""

        @property
        def session(self) -> str:
            """Who wants it."""

        @property
        def agent(self) -> str:
            """For which subagent; empty for the session itself."""

        @property
        def resource(self) -> str:
            """What."""

        @property
        def mode(self) -> str:
            """`exclusive` or `shared`."""

        @property
        def worktree(self) -> str:
            """In which worktree; empty for everywhere."""

        @property
        def automatic(self) -> bool:
            """Whether a hook made it."""

        @property
        def imported(self) -> bool:
            """Whether it came from another place's past."""


def conflict(a: "Wanted", b: "Wanted") -> bool:
    """Rule 1. Two claims conflict if their resources overlap, at least one is exclusive, and they belong to different
    sessions, or to two different subagents of one session (a session and its own subagent do not conflict). File
    claims bound to different worktrees do not conflict; one that is not bound conflicts everywhere. What was imported
    conflicts only with what was imported: the past of another place stands in nobody's way here.
    """
    if a.imported != b.imported:
        return False
    if a.mode == "shared" and b.mode == "shared":
        return False
    if a.session == b.session and (not a.agent or not b.agent or a.agent == b.agent):
        return False
    if a.worktree and b.worktree and a.worktree != b.worktree and is_file(a.resource) and is_file(b.resource):
        return False
    return overlap(a.resource, b.resource)


def own_covers(own: "Wanted", ask: "Wanted") -> bool:
    """Rule 2. Whether a claim is one of the asking session's own, or its subagent's, that gives all that is asked. One
    that someone asked for ends when he said; so an edit has a claim of its own beside it, which ends with the edit.
    """
    return (
        own.session == ask.session
        and (own.automatic or not ask.automatic)
        and own.agent == ask.agent
        and (own.mode == "exclusive" or ask.mode == "shared")
        and own.worktree in ("", ask.worktree)
        and covers(own.resource, ask.resource)
    )
