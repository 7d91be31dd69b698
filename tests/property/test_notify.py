"""The rules of `coord.workspace.notify.decision`, for needs that come and go in any order and at any time."""

from typing import TypeAlias

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from coord.workspace.notify.decision import MOST_PER_HOUR, Notification, NotifyRecord, is_urgent, marked, need_key, pick
from eventlog.events import HOUR_S, Instant, add_time
from projections.views.needs import Need
from tests.support.in_process import NOON

POOL = (
    *(Need(kind="blocked", session=f"s{n}", since=NOON, subject="the key") for n in range(6)),
    *(Need(kind="unacknowledged", session="s1", about=f"s1/{n}", urgent=n % 2 == 0) for n in range(4)),
    Need(kind="lost", session="s1", about="file/a", since=NOON),
    Need(kind="silent", session="s2", about="file/b", since=NOON),
    Need(kind="circle", sessions=("s1", "s2"), since=NOON),
)
Step: TypeAlias = "tuple[int, set[int], bool]"
"""Seconds since the step before, the needs that begin or end, and whether the person sees a watch."""
STEP = st.tuples(
    st.sampled_from((0, 1, 60, 60, 300, 600, 3599, 3600, 7200)),
    st.sets(st.sampled_from(range(len(POOL))), min_size=1, max_size=2),
    st.sampled_from((False,) * 9 + (True,)),
)


def stored(record: NotifyRecord) -> NotifyRecord:
    """The record as the next command reads it."""
    return msgspec.json.decode(msgspec.json.encode(record), type=NotifyRecord)


@given(steps=st.lists(STEP, min_size=10, max_size=40))
def test_every_need_is_told_once_and_within_the_limit(steps: list[Step]) -> None:
    record, now, sent = NotifyRecord(), NOON, list[Instant]()
    present, told = set[int](), set[int]()
    for gap, changed, shown in steps:
        now, present = add_time(now, gap), present ^ changed
        told &= present
        untold = present - told
        needs = [POOL[n] for n in sorted(present)]
        record, notification = pick(stored(marked(stored(record), needs, shown=shown)), needs, now)
        sent = [at for at in sent if at > add_time(now, -HOUR_S)]
        if shown:
            assert notification is None
            told |= untold
            continue
        urgent = {n for n in untold if is_urgent(POOL[n])}
        assert (notification is not None) == bool(urgent or (untold and len(sent) < MOST_PER_HOUR))
        if notification:
            assert POOL.index(notification.need) in (urgent or untold)
            assert (notification.more, notification.urgent) == (len(untold) - 1, bool(urgent))
            told |= untold
            sent += [] if urgent else [now]
        assert len(sent) <= MOST_PER_HOUR


@given(steps=st.lists(STEP, min_size=1, max_size=10), cut=st.integers(1, 5))
def test_a_need_beyond_a_limited_list_is_not_told_again(steps: list[Step], cut: int) -> None:
    """The most urgent needs come and go, and push the others out of the list and in again."""
    record, now, told = NotifyRecord(), NOON, list[Notification]()
    always = POOL[0]
    present = set[int]()
    for gap, changed, _ in steps:
        now, present = add_time(now, gap), present ^ changed
        needs = [*(POOL[n] for n in sorted(present - {0})), always]
        record = marked(stored(record), needs[:cut], complete=len(needs) <= cut)
        record, notification = pick(record, needs[:cut], now)
        told += [notification] if notification and notification.need == always else []
    assert len(told) <= 1


def test_needs_of_a_kind_are_told_apart() -> None:
    assert len({need_key(need) for need in POOL}) == len(POOL)
