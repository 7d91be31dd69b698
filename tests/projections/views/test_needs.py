"""What needs a person, by example: which rows there are, in which order, since when, and to whom they are addressed."""

import pytest

from eventlog.events import EVERYONE, MessageSent
from projections.rules.sessions import IDLE
from projections.views.needs import Need, Observed, find_needs, log_need, own_needs
from tests.support.histories import Story, at

SILENT_S = 900.0


def needs(story: Story, second: float, **gone: str) -> list[Need]:
    return find_needs(story.state(second), Observed(at(second), SILENT_S, gone))


def asks(story: Story, second: float, by: str, to: str, **fields: str) -> None:
    story.tell(second, by, MessageSent(to=(to,), subject="Question", needs_ack=True, **fields))  # type: ignore[arg-type]


def test_the_most_urgent_comes_first_and_then_the_oldest() -> None:
    story = Story("amber", "brown", "coral", "dusky", "early", "frank")
    asks(story, 1, "amber", "brown")
    story.asks(2, "dusky", "port/2", ttl_s=9000)
    story.beats(3, "coral", "waits", blocked_on="its user: an answer", asks_person=True)
    story.asks(4, "frank", "port/1", ttl_s=9000)
    story.beats(1000, "amber", "waits", blocked_on="a key")
    story.beats(1001, "brown", "waits", blocked_on="another key")
    asks(story, 1002, "amber", "brown", urgency="high")
    story.asks(1003, "early", "port/1", "granted")
    state = story.state(1100)
    log = [log_need("clock", "the clock is wrong"), log_need("journal", "a.jsonl is damaged", "a")]
    found = find_needs(state, Observed(at(1100), SILENT_S, {"frank": "its process is gone"}), log)
    assert [(need.kind, need.session) for need in found] == [
        ("journal", "a"),
        ("lost", "early"),
        ("blocked", "coral"),
        ("unacknowledged", "amber"),
        ("blocked", "amber"),
        ("blocked", "brown"),
        ("dead", "frank"),
        ("silent", "dusky"),
        ("unacknowledged", "amber"),
        ("clock", ""),
    ]


def test_a_blocked_session_is_blocked_since_it_first_said_so() -> None:
    story = Story("amber")
    story.beats(1, "amber", "waits", blocked_on="a key")
    story.beats(2, "amber", "waits", target="deploy", blocked_on="a key")
    story.beats(3, "amber")
    assert [need.since for need in needs(story, 4)] == [at(1)]
    story.beats(5, "amber", "waits", blocked_on="another key")
    assert [need.since for need in needs(story, 6)] == [at(5)]
    story.beats(7, "amber", "builds")
    assert needs(story, 8) == []
    story.beats(9, "amber", "waits", blocked_on="a key")
    assert [need.since for need in needs(story, 10)] == [at(9)]


def test_an_idle_session_needs_nobody_unless_one_waits_for_it() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=9000)
    story.tell(2, "amber", IDLE)
    assert needs(story, 2000) == []
    story.asks(2001, "brown", "port/1", "waiting", wait_s=600)
    (need,) = needs(story, 2002)
    assert (need.kind, need.sessions, need.since) == ("silent", ("amber", "brown"), at(2))
    assert need.text == "amber is silent and holds port/1; waiting for it: brown"


def test_a_message_that_is_not_urgent_is_a_need_after_a_while() -> None:
    story = Story("amber", "brown")
    asks(story, 1, "amber", "brown")
    assert needs(story, SILENT_S) == []
    (need,) = needs(story, SILENT_S + 1)
    assert (need.sessions, need.to, need.since, need.subject) == (("brown",), ("brown",), at(1), "Question")
    assert [own.about for own in own_needs(story.state(2), "brown")] == [], "the inbox shows what is unread"


def test_a_circle_exists_since_its_last_request() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/2")
    story.asks(3, "amber", "port/2", "waiting", wait_s=60)
    story.asks(4, "brown", "port/1", "waiting", wait_s=60)
    (need,) = needs(story, 5)
    assert (need.kind, need.sessions, need.since, need.to) == ("circle", ("amber", "brown"), at(4), ("amber", "brown"))
    assert need.steps[0].commands == (("coord", "release", "port/1", "--session", "brown"),)
    assert need in own_needs(story.state(5), "amber")
    assert needs(story, 5, brown="its process is gone")[0].kind == "dead", "its requests end with it"


def test_a_circle_that_a_handover_closed_exists_since_then() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "brown", "port/2")
    port = story.asks(2, "coral", "port/1")
    story.asks(3, "amber", "port/2", "waiting", wait_s=60)
    story.asks(4, "brown", "port/1", "waiting", wait_s=60)
    story.hands_over(5, "coral", port, "amber")
    (need,) = needs(story, 6)
    assert (need.kind, need.sessions, need.since) == ("circle", ("amber", "brown"), at(5))


def test_a_loss_says_who_has_the_claim_now() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/1", "granted")
    (need,) = needs(story, 3)
    assert (need.about, need.sessions, need.since, need.to) == ("port/1", ("brown", "amber"), at(2), ("brown",))
    assert need.text == "brown was told it had port/1, but lost it to amber: port/1 was granted to it first"


@pytest.mark.parametrize(("count", "step"), [(1, "break"), (3, "break"), (4, "end")])
def test_a_silent_session_that_holds_much_is_ended(count: int, step: str) -> None:
    story = Story("amber")
    for number in range(count):
        story.asks(1 + number, "amber", f"port/{number}", ttl_s=9000)
    (need,) = needs(story, 2000)
    commands = need.steps[-1].commands
    assert {words[1] for words in commands} == {step}
    assert len(commands) == (count if step == "break" else 1)


def test_only_recipients_that_can_act_must_confirm() -> None:
    story = Story("amber", "brown", "coral", "dusky")
    story.tell(1, "amber", MessageSent(to=EVERYONE, subject="stop", urgency="high", needs_ack=True))
    story.ends(2, "brown")
    (need,) = needs(story, 3, coral="its process is gone")
    assert need.sessions == ("dusky",)
    assert need.text == "dusky must confirm the urgent message “stop” from amber"


def test_nobody_must_confirm_its_own_message() -> None:
    story = Story("amber", "brown")
    asks(story, 1, "amber", "amber", urgency="high")
    asks(story, 2, "amber", "brown", urgency="high")
    assert [need.to for need in needs(story, 3)] == [("brown",)]
    story.continues(4, "amber", "brown")
    assert needs(story, 5) == []
