"""Messages by example: reading and acknowledging are by id, and no message is lost when a session ends;
only live sessions owe an acknowledgement, until the message is resolved."""

from msgspec.structs import replace

from eventlog.events import DAY_S, EVERYONE, HOUR_S, Event, Imported, MessageResolved, MessageSent, SessionStarted
from projections.rules.fold import fold
from projections.rules.state import MAX_RECENT_MESSAGES, PREVIEW_LENGTH, Message, State
from projections.views.board import build_board
from projections.views.receipts import build_receipts
from tests.support.histories import Story, anchor, at


def test_a_broadcast_reaches_all_live_sessions_but_the_sender() -> None:
    story = Story("amber", "brown", "coral", "dusky", "early")
    story.presumes_dead(1, "amber", "brown", anchor(2))
    story.ends(2, "coral")
    story.continues(3, "early", "dusky")
    sent = story.sends(4, "amber")
    late = story.beats(5, "late")
    state = story.state()
    assert state.messages[sent.id].unread_by == {"brown", "early"}, "a session presumed dead may still be alive"
    assert state.sessions["amber"].unread == []
    assert state.sessions[late.session].unread == [], "it started later"
    assert state.messages[sent.id].everyone


def test_reading_is_by_id() -> None:
    story = Story("amber", "brown")
    first, second, third = (story.sends(n, "amber", "brown", subject=f"{n}") for n in (1, 2, 3))
    story.reads(4, "brown", second)
    story.reads(5, "amber", first)
    state = story.state()
    assert state.sessions["brown"].unread == [first.id, third.id]
    assert state.messages[second.id].unread_by == set()


def test_a_message_that_arrives_late_is_still_unread() -> None:
    story = Story("amber", "brown", "coral")
    story.reads(10, "brown", story.sends(9, "amber", "brown"))
    late = story.sends(5, "coral", "brown")
    assert story.state().sessions["brown"].unread == [late.id]


def test_acknowledging_implies_reading_and_not_vice_versa() -> None:
    story = Story("amber", "brown", "coral")
    sent = story.sends(1, "amber", "brown", "coral", needs_ack=True)
    story.reads(2, "brown", sent)
    story.acknowledges(3, "coral", sent)
    message = story.state().messages[sent.id]
    assert message.unread_by == set()
    assert message.unacknowledged_by == {"brown"}
    story.acknowledges(4, "brown", sent)
    assert story.state().messages[sent.id].unacknowledged_by == set()


def test_a_session_cannot_acknowledge_for_another() -> None:
    story = Story("amber", "brown", "coral")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    story.acknowledges(2, "coral", sent)
    message = story.state().messages[sent.id]
    assert (message.unread_by, message.unacknowledged_by) == ({"brown"}, {"brown"})


def test_unknown_and_repeated_recipients_are_kept_in_the_message() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", "nobody", "brown")
    state = story.state()
    assert state.messages[sent.id].to == ("brown", "nobody", "brown")
    assert state.sessions["brown"].unread == [sent.id]
    assert "nobody" not in state.sessions


def test_a_long_body_is_shortened_and_its_length_kept() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", body="x" * (PREVIEW_LENGTH + 1), subject="x" * (PREVIEW_LENGTH + 1))
    message = story.state().messages[sent.id]
    assert (len(message.body), message.length, len(message.subject)) == (
        PREVIEW_LENGTH,
        PREVIEW_LENGTH + 1,
        PREVIEW_LENGTH,
    )


def test_the_state_keeps_recent_and_pending_messages() -> None:
    story = Story("amber", "brown")
    unread = story.sends(1, "amber", "brown")
    unconfirmed = story.sends(2, "amber", "brown", needs_ack=True)
    done = story.sends(3, "amber", "brown")
    story.reads(4, "brown", unconfirmed, done)
    for number in range(MAX_RECENT_MESSAGES):
        story.sends(10 + number, "amber", "brown")
    story.reads(100, "brown", *[event for event in story.events if event.n > 4 and event.session == "amber"])
    state = story.state()
    assert len(state.recent) == MAX_RECENT_MESSAGES
    assert state.messages.keys() == {*state.recent, unread.id, unconfirmed.id}
    story.reads(101, "brown", unread)
    story.acknowledges(102, "brown", unconfirmed)
    assert story.state().messages.keys() == set(state.recent)


def test_unread_messages_pass_to_the_continuing_session() -> None:
    story = Story("amber", "brown")
    first = story.sends(1, "amber", "brown", needs_ack=True)
    read = story.sends(2, "amber", "brown")
    story.reads(3, "brown", read)
    story.continues(4, "coral", "brown")
    second = story.sends(5, "amber", "brown")
    state = story.state()
    assert state.sessions["coral"].unread == [first.id, second.id], "an id leads to the continuing session"
    assert state.sessions["brown"].unread == []
    assert state.messages[first.id].unacknowledged_by == {"coral"}
    story.acknowledges(6, "coral", first)
    assert story.state().messages[first.id].unacknowledged_by == set()


