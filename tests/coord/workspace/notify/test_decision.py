"""When a person is notified: examples of the rules. `tests/property/test_notify.py` has their laws."""

from msgspec.structs import replace

from coord.workspace.notify.decision import MOST_PER_HOUR, Notification, NotifyRecord, marked, need_key, pick
from eventlog.events import Instant, add_time
from projections.views.needs import Need
from tests.support.in_process import NOON

ASKS = Need(kind="blocked", session="s1", since=NOON, subject="its user: a permission", asks_person=True)
URGENT = Need(kind="unacknowledged", session="s2", sessions=("s1",), about="s2/7", urgent=True, subject="Stop")


def decide(
    record: NotifyRecord, needs: list[Need], now: Instant, *, shown: bool = False, me: str = ""
) -> tuple[NotifyRecord, Notification | None]:
    return pick(marked(record, needs, shown=shown, me=me), needs, now)


def others(count: int) -> list[Need]:
    return [replace(ASKS, session=f"other-{n}") for n in range(count)]


def test_a_need_is_told_once_and_again_when_it_came_back() -> None:
    record, first = decide(NotifyRecord(), [ASKS], NOON)
    assert first is not None
    assert first.need == ASKS
    later = add_time(NOON, 60)
    assert decide(record, [ASKS], later) == (record, None)
    ended, none = decide(record, [], later)
    assert none is None
    assert decide(ended, [ASKS], later)[1] is not None


def test_more_than_four_in_an_hour_wait_and_come_together() -> None:
    record, present = NotifyRecord(), list[Need]()
    for need in others(MOST_PER_HOUR):
        present.append(need)
        record, sent = decide(record, present, NOON)
        assert sent is not None
    waiting = [*others(MOST_PER_HOUR), replace(ASKS, session="late-1"), replace(ASKS, session="late-2")]
    assert decide(record, waiting, add_time(NOON, 3599)) == (record, None)
    record, sent = decide(record, waiting, add_time(NOON, 3600))
    assert sent is not None
    assert (sent.need.session, sent.more) == ("late-1", 1)


def test_an_urgent_need_never_waits_and_takes_the_others_along() -> None:
    record, _ = decide(NotifyRecord(), [], NOON)
    full = replace(record, sent=(NOON,) * MOST_PER_HOUR)
    record, sent = decide(full, [ASKS, URGENT], NOON)
    assert sent is not None
    assert (sent.need, sent.more, sent.urgent) == (URGENT, 1, True)
    assert record.sent == full.sent, "it does not count"
    assert decide(record, [ASKS, URGENT], add_time(NOON, 7200))[1] is None


def test_what_the_person_sees_or_did_counts_as_told() -> None:
    for shown, me in ((True, ""), (False, "s2")):
        record, sent = decide(NotifyRecord(), [URGENT], NOON, shown=shown, me=me)
        assert sent is None
        assert decide(record, [URGENT], add_time(NOON, 60))[1] is None
    assert decide(NotifyRecord(), [URGENT], NOON, me="s1")[1] is not None, "another session's message"


def test_what_changes_in_a_need_does_not_make_it_a_new_one() -> None:
    silent = Need(kind="silent", session="s1", since=NOON, about="file/a", subject="file/a, file/b")
    assert need_key(silent) == need_key(replace(silent, about="file/b", subject="file/b"))
    assert need_key(URGENT) == need_key(replace(URGENT, sessions=("s3",)))
    assert need_key(ASKS) != need_key(replace(ASKS, since=add_time(NOON, 1))), "it asks again"
    clock = Need(kind="clock", subject="the clock is 5 s behind")
    assert need_key(clock) == need_key(replace(clock, subject="the clock is 6 s behind"))


def test_times_after_now_do_not_count() -> None:
    """As when the cache was copied from another folder, or a byte of it is damaged."""
    record = NotifyRecord(sent=(add_time(NOON, 60),) * MOST_PER_HOUR)
    assert decide(record, [ASKS], NOON)[1] is not None
