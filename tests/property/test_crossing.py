"""A reply crosses exactly those messages that its recipient wrote after the message that is answered, and that its
sender had not read.
"""

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import EVERYONE, Event, MessageSent
from tests.support.histories import Story

SESSIONS = ("amber", "brown", "coral")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "reply", "reply", "read", "acknowledge"]),
        st.sampled_from(SESSIONS),
        st.integers(0, 30),
    ),
    max_size=25,
)


def written(story: Story, second: int, kind: str, session: str, choice: int) -> Event | None:
    """Let a session do a step; its message, if it writes one. Which message or recipient it means is a `choice`."""
    messages = [event for event in story.events if isinstance(event.payload, MessageSent)]
    others = [name for name in SESSIONS if name != session]
    if kind == "send":
        to = EVERYONE if choice % 3 == 2 else (others[choice % 3],)
        return story.tell(second, session, MessageSent(to=to, subject="hello"))
    if not messages:
        return None
    meant = messages[choice % len(messages)]
    if kind == "reply":
        return story.tell(second, session, MessageSent(to=(meant.actor,), subject="Re: hello", in_reply_to=meant.id))
    (story.reads if kind == "read" else story.acknowledges)(second, session, meant)
    return None


@given(STEPS)
def test_a_reply_crosses_what_its_sender_had_not_read(steps: list[tuple[str, str, int]]) -> None:
    story, read = Story(*SESSIONS), set[tuple[str, str]]()
    expected: dict[str, set[str]] = {}
    for second, (kind, session, choice) in enumerate(steps, 1):
        earlier = [event for event in story.events if isinstance(event.payload, MessageSent)]
        message = written(story, second, kind, session, choice)
        if message is None and earlier and kind in ("read", "acknowledge"):
            read.add((session, earlier[choice % len(earlier)].id))
        if message is not None and isinstance(message.payload, MessageSent):
            answered = next((event for event in earlier if event.id == message.payload.in_reply_to), None)
            expected[message.id] = {
                event.id
                for event in earlier
                if answered is not None
                and event.actor == answered.actor
                and event.n > answered.n
                and is_to(event, session)
                and (session, event.id) not in read
            }
    for kept in story.state().messages.values():
        assert set(kept.crosses) == expected[kept.id]
        assert list(kept.crosses) == sorted(kept.crosses, key=lambda name: int(name.rpartition("/")[2]))


def is_to(event: Event, session: str) -> bool:
    """Whether a message reaches a session, which is not the sender of a broadcast."""
    assert isinstance(event.payload, MessageSent)
    return event.actor != session if event.payload.to == EVERYONE else session in event.payload.to


def test_a_message_of_the_continuing_session_is_crossed_too() -> None:
    story = Story("amber", "brown")
    asked = story.sends(1, "amber", "brown")
    story.continues(2, "coral", "amber")
    later = story.sends(3, "coral", "brown")
    reply = story.tell(4, "brown", MessageSent(to=("coral",), subject="Re", in_reply_to=asked.id))
    assert story.state().messages[reply.id].crosses == (later.id,)
    older = story.tell(5, "brown", MessageSent(to=("coral",), subject="Re", in_reply_to=later.id))
    assert story.state().messages[older.id].crosses == ()


def test_a_reply_to_what_is_not_a_message_crosses_nothing() -> None:
    story = Story("amber", "brown")
    story.sends(1, "amber", "brown")
    for second, name in enumerate(
        ("", "amber", "amber/x", "amber/", "/1", "nobody/1", "amber/²", "amber/-1", "amber/" + "9" * 100), 2
    ):
        reply = story.tell(second, "brown", MessageSent(to=("amber",), subject="Re", in_reply_to=name))
        assert story.state().messages[reply.id].crosses == ()