def test_unread_notices_pass_to_the_continuing_session() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1")
    story.breaks(2, "brown", held)
    story.continues(3, "coral", "amber")
    notices = story.state().sessions["coral"].notices
    assert [(notice.kind, notice.other, notice.reason) for notice in notices] == [("broken", "brown", "silent")]


def test_an_ended_session_keeps_only_messages_to_it_by_name() -> None:
    story = Story("amber", "brown", "coral")
    everyone, alone = story.sends(1, "amber"), story.sends(2, "amber", "brown")
    story.ends(3, "brown")
    state = story.state()
    assert state.sessions["brown"].unread == [alone.id]
    assert state.messages[everyone.id].unread_by == {"coral"}
    assert state.messages[alone.id].unread_by == {"brown"}


def test_an_ended_session_need_not_acknowledge_a_broadcast() -> None:
    story = Story("amber", "brown", "coral")
    unread, read = story.sends(1, "amber", needs_ack=True), story.sends(2, "amber", needs_ack=True)
    story.reads(3, "brown", read)
    story.ends(4, "brown")
    state = story.state()
    assert state.messages[unread.id].unacknowledged_by == {"coral"}
    assert state.messages[read.id].unacknowledged_by == {"coral"}


def test_a_notice_is_read_by_the_id_of_its_event() -> None:
    story = Story("amber", "brown")
    broken = story.breaks(2, "brown", story.asks(1, "amber", "port/1"))
    assert [notice.id for notice in story.state().sessions["amber"].notices] == [broken.id]
    story.reads(3, "amber", broken)
    assert story.state().sessions["amber"].notices == []


def test_ids_of_notices_are_not_looked_up_as_messages() -> None:
    story = Story("amber", "brown")
    broken = story.breaks(2, "brown", story.asks(1, "amber", "port/1"))
    sent = story.sends(3, "brown", "amber")
    *before, read = (*story.history(), story.reads(4, "amber", broken, sent))
    asked, state = list[str](), fold(State(), before)

    class Messages(dict[str, Message]):
        def get(self, key: str, default: Message | None = None) -> Message | None:  # type: ignore[override]
            asked.append(key)
            return super().get(key, default)

    state.messages = Messages(state.messages)
    fold(state, [read])
    assert set(asked) == {sent.id}
    assert (state.sessions["amber"].unread, state.sessions["amber"].notices) == ([], [])


def test_a_session_dead_for_an_hour_gets_no_broadcasts() -> None:
    story = Story("amber", "brown", "coral")
    story.presumes_dead(10, "amber", "brown", anchor(2))
    story.presumes_dead(60, "amber", "coral", anchor(3))
    sent = story.sends(10 + HOUR_S, "amber", needs_ack=True)
    assert story.state().messages[sent.id].unread_by == {"coral"}
    assert story.state().messages[sent.id].unacknowledged_by == set()
    story.beats(20 + HOUR_S, "coral")
    assert story.state().messages[sent.id].unacknowledged_by == {"coral"}, "it is alive after all"


# --- who still owes an acknowledgement --------------------------------------------------------------------------------


def owing(story: Story, message: Event) -> set[str]:
    return story.state().messages[message.id].unacknowledged_by


def resolves(story: Story, second: float, session: str, *messages: Event, note: str = "") -> Event:
    return story.tell(second, session, MessageResolved(messages=tuple(event.id for event in messages), note=note))


def test_an_ended_session_owes_no_acknowledgement() -> None:
    story = Story("amber", "brown", "coral")
    sent = story.sends(1, "amber", "brown", "coral", needs_ack=True)
    story.ends(2, "brown")
    assert owing(story, sent) == {"coral"}
    story.tell(3, "brown", SessionStarted())
    assert owing(story, sent) == {"brown", "coral"}, "it started again"


def test_a_message_to_a_session_that_ended_is_not_owed() -> None:
    story = Story("amber", "brown")
    story.ends(1, "brown")
    sent = story.sends(2, "amber", "brown", needs_ack=True)
    assert owing(story, sent) == set()
    story.continues(3, "coral", "brown")
    assert owing(story, sent) == {"coral"}


def test_a_dead_session_owes_only_to_its_successor() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    story.reads(2, "brown", sent)
    story.presumes_dead(3, "amber", "brown", anchor(2))
    assert owing(story, sent) == set()
    story.continues(4, "coral", "brown")
    story.beats(5, "brown")
    assert owing(story, sent) == {"coral"}, "the session that was continued no longer owes it"


def test_an_acknowledgement_by_a_session_presumed_dead_counts() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    story.presumes_dead(2, "amber", "brown", anchor(2))
    story.acknowledges(3, "brown", sent)
    assert owing(story, sent) == set()
    assert story.state().messages[sent.id].answered_by == {"brown"}


