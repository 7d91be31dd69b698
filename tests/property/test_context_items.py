"""What a hook shows an agent: at most so many characters, urgent messages first, and nothing is recorded as shown that
was not.
"""

from hypothesis import given
from hypothesis import strategies as st

from coord.hooks.messages import (
    LATER_CHARS,
    ONLY_NOW,
    URGENT,
    ContextItem,
    by_rank,
    fit_to_budget,
    room_after,
    unread_items,
)
from eventlog.events import EVERYONE, MessageResolved, MessageSent, Urgency
from projections.rules.messages import messages_of
from tests.support.histories import Story
from tests.support.journals import at

KINDS = ("urgent", "urgent broadcast", "message", "broadcast", "notice", "resolved")
ARRIVALS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 300)), min_size=1, max_size=12)


def story_of(arrivals: list[tuple[str, int]]) -> Story:
    """A history in which these messages and notices arrive for amber, in this order."""
    story = Story("amber", "brown")
    for number, (kind, length) in enumerate(arrivals):
        second = 10 * (number + 1)
        if kind == "notice":
            claim = story.asks(second, "amber", f"droplet/{number}")
            story.breaks(second + 1, "brown", claim, reason="x" * length)
        else:
            to = EVERYONE if "broadcast" in kind else ("amber",)
            urgency: Urgency = "high" if kind.startswith(("urgent", "resolved")) else "normal"
            body = f"{kind} " + "x" * length
            sent = story.tell(second, "brown", MessageSent(to=to, subject=kind, body=body, urgency=urgency))
            if kind == "resolved":
                story.tell(second + 1, "brown", MessageResolved(messages=(sent.id,)))
    return story


@given(ARRIVALS, st.booleans())
def test_urgent_messages_are_shown_before_everything_else(arrivals: list[tuple[str, int]], all_of_it: bool) -> None:
    state = story_of(arrivals).state()
    amber = state.sessions["amber"]
    items = unread_items(state, amber, at(1000), all_of_it=all_of_it)
    ranks = [item.rank for item in items]
    urgent = {m.id for m in messages_of(state, amber) if m.urgency == "high" and not m.resolved_by}
    assert ranks == sorted(ranks)
    assert {name for item in items if item.rank == URGENT for name in item.ids} == urgent


@given(ARRIVALS)
def test_each_item_is_shown_once_within_the_budget(arrivals: list[tuple[str, int]]) -> None:
    story = story_of(arrivals)
    seen: list[str] = []
    for step in range(len(arrivals) + 1):
        state = story.state()
        items = unread_items(state, state.sessions["amber"], at(1000 + step), all_of_it=True)
        text, shown = fit_to_budget(items, LATER_CHARS)
        assert len(text) <= LATER_CHARS
        assert bool(shown) == bool(items), "each hook shows something"
        seen += [name for item in shown for name in item.ids]
        if shown:
            named = [event for event in story.events if event.id in seen[-len(shown) :]]
            story.reads(1000 + step, "amber", *named)
    state = story.state()
    assert unread_items(state, state.sessions["amber"], at(2000), all_of_it=True) == []
    assert len(seen) == len(set(seen))


@given(ARRIVALS, st.integers(0, 200))
def test_an_urgent_message_fits_beside_what_is_shown_only_now(arrivals: list[tuple[str, int]], length: int) -> None:
    state = story_of([("urgent", 300), *arrivals]).state()
    only_now = [ContextItem("x" * length, rank=ONLY_NOW)]
    items = unread_items(state, state.sessions["amber"], at(1000), all_of_it=True, room=room_after(only_now))
    text, shown = fit_to_budget(by_rank(items + only_now), LATER_CHARS)
    assert [item.rank for item in shown[:2]] == [ONLY_NOW, URGENT]
    assert shown[1].text in text, "the message is cut, and not the id with which it can be read"
