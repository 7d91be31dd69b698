"""Rule 1, for every pair of patterns and of claims: what overlaps, and what conflicts.

A pattern means the paths that it matches, so two overlap if and only if there is a path that both match. That is tried
out here on every path of up to eight characters.
"""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from projections import claims, resources
from projections.state import Ask
from tests.histories import AGENTS, RESOURCES, SESSIONS, WORKTREES
from tests.property.naive import Span, conflict, matched, overlap

SHORT_PATTERNS = [
    pattern
    for length in (1, 2, 3)
    for pattern in map("".join, product("ab/*?", repeat=length))
    if not pattern.startswith("/") and "//" not in pattern
]
patterns = st.text(alphabet="ab/*?", min_size=1, max_size=4).filter(lambda p: p[0] != "/" and "//" not in p)


def test_rule_1_two_short_patterns_overlap_if_and_only_if_some_path_matches_both() -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    for a, b in product(SHORT_PATTERNS, repeat=2):
        assert resources.overlap("file/" + a, "file/" + b) == bool(a == b or matched(a) & matched(b)), (a, b)


@given(patterns, patterns)
def test_rule_1_two_patterns_overlap_if_and_only_if_some_path_matches_both(a: str, b: str) -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    assert resources.overlap("file/" + a, "file/" + b) == overlap("file/" + a, "file/" + b)


@given(patterns, patterns)
def test_rule_1_covering_never_says_yes_wrongly(a: str, b: str) -> None:
    """One resource covers another only if every path of the second is one of the first."""
    if resources.covers("file/" + a, "file/" + b):
        assert matched(b) <= matched(a)


asks = st.builds(
    Span,
    id=st.just("x/1"),
    session=st.sampled_from(SESSIONS[:2]),
    agent=st.sampled_from(AGENTS),
    resource=st.sampled_from(RESOURCES),
    mode=st.sampled_from(("exclusive", "shared")),
    worktree=st.sampled_from(WORKTREES),
    start=st.just(""),
    limit=st.just(""),
)


def _ask(span: Span) -> Ask:
    return Ask(
        id=span.id, session=span.session, agent=span.agent, resource=span.resource, worktree=span.worktree,
        mode="shared" if span.mode == "shared" else "exclusive", ttl_s=60, automatic=False, note="", asked_at="",
    )  # fmt: skip


@given(asks, asks)
def test_rule_1_what_conflicts(a: Span, b: Span) -> None:
    """Two claims conflict if they overlap, one is exclusive, their sessions (or subagents) differ, and they are not
    file claims bound to different worktrees; and it is mutual.
    """
    assert claims.conflict(_ask(a), _ask(b)) == conflict(a, b) == claims.conflict(_ask(b), _ask(a))
