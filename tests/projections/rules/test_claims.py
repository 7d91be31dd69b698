"""The rules of claims by example, one test for each statement of a rule.

`tests.property.test_rules` tests the laws that hold for every history.
"""

from typing import Any

import pytest

from eventlog.events import NEVER, ClaimHandedOver, ClaimReleased, ClaimRequested
from projections.rules.claims import ACCEPT_TIMEOUT_S, is_token_valid
from projections.rules.state import State
from tests.support.histories import Story, anchor, at


def kinds(state: State, session: str) -> list[str]:
    return [notice.kind for notice in state.sessions[session].notices]


# --- rule 2: requests -------------------------------------------------------------------------------------------------

ALL: dict[str, Any] = {"resource": "file/src/", "mode": "exclusive", "agent": "", "worktree": ""}


@pytest.mark.parametrize(
    ("held", "asked", "renewed"),
    [
        ({}, {}, True),
        ({}, {"resource": "file/src/app.py"}, True),
        ({"resource": "file/src/app.py"}, {}, False),
        ({}, {"mode": "shared"}, True),
        ({"mode": "shared"}, {}, False),
        ({"mode": "shared"}, {"mode": "shared"}, True),
        ({"agent": "sub-1"}, {"agent": "sub-1"}, True),
        ({"agent": "sub-1"}, {}, False),
        ({}, {"agent": "sub-1"}, False),
        ({}, {"worktree": "tree-1"}, True),
        ({"worktree": "tree-1"}, {"worktree": "tree-1"}, True),
        ({"worktree": "tree-1"}, {}, False),
        ({"worktree": "tree-1"}, {"worktree": "tree-2"}, False),
    ],
)
def test_rule_2_a_request_covered_by_an_own_claim_renews_it(
    held: dict[str, Any], asked: dict[str, Any], renewed: bool
) -> None:
    story = Story("amber")
    first = story.asks(1, "amber", **(ALL | held), ttl_s=100)
    second = story.asks(2, "amber", **(ALL | asked), ttl_s=200)
    state = story.state()
    assert list(state.claims) == ([first.id] if renewed else [first.id, second.id])
    assert state.claims[first.id].expires_at == (at(202) if renewed else at(101))


def test_rule_2_another_sessions_claim_covers_nothing() -> None:
    story = Story("amber", "brown")
    first = story.asks(1, "amber", "port/1", mode="shared")
    second = story.asks(2, "brown", "port/1", mode="shared")
    assert [claim.session for claim in story.state().claims.values()] == ["amber", "brown"]
    assert list(story.state().claims) == [first.id, second.id]


def test_rule_2_a_conflicting_request_waits_or_is_refused() -> None:
    story = Story("amber", "brown", "coral")
    held = story.asks(1, "amber", "port/1")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    no = story.asks(3, "coral", "port/1", "waiting")
    state = story.state()
    assert (list(state.claims), list(state.waits)) == ([held.id], [wait.id])
    refused = [d.others for d in story.decisions() if d.claim == no.id and d.what == "refused"]
    assert refused == [(held.id, wait.id)], "the obstacles are named"


def test_rule_2_an_earlier_waiting_request_comes_first() -> None:
    story = Story("amber", "brown", "coral")
    held = story.asks(1, "amber", "file/a", mode="shared")
    first = story.asks(2, "brown", "file/a", "waiting", wait_s=300)
    later = story.asks(3, "coral", "file/*", "waiting", wait_s=300, mode="shared")
    assert list(story.state().waits) == [first.id, later.id], "it conflicts only with the request before it"
    story.releases(4, "amber", held)
    state = story.state()
    assert (list(state.claims), list(state.waits)) == ([first.id], [later.id])


def test_rule_2_a_request_told_refused_is_never_granted() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", "refused", wait_s=300)
    assert (story.state().claims, story.state().waits) == ({}, {})


# --- rule 3: leases ---------------------------------------------------------------------------------------------------


def test_rule_3_a_claim_is_active_before_its_end_and_not_at_it() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1", ttl_s=60)
    assert list(story.state(60.999999).claims) == [held.id]
    assert list(story.state(61).claims) == [], "it also ends for a state without a later event"
    next_one = story.asks(61, "brown", "port/1")
    assert list(story.state().claims) == [next_one.id]


def test_rule_3_renewing_shortens_a_claim_only_if_asked_to() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "file/a/", ttl_s=300)
    story.renews(2, "brown", held, ttl_s=60, shorten=True)
    assert story.state().claims[held.id].expires_at == at(301), "another session cannot shorten it"
    story.renews(3, "amber", held, ttl_s=120, shorten=True)
    assert story.state().claims[held.id].expires_at == story.state().due == at(123)
    story.tell(4, "amber", requested("file/a/b", ttl_s=60, shorten=True))
    assert story.state().claims[held.id].expires_at == at(123), "a request for a part of it does not shorten it"
    story.tell(5, "amber", requested("file/a/", ttl_s=60, shorten=True))
    assert story.state().claims[held.id].expires_at == at(65)
    wait = story.asks(6, "brown", "file/a/", "waiting", wait_s=120)
    assert list(story.state(65).claims) == [wait.id]