def test_a_reply_acknowledges_for_the_session_that_replies() -> None:
    story = Story("amber", "brown", "coral")
    sent = story.sends(1, "amber", needs_ack=True)
    story.tell(2, "brown", MessageSent(to=("amber",), subject="Re: hello", in_reply_to=sent.id))
    assert owing(story, sent) == {"coral"}
    assert story.state().sessions["brown"].unread == [sent.id], "a reply does not show the message"


def test_a_resolved_message_is_owed_by_nobody() -> None:
    story = Story("amber", "brown", "coral", "dusky")
    sent = story.sends(1, "amber", "brown", "coral", "dusky", needs_ack=True)
    story.presumes_dead(2, "amber", "brown", anchor(2))
    resolves(story, 3, "amber", sent, note="done")
    resolves(story, 4, "coral", sent)
    story.beats(5, "brown")
    story.continues(6, "early", "dusky")
    message = story.state().messages[sent.id]
    assert (message.unacknowledged_by, message.excused) == (set(), set())
    assert (message.resolved_by, message.resolution) == ("amber", "done"), "the first one counts"
    assert message.unread_by == {"brown", "coral", "early"}, "it is still unread"


def test_a_resolved_message_leaves_the_state_once_read() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    story.reads(2, "brown", sent)
    for number in range(MAX_RECENT_MESSAGES):
        story.sends(3 + number, "amber", "nobody")
    assert sent.id in story.state().messages
    resolves(story, 100, "amber", sent)
    assert sent.id not in story.state().messages


# --- open broadcasts --------------------------------------------------------------------------------------------------


def person_starts(story: Story, second: float, session: str, continues: str = "") -> Event:
    return story.tell(second, session, SessionStarted(person=True, continues=continues))


def test_a_person_receives_the_open_broadcasts_from_before() -> None:
    story = Story("amber", "brown")
    asked = story.sends(1, "amber", needs_ack=True)
    urgent = story.tell(2, "amber", MessageSent(to=EVERYONE, subject="stop", urgency="high"))
    story.sends(3, "amber")
    story.sends(4, "amber", "brown", needs_ack=True)
    closed = story.sends(5, "amber", needs_ack=True)
    resolves(story, 6, "amber", closed)
    confirmed = story.sends(7, "amber", needs_ack=True)
    story.acknowledges(8, "brown", confirmed)
    person_starts(story, 9, "zoe")
    state = story.state()
    assert state.sessions["zoe"].unread == [asked.id, urgent.id]
    assert owing(story, asked) == {"brown", "zoe"}
    story.tell(10, "yan", SessionStarted())
    assert story.state().sessions["yan"].unread == [], "only a person's session receives them"


def test_a_question_that_nobody_received_is_open() -> None:
    story = Story("amber")
    asked = story.sends(1, "amber", needs_ack=True)
    person_starts(story, 2, "zoe")
    assert owing(story, asked) == {"zoe"}
    assert [row.session for row in build_receipts(story.history(), asked).rows] == ["zoe"]


def test_an_urgent_broadcast_is_open_for_a_day() -> None:
    story = Story("amber")
    urgent = story.tell(1, "amber", MessageSent(to=EVERYONE, subject="stop", urgency="high"))
    person_starts(story, DAY_S, "yan")
    person_starts(story, DAY_S + 1, "zoe")
    assert story.state().messages[urgent.id].unread_by == {"yan"}


def test_a_person_who_continues_gets_no_broadcast_twice() -> None:
    story = Story("amber")
    first = story.sends(1, "amber", needs_ack=True)
    person_starts(story, 2, "zoe")
    story.acknowledges(3, "zoe", first)
    second = story.sends(4, "amber", needs_ack=True)
    story.tell(4.5, "amber", MessageSent(to=EVERYONE, subject="stop", urgency="high"))
    story.sends(4.6, "zoe", needs_ack=True)
    story.ends(5, "zoe")
    person_starts(story, 6, "zara", continues="zoe")
    person_starts(story, 7, "zara", continues="zoe")
    assert story.state().sessions["zara"].unread == [second.id]


def test_an_imported_broadcast_is_never_open() -> None:
    story = Story("amber")
    sent = story.sends(1, "import-k3f9", needs_ack=True)
    story.events[-1] = replace(sent, imported=Imported(path="a.json", digest="0", acted_as="brown"))
    person_starts(story, 2, "zoe")
    assert story.state().sessions["zoe"].unread == []


def test_the_board_expects_no_answer_from_a_dead_session() -> None:
    story = Story("amber", "brown", "coral", "dusky")
    story.tell(1, "amber", MessageSent(to=EVERYONE, subject="stop", urgency="high", needs_ack=True))
    story.presumes_dead(2, "amber", "brown", anchor(2))
    for second in (3, HOUR_S + 1, HOUR_S + 3):
        shown = build_board(story.state(second), at(second), 9 * HOUR_S, {"dusky": "its process is gone"})
        assert [need.sessions for need in shown.needs if need.kind == "unacknowledged"] == [("coral",)]
