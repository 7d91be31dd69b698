"""Sessions by example: how they start, report, end, die and revive, and what happens to their claims."""

from eventlog.events import SessionStarted, Unknown
from projections.rules.cycles import wait_cycles
from tests.support.histories import Story, anchor, at


def test_a_heartbeat_replaces_what_was_being_done() -> None:
    story = Story("amber")
    story.beats(1, "amber", "build", target="app", progress="half", percent=50, files=("a",), blocked_on="you")
    story.beats(2, "amber", "build", target="app")
    session = story.state().sessions["amber"]
    assert (session.doing.action, session.doing.target, session.doing.progress, session.doing.percent) == (
        "build",
        "app",
        "",
        None,
    )
    assert (session.doing.files, session.doing.blocked_on) == ((), "")
    assert (session.doing_since, session.last_at) == (at(1), at(2)), "the action has not changed"
    story.beats(3, "amber", "build", target="api")
    assert story.state().sessions["amber"].doing_since == at(3)
    story.beats(4, "amber", "test", target="api")
    assert story.state().sessions["amber"].doing_since == at(4)


def test_a_heartbeat_without_an_action_updates_only_the_time() -> None:
    story = Story("amber")
    story.beats(1, "amber", "build", progress="half")
    story.beats(2, "amber")
    session = story.state().sessions["amber"]
    assert (session.doing.action, session.doing.progress, session.last_at) == ("build", "half", at(2))


def test_a_session_without_its_first_line_starts_at_the_next() -> None:
    story = Story()
    story.beats(1, "amber", "build")
    session = story.state().sessions["amber"]
    assert (session.live, session.started_at, session.anchor) == (True, at(1), None)


def test_ending_a_session_releases_its_claims_to_the_queue() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.asks(3, "amber", "port/2")
    story.ends(4, "amber", "done")
    state = story.state()
    assert list(state.claims) == [wait.id]
    assert state.claims[wait.id].granted_at == at(4)
    session = state.sessions["amber"]
    assert (session.status, session.over_because, session.over_at) == ("ended", "done", at(4))


def test_an_ended_session_is_not_revived_and_gets_no_claim() -> None:
    story = Story("amber")
    story.ends(1, "amber")
    story.beats(2, "amber", "build")
    asked = story.asks(3, "amber", "port/1", "granted")
    state = story.state()
    assert state.sessions["amber"].status == "ended"
    assert state.claims == {}
    assert [(notice.id, notice.kind) for notice in state.sessions["amber"].notices] == [(asked.id, "lost")]
    story.tell(4, "amber", SessionStarted())
    assert story.state().sessions["amber"].live, "only a new start revives it"


def test_a_revived_session_is_notified_and_has_no_claims() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    death = story.presumes_dead(2, "brown", "amber", anchor(1))
    state = story.state()
    assert (state.sessions["amber"].status, state.claims) == ("dead", {})
    story.beats(3, "amber")
    session = story.state().sessions["amber"]
    assert (session.status, session.over_at, session.over_because) == ("live", "", "")
    assert [(notice.id, notice.kind, notice.resources) for notice in session.notices] == [
        (death.id, "presumed_dead", ("port/1",))
    ]
    assert story.state().claims == {}


def test_a_death_with_an_older_anchor_does_not_count() -> None:
    story = Story("amber", "brown")
    story.tell(1, "amber", SessionStarted(anchor=anchor(7)))
    story.presumes_dead(2, "brown", "amber", anchor(1))
    story.presumes_dead(3, "brown", "amber", anchor(7, start_ticks=101))
    story.presumes_dead(4, "amber", "amber", anchor(7))
    assert story.state().sessions["amber"].live
    story.presumes_dead(5, "brown", "amber", anchor(7))
    assert not story.state().sessions["amber"].live


def test_a_session_without_an_anchor_is_never_presumed_dead() -> None:
    story = Story("brown")
    story.tell(1, "amber", SessionStarted())
    story.presumes_dead(2, "brown", "amber", anchor(1))
    assert story.state().sessions["amber"].live


def test_a_continuing_session_gets_the_claims_but_not_the_waits() -> None:
    story = Story("amber", "brown", "coral")
    held = story.asks(1, "amber", "port/1", ttl_s=100)
    story.asks(2, "coral", "port/2")
    wait = story.asks(3, "amber", "port/2", "waiting", wait_s=300)
    behind = story.asks(4, "coral", "port/1", "waiting", wait_s=300)
    story.continues(5, "brown", "amber")
    state = story.state()
    claim = state.claims[held.id]
    assert (claim.session, claim.granted_at, claim.expires_at) == ("brown", at(5), at(101))
    assert wait.id not in state.waits
    assert behind.id in state.waits, "the waiting request did not get the claim"
    old = state.sessions["amber"]
    assert (old.status, old.continued_by) == ("continued", "brown")
    assert [(notice.kind, notice.other) for notice in old.notices] == [("passed_on", "brown")]
    story.releases(6, "amber", held)
    assert held.id in story.state().claims, "it no longer holds the claim"
    assert story.state().sessions["amber"].live, "it acted again"