def test_rule_3_an_automatic_claim_is_not_shortened() -> None:
    story = Story("amber")
    held = story.tell(1, "amber", requested("file/a", ttl_s=300, automatic=True))
    story.renews(2, "amber", held, ttl_s=60, shorten=True)
    story.tell(3, "amber", requested("file/a", ttl_s=60, shorten=True))
    assert story.state().claims[held.id].expires_at == at(301)


def requested(resource: str, *, ttl_s: int, shorten: bool = False, automatic: bool = False) -> ClaimRequested:
    return ClaimRequested(
        resource=resource, mode="exclusive", ttl_s=ttl_s, told="granted", shorten=shorten, automatic=automatic
    )


def test_rule_3_renewing_alone_moves_the_end_only_later() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1", ttl_s=300)
    story.renews(2, "amber", held, ttl_s=60)
    assert story.state().claims[held.id].expires_at == at(301)
    story.renews(3, "amber", held, ttl_s=600)
    assert story.state().claims[held.id].expires_at == story.state().due == at(603)
    story.renews(4, "brown", held, ttl_s=900)
    assert story.state().claims[held.id].expires_at == at(603), "another session cannot renew it"


def test_rule_3_an_expiry_is_notified_unless_automatic() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", ttl_s=60)
    by_hook = ClaimRequested(resource="port/2", mode="exclusive", ttl_s=60, automatic=True, told="granted")
    story.tell(2, "amber", by_hook)
    state = story.state(100)
    assert state.claims == {}
    assert [(notice.kind, notice.resources) for notice in state.sessions["amber"].notices] == [("expired", ("port/1",))]


def test_rule_3_only_the_holder_or_its_session_can_act() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1", agent="sub-1")
    story.releases(2, "brown", held)
    story.hands_over(3, "brown", held, "brown")
    story.tell(4, "amber", ClaimReleased(claim=held.id, agent="sub-2"))
    assert story.state().claims[held.id].session == "amber"
    story.tell(5, "amber", ClaimReleased(claim=held.id))
    assert story.state().claims == {}, "a session acts on its subagents' claims"


def test_rule_3_a_broken_claim_ends_and_notifies_its_holder() -> None:
    story = Story("amber", "brown", "coral")
    held, own = story.asks(1, "amber", "port/1"), story.asks(2, "brown", "port/2")
    wait = story.asks(3, "coral", "port/1", "waiting", wait_s=300)
    broken = story.breaks(4, "brown", held, "its window was closed")
    story.breaks(5, "brown", own)
    state = story.state()
    assert list(state.claims) == [wait.id]
    assert state.claims[wait.id].granted_at == at(4)
    told = [(notice.id, notice.other, notice.reason) for notice in state.sessions["amber"].notices]
    assert told == [(broken.id, "brown", "its window was closed")]
    assert kinds(state, "brown") == [], "it broke the claim itself"


# --- rule 4: waiting --------------------------------------------------------------------------------------------------


def test_rule_4_a_wait_is_active_before_its_limit_and_not_at_it() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=600)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=60)
    assert list(story.state(61.999999).waits) == [wait.id]
    assert list(story.state(62).waits) == []


def test_rule_4_at_one_instant_waits_end_before_claims() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", ttl_s=60)
    story.asks(2, "brown", "port/1", "waiting", wait_s=59)
    assert (story.state(61).claims, story.state(61).waits) == ({}, {}), "the claim became free too late"


def test_rule_4_waiting_requests_are_granted_in_order() -> None:
    story = Story("amber", "brown", "coral", "dusky")
    held = story.asks(1, "amber", "file/**")
    waits = [story.asks(2 + n, by, f"file/{n}", "waiting", wait_s=300) for n, by in enumerate(("brown", "coral"))]
    behind = story.asks(4, "dusky", "file/0", "waiting", wait_s=300)
    story.releases(5, "amber", held)
    state = story.state()
    assert list(state.claims) == [wait.id for wait in waits]
    assert {claim.granted_at for claim in state.claims.values()} == {at(5)}
    first, second = state.claims.values()
    assert first.token < second.token
    assert list(state.waits) == [behind.id]


def test_rule_4_a_grant_after_waiting_lapses_unless_accepted() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", ttl_s=60)
    lapses = story.asks(2, "brown", "port/1", "waiting", wait_s=600)
    takes = story.asks(3, "coral", "port/1", "waiting", wait_s=600)
    assert list(story.state(61 + ACCEPT_TIMEOUT_S - 0.000001).claims) == [lapses.id]
    assert list(story.state(61 + ACCEPT_TIMEOUT_S).claims) == [takes.id]
    assert ACCEPT_TIMEOUT_S == 60
    story.accepts(61 + ACCEPT_TIMEOUT_S + 1, "coral", takes)
    assert story.state(61 + 2 * ACCEPT_TIMEOUT_S).claims[takes.id].ends_at == at(61 + ACCEPT_TIMEOUT_S + 600)
    assert kinds(story.state(), "brown") == [], "the grant lapsed without a notice"


