"""The rules of claims once more, in the slowest and plainest way, to compare with: nothing here is taken from
`projections` but the form of a decision.

`matches` and `overlap` say what a pattern means by trying every short path. `ledger` turns the decisions of a fold into
intervals of time, and takes the terms of each grant from the events, so that the laws can be checked on intervals.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import product

from eventlog.events import NEVER, ClaimHandedOver, ClaimRenewed, ClaimRequested, Event, Instant, later
from projections.state import Decision

# --- what a resource means --------------------------------------------------------------------------------------------

LONGEST = 8  # enough for every two patterns of four characters; a third letter would match no other patterns
PATHS = [
    path
    for length in range(1, LONGEST + 1)
    for path in map("".join, product("ab/", repeat=length))
    if all(path.split("/"))  # no part is empty
]


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern (of a file) matches the path."""
    if pattern.endswith("/"):
        pattern += "?**"  # everything below

    def rest(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(path)
        at_part = i == 0 or pattern[i - 1] == "/"
        if pattern.startswith("**/", i) and at_part:
            return any(rest(i + 3, k) for k in range(j, len(path)) if k == j or path[k - 1] == "/")
        if pattern.startswith("**", i):
            return any(rest(i + 2, k) for k in range(j, len(path) + 1))
        if pattern[i] == "*":
            return any(rest(i + 1, k) for k in range(j, len(path) + 1) if "/" not in path[j:k])
        if j == len(path):
            return False
        return (pattern[i] == path[j] or (pattern[i] == "?" and path[j] != "/")) and rest(i + 1, j + 1)

    return rest(0, 0)


@cache
def matched(pattern: str) -> frozenset[str]:
    """The short paths that the pattern matches."""
    return frozenset(path for path in PATHS if matches(pattern, path))


@cache
def overlap(a: str, b: str) -> bool:
    if a.startswith("file/") and b.startswith("file/"):
        return a == b or bool(matched(a[5:]) & matched(b[5:]))
    return a == b


# --- grants and waits as intervals ------------------------------------------------------------------------------------


@dataclass
class Span:
    """A grant or a wait: from `start` up to, not including, `end`."""

    id: str
    session: str
    agent: str
    resource: str
    mode: str
    worktree: str
    start: Instant
    limit: Instant  # when it ends by itself
    imported: bool = False
    waits: bool = False
    to_accept: bool = False  # a grant to a waiter that has not been taken up
    end: Instant = NEVER
    how: str = ""  # it ended
    order: int = 0

    def at(self, moment: Instant) -> bool:
        return self.start <= moment < self.end


def conflict(a: Span, b: Span) -> bool:
    if a.imported != b.imported:
        return False
    if "exclusive" not in (a.mode, b.mode) or not overlap(a.resource, b.resource):
        return False
    if a.session == b.session and (a.agent == b.agent or "" in (a.agent, b.agent)):
        return False
    files = a.resource.startswith("file/") and b.resource.startswith("file/")
    return not (files and a.worktree and b.worktree and a.worktree != b.worktree)


@dataclass
class Ledger:
    grants: list[Span] = field(default_factory=list)
    waits: list[Span] = field(default_factory=list)

    def active(self) -> dict[str, Span]:
        return {span.id: span for span in self.grants if span.end == NEVER}

    def instants(self) -> list[Instant]:
        return sorted({moment for span in (*self.grants, *self.waits) for moment in (span.start, span.end)})


_LEAVES = {"withdrawn", "timed_out"}
_ENDS = {"released", "expired", "lapsed", "handed_over", "passed_on", "broken", "finished"} | {
    "session_ended",
    "session_dead",
}


def ledger(events: list[Event], decisions: list[Decision]) -> Ledger:
    """The intervals that the decisions amount to. Fails on one that makes no sense: an end without a beginning, ..."""
    by_id = {event.id: event for event in events}
    grants: dict[str, Span] = {}
    waits: dict[str, Span] = {}
    found = Ledger()
    for order, said in enumerate(decisions):
        name = said.claim
        if said.what == "granted":
            queued = waits.pop(name, None)
            if queued:
                queued.end, queued.how = said.at, "granted"
            assert name not in grants, "granted twice"
            grants[name] = _granted(said, by_id, found.grants, order)
            found.grants.append(grants[name])
        elif said.what == "waiting":
            waits[name] = _asked(by_id[name], said.session, said.at, order)
            found.waits.append(waits[name])
        elif said.what in _LEAVES or (said.what in _ENDS and name in waits):
            left = waits.pop(name)
            left.end, left.how = said.at, said.what
        elif said.what in _ENDS:
            over = grants.pop(name)
            over.end, over.how = said.at, said.what
        elif said.what == "renewed":
            claim = grants[said.others[0]]
            payload = by_id[said.cause].payload
            assert isinstance(payload, (ClaimRenewed, ClaimRequested))
            claim.limit, claim.to_accept = max(claim.limit, later(said.at, payload.ttl_s)), False
        elif said.what == "accepted" and name in grants:  # or another claim of its own covers it
            grants[name].to_accept = False
    return found


def _asked(event: Event, session: str, moment: Instant, order: int) -> Span:
    request = event.payload
    assert isinstance(request, ClaimRequested)
    limit = later(event.at, request.wait_s)
    terms = (event.id, session, request.agent, request.resource, request.mode, request.worktree)
    return Span(*terms, start=moment, limit=limit, imported=bool(event.imported), waits=True, order=order)


def _granted(said: Decision, by_id: dict[str, Event], before: list[Span], order: int) -> Span:
    event = by_id[said.claim]
    request = event.payload
    passed = next((span for span in reversed(before) if span.id == said.claim), None)
    if passed:  # to the session that continues its holder, or from a subagent to its session
        terms = (said.claim, said.session, "", passed.resource, passed.mode, passed.worktree)
        return Span(*terms, start=said.at, limit=passed.limit, imported=passed.imported, order=order)
    if isinstance(request, ClaimHandedOver):
        given = next(span for span in reversed(before) if span.id == request.claim)
        terms = (said.claim, request.to, "", given.resource, given.mode, given.worktree)
        return Span(*terms, start=said.at, limit=given.limit, order=order)
    span = _asked(event, said.session, said.at, order)
    assert isinstance(request, ClaimRequested)
    span.limit, span.waits, span.to_accept = later(said.at, request.ttl_s), False, request.told == "waiting"
    return span