def test_an_id_leads_to_the_continuing_session_until_it_acts() -> None:
    story = Story("amber", "brown", "coral")
    story.continues(1, "brown", "amber")
    story.continues(2, "coral", "brown")
    assert story.state().current_session("amber") == "coral"
    assert story.state().current_session("nobody") == "nobody"
    story.beats(3, "amber")
    assert story.state().current_session("amber") == "amber"


def test_sessions_that_continue_each_other_cause_no_endless_loop() -> None:
    story = Story("amber", "brown")
    story.continues(1, "brown", "amber")
    story.continues(2, "amber", "brown")
    story.ends(3, "amber")
    assert story.state().current_session("amber") in ("amber", "brown")


def test_repeating_a_continuation_transfers_nothing_again() -> None:
    story = Story("amber", "brown")
    story.continues(1, "brown", "amber")
    held = story.asks(2, "amber", "port/1")
    story.continues(3, "brown", "amber")
    assert story.state().claims[held.id].session == "amber"


def test_a_session_that_continues_itself_is_unchanged() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/2")
    wait = story.asks(3, "amber", "port/2", "waiting", wait_s=300)
    before = story.state().claims[held.id]
    story.continues(4, "amber", "amber")
    state = story.state()
    assert (state.claims[held.id], list(state.waits)) == (before, [wait.id])
    assert (state.sessions["amber"].live, state.sessions["amber"].notices) == (True, [])


def test_a_continued_ended_session_stays_ended() -> None:
    story = Story("amber", "brown", "coral")
    sent = story.sends(1, "coral", "amber")
    story.ends(2, "amber", "done")
    story.continues(3, "brown", "amber")
    state = story.state()
    assert (state.sessions["amber"].status, state.sessions["amber"].over_at) == ("ended", at(2))
    assert (state.sessions["amber"].notices, state.current_session("amber")) == ([], "brown")
    assert state.sessions["brown"].unread == [sent.id]


def test_an_ended_session_is_not_presumed_dead() -> None:
    story = Story("amber", "brown")
    story.ends(1, "amber", "done")
    story.presumes_dead(2, "brown", "amber", anchor(1))
    session = story.state().sessions["amber"]
    assert (session.status, session.over_because, session.notices) == ("ended", "done", [])


def test_a_handover_notifies_the_recipient_or_the_giver() -> None:
    story = Story("amber", "brown", "coral")
    held = story.asks(1, "amber", "port/1")
    void = story.hands_over(2, "amber", held, "nobody")
    done = story.hands_over(3, "amber", held, "brown", "yours")
    state = story.state()
    assert list(state.claims) == [done.id]
    assert [(n.id, n.kind, n.other) for n in state.sessions["amber"].notices] == [
        (void.id, "not_handed_over", "nobody")
    ]
    assert [(n.kind, n.other, n.reason) for n in state.sessions["brown"].notices] == [("handed_over", "amber", "yours")]


def test_the_notice_of_a_lost_claim_says_to_whom_and_why() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "file/src/")
    lost = story.asks(2, "brown", "file/src/app.py", "granted")
    state = story.state()
    notice = state.sessions["brown"].notices[0]
    assert (notice.id, notice.kind, notice.other, notice.resources) == (lost.id, "lost", "amber", ("file/src/app.py",))
    assert "file/src/" in notice.reason
    assert list(state.claims) == [held.id]


def test_an_accepted_claim_is_lost_to_an_earlier_request() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.accepts(62, "brown", wait)
    assert wait.id in story.state().claims
    story.asks(1.5, "coral", "port/1", "waiting", wait_s=300)  # from a machine that was offline
    notice = story.state().sessions["brown"].notices[0]
    assert (notice.kind, notice.other) == ("lost", "coral")


def test_a_cycle_of_waits_ends_when_a_wait_times_out() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/2")
    story.asks(3, "amber", "port/2", "waiting", wait_s=60)
    story.asks(4, "brown", "port/1", "waiting", wait_s=300)
    assert wait_cycles(story.state()) == [("amber", "brown")]
    assert wait_cycles(story.state(62.999)) == [("amber", "brown")]
    assert wait_cycles(story.state(63)) == []


def test_an_unknown_event_shows_that_its_session_is_alive() -> None:
    story = Story("amber")
    for second in (1, 2):
        story.tell(second, "amber", Unknown(name="moon.risen", raw=b"{}"))  # type: ignore[arg-type]
    state = story.state()
    assert state.unknown == {"moon.risen": 2}
    assert state.sessions["amber"].last_at == at(2)