def test_rule_4_renewing_a_grant_accepts_it() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1")
    given = story.asks(2, "brown", "port/2", "waiting", wait_s=600)  # told to wait, although nothing conflicts
    assert story.state().claims[held.id].ends_at == at(601)
    assert story.state().claims[given.id].ends_at == story.state().due == at(62)
    story.renews(3, "brown", given)
    assert story.state().claims[given.id].ends_at == at(603)


def test_rule_4_only_its_session_can_withdraw_a_wait() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", mode="shared")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    behind = story.asks(3, "coral", "port/1", "waiting", wait_s=300, mode="shared")
    story.releases(4, "coral", wait)
    assert list(story.state().waits) == [wait.id, behind.id]
    story.releases(5, "brown", wait)
    assert behind.id in story.state().claims


@pytest.mark.parametrize("how", ["ends", "dies", "is continued"])
def test_rule_4_a_wait_ends_with_its_session(how: str) -> None:
    story = Story("amber", "brown", "coral", "dusky")
    story.asks(1, "amber", "port/1", mode="shared")
    story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    behind = story.asks(3, "coral", "port/1", "waiting", wait_s=300, mode="shared")
    if how == "ends":
        story.ends(4, "brown")
    elif how == "dies":
        story.presumes_dead(4, "amber", "brown", anchor(2))
    else:
        story.continues(4, "dusky", "brown")
    state = story.state()
    assert state.waits == {}
    assert state.claims[behind.id].granted_at == at(4)
    assert state.due == at(64)


def test_rule_4_the_state_knows_the_next_end() -> None:
    story = Story("amber", "brown")
    assert story.state().due == NEVER
    story.asks(1, "amber", "port/1", ttl_s=300)
    assert story.state().due == at(301)
    story.asks(2, "brown", "port/1", "waiting", wait_s=60)
    assert story.state().due == at(62)
    assert story.state(62).due == at(301)


# --- rule 5: handing over ---------------------------------------------------------------------------------------------


def test_rule_5_a_handover_keeps_the_end_and_precedes_waiters() -> None:
    story = Story("amber", "brown", "coral")
    asked = ClaimRequested(
        resource="port/1", mode="exclusive", ttl_s=300, agent="sub-1", note="for the demo", told="granted"
    )
    held = story.tell(1, "amber", asked)
    wait = story.asks(2, "coral", "port/1", "waiting", wait_s=600)
    before = story.state().claims[held.id]
    new = story.hands_over(3, "amber", held, "brown")
    state = story.state()
    assert (list(state.claims), list(state.waits)) == ([new.id], [wait.id])
    claim = state.claims[new.id]
    assert (claim.session, claim.agent, claim.note) == ("brown", "", "for the demo")
    assert (claim.granted_at, claim.expires_at) == (at(3), at(301))
    assert claim.token > before.token
    assert (is_token_valid(state, new.id, claim.token), is_token_valid(state, held.id, before.token)) == (True, False)


def test_rule_5_waiting_requests_are_checked_after_a_handover() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "file/a/")
    wait = story.asks(2, "brown", "file/a/b", "waiting", wait_s=300)
    story.hands_over(3, "amber", held, "brown")
    assert story.state().claims[wait.id].granted_at == at(3), "a session's own claim is not an obstacle"


@pytest.mark.parametrize("to", ["nobody", "coral", "dusky", "brown"])
def test_rule_5_an_impossible_handover_is_void(to: str) -> None:
    story = Story("amber", "brown", "coral", "dusky")
    held = story.asks(1, "amber", "file/a/")
    inner = story.asks(2, "amber", "file/a/b", agent="sub-1")
    story.ends(3, "coral")
    story.presumes_dead(4, "brown", "dusky", anchor(4))
    if to != "brown":
        story.releases(5, "amber", inner)
    void = story.hands_over(6, "amber", held, to)
    state = story.state()
    assert state.claims[held.id].session == "amber"
    assert [(n.id, n.kind) for n in state.sessions["amber"].notices] == [(void.id, "not_handed_over")]
    assert (kinds(state, to)[-1:] if to in state.sessions else ["lost"]) == ["lost"]


def test_rule_5_a_handover_to_itself_loses_nothing() -> None:
    story = Story("amber")
    held = story.asks(1, "amber", "port/1")
    story.releases(2, "amber", held)
    story.tell(3, "amber", ClaimHandedOver(claim=held.id, resource="port/1", to="amber"))
    assert kinds(story.state(), "amber") == []
