"""Rule 1, for pairs of patterns and of claims: which ones overlap, and which ones conflict.

A pattern means the paths that it matches, so two patterns overlap if and only if some path matches both. These tests
try every path of up to eight characters.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Mode
from projections.rules import conflicts, resources
from projections.rules.state import ClaimRequest
from tests.support.histories import AGENTS, SESSIONS
from tests.support.model import reference_model
from tests.support.model.patterns import matched, overlap

SHORT_PATTERNS = [
    pattern
    for length in (1, 2, 3)
    for pattern in map("".join, product("ab/*?", repeat=length))
    if not pattern.startswith("/") and "//" not in pattern
]
patterns = st.text(alphabet="ab/*?", min_size=1, max_size=4).filter(lambda p: p[0] != "/" and "//" not in p)

names = st.builds(
    lambda type_, parts: type_ + "/".join(parts),
    st.sampled_from(("file/", "file/", "file/", "port/")),
    st.lists(st.sampled_from(("a", "b", "*", "?", "a*", "**", "")), min_size=1, max_size=4),
)


@pytest.mark.slow
def test_rule_1_short_patterns_overlap_iff_a_path_matches_both() -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    for a, b in product(SHORT_PATTERNS, repeat=2):
        assert resources.overlap("file/" + a, "file/" + b) == bool(a == b or matched(a) & matched(b)), (a, b)


@given(patterns, patterns)
def test_rule_1_patterns_overlap_iff_a_path_matches_both(a: str, b: str) -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    assert resources.overlap("file/" + a, "file/" + b) == overlap("file/" + a, "file/" + b)


@given(names, names)
def test_rule_1_roots_of_overlapping_resources_are_nested(a: str, b: str) -> None:
    """If two resources overlap, the root of one of them is the root of the other or above it."""
    one, other = resources.root_of(a), resources.root_of(b)
    if resources.overlap(a, b):
        assert one in resources.roots_above(other) or other in resources.roots_above(one)


@given(names, names)
def test_rule_1_ends_of_overlapping_resources_agree(a: str, b: str) -> None:
    """If two resources overlap, the suffix of one of them ends with that of the other, and their leaves are equal or
    unknown.
    """
    one, other = resources.suffix_of(a), resources.suffix_of(b)
    if resources.overlap(a, b):
        assert one.endswith(other) or other.endswith(one)
        assert resources.leaf_of(a) == resources.leaf_of(b) or "" in (resources.leaf_of(a), resources.leaf_of(b))


@given(patterns)
def test_rule_1_a_root_contains_all_paths_of_its_pattern(pattern: str) -> None:
    """Each path that a pattern matches is the pattern's root or below it."""
    root = resources.root_of("file/" + pattern)
    assert all(root in resources.roots_above(path) for path in matched(pattern))


@given(patterns, patterns)
def test_rule_1_a_covered_pattern_matches_no_other_path(a: str, b: str) -> None:
    """One resource covers another only if it matches every path that the other matches."""
    if resources.covers("file/" + a, "file/" + b):
        assert matched(b) <= matched(a)


WORKTREES = ("", "main", "worktrees/one", "/w/one", "/w/two")
MODES: tuple[Mode, ...] = ("exclusive", "shared")
ASKS = [
    ClaimRequest(
        id="x/1", session=session, agent=agent, resource=resource, worktree=worktree, mode=mode,
        ttl_s=60, automatic=False, note="", asked_at="", imported=imported,
    )
    for session, agent, worktree, mode, resource, imported in product(
        SESSIONS[:2], sorted(set(AGENTS)), WORKTREES, MODES, ("file/a", "file/*", "port/1"), (False, True)
    )
]  # fmt: skip


def test_rule_1_claims_conflict_as_in_the_reference_model() -> None:
    """Two claims conflict if they overlap, at least one is exclusive, their sessions (or subagents) differ, they are
    not file claims of different worktrees, and both or neither are imported. The order of the two does not matter.
    """
    for a, b in product(ASKS, repeat=2):
        assert conflicts.conflict(a, b) == reference_model.conflict(a, b), (a, b)
