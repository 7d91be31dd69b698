"""Rules 6, 7 and 8 by example: cycles of waits, tokens, and lost claims."""

from eventlog.events import ClaimAccepted, ClaimRequested
from projections.rules.claims import is_token_valid
from projections.rules.cycles import wait_cycles
from projections.rules.state import State
from tests.support.histories import Story, anchor, at


def lost(state: State, session: str) -> list[tuple[str, str, str]]:
    notices = state.sessions[session].notices
    return [(notice.id, notice.other, notice.reason) for notice in notices if notice.kind == "lost"]


# --- rule 6 -----------------------------------------------------------------------------------------------------------


def test_rule_6_a_cycle_of_three_is_found_once() -> None:
    story = Story("coral", "amber", "brown")
    for second, by, has in ((1, "amber", 1), (2, "brown", 2), (3, "coral", 3)):
        story.asks(second, by, f"port/{has}")
    for second, by, wants in ((4, "coral", 2), (5, "brown", 1), (6, "amber", 3)):
        assert wait_cycles(story.state()) == []
        story.asks(second, by, f"port/{wants}", "waiting", wait_s=300)
    assert wait_cycles(story.state()) == [("amber", "coral", "brown")]


def test_rule_6_every_wait_of_a_session_counts() -> None:
    story = Story("amber", "brown", "coral")
    for second, by, has in ((1, "amber", 1), (2, "brown", 2), (3, "coral", 3)):
        story.asks(second, by, f"port/{has}")
    for second, by, wants in ((4, "amber", 2), (5, "amber", 3), (6, "brown", 1)):
        story.asks(second, by, f"port/{wants}", "waiting", wait_s=300)
    assert wait_cycles(story.state()) == [("amber", "brown")]


def test_rule_6_subagents_of_one_session_form_no_cycle() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", agent="sub-1")
    story.asks(2, "amber", "port/1", "waiting", agent="sub-2", wait_s=300)
    assert len(story.state().waits) == 1
    assert wait_cycles(story.state()) == []


# --- rule 7 -----------------------------------------------------------------------------------------------------------


def test_rule_7_a_token_is_valid_as_long_as_its_grant() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1", ttl_s=60)
    state = story.state(60)
    token = state.claims[held.id].token
    assert is_token_valid(state, held.id, token)
    assert not is_token_valid(state, held.id, token - 1)
    assert not is_token_valid(state, "amber/99", token)
    assert not is_token_valid(story.state(61), held.id, token)


def test_rule_7_a_renewal_keeps_the_token() -> None:
    story = Story("amber")
    held = story.asks(1, "amber", "port/1", ttl_s=60)
    token = story.state().claims[held.id].token
    story.renews(2, "amber", held)
    story.asks(3, "amber", "port/1")
    assert is_token_valid(story.state(), held.id, token)


# --- rule 8 -----------------------------------------------------------------------------------------------------------


def test_rule_8_a_lost_claim_does_not_wait() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    told = story.asks(2, "brown", "port/1", "granted", wait_s=300)
    state = story.state()
    assert state.waits == {}, "its session does not wait"
    assert lost(state, "brown") == [(told.id, "amber", "port/1 was granted to it first")]


def test_rule_8_a_claim_granted_after_the_sessions_end_is_lost() -> None:
    story = Story("amber", "brown")
    story.ends(1, "amber")
    asked = story.asks(2, "amber", "port/1", "granted")
    story.asks(3, "amber", "port/2", "waiting", wait_s=300)
    state = story.state()
    assert (state.claims, state.waits) == ({}, {})
    assert lost(state, "amber") == [(asked.id, "", "its session had ended")]


def test_rule_8_accepting_before_the_grant_ends_the_wait() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", mode="shared")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    behind = story.asks(3, "coral", "port/1", "waiting", wait_s=300, mode="shared")
    taken = story.accepts(4, "brown", wait)
    state = story.state()
    assert state.waits == {}
    assert lost(state, "brown") == [(taken.id, "amber", "port/1 was granted to it first")]
    assert state.claims[behind.id].granted_at == at(4)
    assert state.due == at(64)


def test_rule_8_a_grant_accepted_too_late_is_lost() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    taken = story.accepts(121, "brown", wait)
    assert lost(story.state(), "brown") == [(taken.id, "", "it was no longer held")]


def test_rule_8_accepting_anothers_request_does_not_end_its_wait() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.accepts(3, "coral", wait)
    state = story.state()
    assert list(state.waits) == [wait.id]
    assert [notice[1] for notice in lost(state, "coral")] == ["amber"]


def test_rule_8_a_claim_covered_by_an_own_claim_is_not_lost() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.tell(130, "brown", ClaimRequested(resource="port/1", mode="exclusive", ttl_s=600, told="granted"))
    story.accepts(131, "brown", wait)
    assert lost(story.state(), "brown") == []


def test_rule_8_a_continued_grant_is_accepted() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.continues(70, "coral", "brown")
    claim = story.state(500).claims[wait.id]
    assert (claim.session, claim.ends_at) == ("coral", at(661)), "the continuing session has it"


def test_rule_8_a_void_handover_notifies_the_named_session() -> None:
    story = Story("amber", "brown", "coral")
    outer = story.asks(1, "amber", "file/a/")
    story.asks(2, "amber", "file/a/b", agent="sub-1")
    kept = story.hands_over(3, "amber", outer, "brown")
    story.releases(4, "amber", outer)
    gone = story.hands_over(5, "amber", outer, "brown")
    why = "amber could not hand it over"
    assert lost(story.state(), "brown") == [(kept.id, "amber", why), (gone.id, "", why)]


def test_rule_8_a_subagent_cannot_accept_anothers_grant() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300, agent="sub-1")
    story.tell(70, "brown", ClaimAccepted(claim=wait.id, resource="port/1", agent="sub-2"))
    assert story.state(120).claims[wait.id].accept_by == at(121)
    assert len(lost(story.state(120), "brown")) == 1
    story.tell(71, "brown", ClaimAccepted(claim=wait.id, resource="port/1"))
    assert story.state(121).claims[wait.id].accept_by == "", "the session can accept for its subagents"


def test_a_dead_session_is_notified_and_cannot_release() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.presumes_dead(3, "brown", "amber", anchor(1))
    story.releases(4, "amber", held)
    state = story.state()
    assert list(state.claims) == [wait.id], "a late release does not affect the new holder"
    assert [notice.kind for notice in state.sessions["amber"].notices] == ["presumed_dead"]
