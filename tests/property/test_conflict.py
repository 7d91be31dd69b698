"""Rule 1, for every pair of patterns and of claims: what overlaps, and what conflicts.

A pattern means the paths that it matches, so two overlap if and only if there is a path that both match. That is tried
out here on every path of up to eight characters.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Mode
from projections.rules import conflicts, resources
from projections.rules.state import ClaimRequest
from tests.support.histories import AGENTS, SESSIONS, WORKTREES
from tests.support.model import reference_model
from tests.support.model.patterns import matched, overlap

SHORT_PATTERNS = [
    pattern
    for length in (1, 2, 3)
    for pattern in map("".join, product("ab/*?", repeat=length))
    if not pattern.startswith("/") and "//" not in pattern
]
patterns = st.text(alphabet="ab/*?", min_size=1, max_size=4).filter(lambda p: p[0] != "/" and "//" not in p)


@pytest.mark.slow
def test_rule_1_short_patterns_overlap_iff_a_path_matches_both() -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    for a, b in product(SHORT_PATTERNS, repeat=2):
        assert resources.overlap("file/" + a, "file/" + b) == bool(a == b or matched(a) & matched(b)), (a, b)


@given(patterns, patterns)
def test_rule_1_patterns_overlap_iff_a_path_matches_both(a: str, b: str) -> None:
    """Two file resources overlap if and only if some path matches both patterns."""
    assert resources.overlap("file/" + a, "file/" + b) == overlap("file/" + a, "file/" + b)


@given(patterns, patterns)
def test_rule_1_covering_never_says_yes_wrongly(a: str, b: str) -> None:
    """One resource covers another only if every path of the second is one of the first."""
    if resources.covers("file/" + a, "file/" + b):
        assert matched(b) <= matched(a)


MODES: tuple[Mode, ...] = ("exclusive", "shared")
ASKS = [
    ClaimRequest(
        id="x/1", session=session, agent=agent, resource=resource, worktree=worktree, mode=mode,
        ttl_s=60, automatic=False, note="", asked_at="", imported=imported,
    )
    for session, agent, worktree, mode, resource, imported in product(
        SESSIONS[:2], sorted(set(AGENTS)), sorted(set(WORKTREES)), MODES, ("file/a", "file/*", "port/1"), (False, True)
    )
]  # fmt: skip


def test_rule_1_what_conflicts() -> None:
    """Two claims conflict if they overlap, one is exclusive, their sessions (or subagents) differ, and they are not
    file claims bound to different worktrees, nor one of them imported; and it is mutual.
    """
    for a, b in product(ASKS, repeat=2):
        assert conflicts.conflict(a, b) == reference_model.conflict(a, b), (a, b)
