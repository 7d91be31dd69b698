"""Receipts of messages, by example."""

from msgspec.structs import replace

from eventlog.events import Event, Imported, MessageAcknowledged, MessageSent
from projections.views.receipts import Receipt, build_receipts, receipts_of
from tests.support.histories import Story, at


def rows(story: Story, message: Event) -> dict[str, Receipt]:
    found = build_receipts(story.history(), message).rows
    assert len({row.session for row in found}) == len(found), "each session has one receipt"
    return {row.session: row for row in found}


def test_only_the_first_acknowledgement_counts() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    first = story.acknowledges(2, "brown", sent)
    story.acknowledges(3, "brown", sent)
    row = rows(story, sent)["brown"]
    assert (row.status, row.at, row.confirmed_at, row.confirmed_by) == ("read", at(2), at(2), first.id)


def test_a_session_that_continues_two_recipients_reads_once() -> None:
    story = Story("amber", "brown", "coral", "dusky")
    sent = story.sends(1, "amber", "brown", "coral", "dusky")
    story.continues(2, "dusky", "brown")
    story.ends(3, "coral")
    story.continues(4, "dusky", "coral")
    read = story.reads(5, "dusky", sent)
    found = rows(story, sent)
    assert [(row.status, row.passed_to) for row in found.values()] == [
        ("passed_on", "dusky"),
        ("passed_on", "dusky"),
        ("read", ""),
    ]
    assert found["dusky"].by == read.id


def test_an_imported_event_acknowledges_nothing() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    acknowledged = story.tell(2, "import-k3f9", MessageAcknowledged(messages=(sent.id,)))
    story.events[-1] = replace(acknowledged, imported=Imported(path="a.json", digest="0", acted_as="brown"))
    row = rows(story, sent)["brown"]
    assert (row.status, row.confirmed_at) == ("unread", "")


def test_one_pass_gives_the_receipts_of_each_message() -> None:
    story = Story("amber", "brown", "coral")
    first = story.sends(1, "amber", "brown", "coral", needs_ack=True)
    second = story.sends(2, "brown", "coral", "nobody")
    story.reads(3, "coral", first)
    story.acknowledges(4, "brown", first)
    third = story.tell(5, "coral", MessageSent(to=("brown",), subject="re", body="", in_reply_to=second.id))
    story.ends(6, "coral")
    sent = [first, second, third]
    together = receipts_of(story.history(), sent)
    assert together == {message.id: build_receipts(story.history(), message) for message in sent}
    assert [row.status for row in together[first.id].rows] == ["read", "read"]
    assert (together[second.id].replies, together[second.id].unknown) == ([third.id], ["nobody"])
