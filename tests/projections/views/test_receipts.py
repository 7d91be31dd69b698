"""Who read and confirmed a message, by examples."""

from msgspec.structs import replace

from eventlog.events import Event, Imported, MessageAcknowledged
from projections.views.receipts import Receipt, build_receipts
from tests.support.histories import Story, at


def rows(story: Story, message: Event) -> dict[str, Receipt]:
    found = build_receipts(story.history(), message).rows
    assert len({row.session for row in found}) == len(found), "each has one"
    return {row.session: row for row in found}


def test_the_first_confirmation_counts() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    first = story.acknowledges(2, "brown", sent)
    story.acknowledges(3, "brown", sent)
    row = rows(story, sent)["brown"]
    assert (row.status, row.at, row.confirmed_at, row.confirmed_by) == ("read", at(2), at(2), first.id)


def test_who_goes_on_for_two_and_had_it_itself_reads_it_once() -> None:
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


def test_what_was_imported_confirms_nothing() -> None:
    story = Story("amber", "brown")
    sent = story.sends(1, "amber", "brown", needs_ack=True)
    told = story.tell(2, "import-k3f9", MessageAcknowledged(messages=(sent.id,)))
    story.events[-1] = replace(told, imported=Imported(path="a.json", digest="0", acted_as="brown"))
    row = rows(story, sent)["brown"]
    assert (row.status, row.confirmed_at) == ("unread", "")
