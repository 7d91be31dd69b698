"""Rule 1 and a part of rule 2: when two claims conflict, and when one claim covers a request.

The guard calls these functions before every write of every agent, so this module imports only
`projections.rules.resources`.
"""

from projections.rules.resources import covers, is_file, overlap

TYPE_CHECKING = False  # loading `typing` makes a hook take 1.7 times as long
if TYPE_CHECKING:
    from typing import Protocol

    class ClaimLike(Protocol):
        """What the rules need to know about a claim, a waiting request or a row of the guard's index."""

        @property
        def session(self) -> str:
            """The session that holds or requests it."""

        @property
        def agent(self) -> str:
            """The subagent; empty for the session itself."""

        @property
        def resource(self) -> str:
            """The resource, as `type/name`."""

        @property
        def mode(self) -> str:
            """`exclusive` or `shared`."""

        @property
        def worktree(self) -> str:
            """The worktree it is limited to: its name, or its path in older journals; empty for all."""

        @property
        def automatic(self) -> bool:
            """Whether a hook made it, for an edit."""

        @property
        def imported(self) -> bool:
            """Whether it was imported."""


def conflict(a: "ClaimLike", b: "ClaimLike") -> bool:
    """Rule 1: return whether two claims conflict.

    They conflict if their resources overlap, at least one is exclusive, and they belong to different sessions or to two
    different subagents of one session. A session and its own subagent do not conflict. File claims limited to different
    worktrees do not conflict (see `are_different_worktrees`); a claim without a worktree conflicts in all of them.
    Imported claims conflict only with imported claims.
    """
    if a.imported != b.imported:
        return False
    if a.mode == "shared" and b.mode == "shared":
        return False
    if a.session == b.session and (not a.agent or not b.agent or a.agent == b.agent):
        return False
    if are_different_worktrees(a.worktree, b.worktree) and is_file(a.resource) and is_file(b.resource):
        return False
    return overlap(a.resource, b.resource)


def are_different_worktrees(a: str, b: str) -> bool:
    """Rule 1: return whether two claims are limited to different worktrees.

    A worktree is known by its name in git. Older journals contain its path instead. A path tells nothing about the
    name, so the rule takes them for different. Hooks compare names: see `coord.engine.guard_index.with_worktree_names`.
    """
    return bool(a and b) and a != b


def own_covers(own: "ClaimLike", request: "ClaimLike") -> bool:
    """Rule 2: return whether `own` is a claim of the requester that includes everything that `request` asks for.

    The requester is the session or one of its subagents. A claim that was requested explicitly does not cover a request
    of a hook: the edit gets its own claim, which ends with the edit.
    """
    return (
        own.session == request.session
        and (own.automatic or not request.automatic)
        and own.agent == request.agent
        and (own.mode == "exclusive" or request.mode == "shared")
        and own.worktree in ("", request.worktree)
        and covers(own.resource, request.resource)
    )
