"""A report contains each problem of its period once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import ClaimRequested, Event, MessageSent
from projections.views.board import build_board
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant
from projections.views.report import Report, build_report
from tests.support.histories import histories, judged

pytestmark = pytest.mark.slow

BEGINNING = after_instant("")


def report_of(events: list[Event], since: PointInTime, until: PointInTime) -> Report:
    history = analyze_history([event for event in events if event.key <= until.key], until.at)
    return build_report(history, since, build_board(history.state, until.at, 1e9, {}))


def problems(page: Report) -> Counter[tuple[str, str]]:
    """The problems in a report, each by its kind and an event."""
    found = Counter((item.kind, name) for item in page.refusals for name in item.events)
    found += Counter(("broken", item.events[-1]) for item in page.breaks)
    found += Counter(("lost", item.events[0]) for item in page.lost)
    found += Counter(("dead", death.event) for death in page.deaths)
    found += Counter((item.kind, f"{item.events[-1]} {item.until}") for item in page.expired)
    for worker in page.sessions:
        found += Counter((item.kind, item.events[0]) for item in worker.finished if item.kind != "complete")
        found += Counter(("said", worker.id) for doing in worker.doing for _ in range(doing.times))
    return found


@given(histories())
def test_a_report_has_every_refusal_break_loss_and_expiry(events: list[Event]) -> None:
    """Nothing is missing or added. A request that was told granted and is refused in the history is lost."""
    _, decisions = judged(events)
    told = {event.id: event.payload.told for event in events if isinstance(event.payload, ClaimRequested)}
    page = report_of(events, BEGINNING, after_event(events[-1]))
    for what, found in (("broken", page.breaks), ("lost", page.lost)):
        assert Counter(item.session for item in found) == Counter(d.session for d in decisions if d.what == what)
    refused = [d.claim for d in decisions if d.what == "refused" and told[d.claim] != "granted"]
    assert Counter(name for item in page.refusals for name in item.events) == Counter(refused)
    by_hooks = {e.id for e in events if isinstance(e.payload, ClaimRequested) and e.payload.automatic}
    for d in decisions:
        if d.what == "handed_over" and d.claim in by_hooks:
            by_hooks.update(d.others)  # a handover keeps a claim automatic and gives it a new id
    ends = [d for d in decisions if d.what in ("expired", "lapsed") and d.claim not in by_hooks]
    ran_out = Counter((d.what, d.claim, d.at) for d in ends)
    assert Counter((item.kind, item.events[-1], item.until) for item in page.expired) == ran_out
    assert page.totals.granted == sum(d.what == "granted" for d in decisions)


@given(histories())
def test_every_death_is_reported_once_with_the_claims_it_ended(events: list[Event]) -> None:
    found = analyze_history(events, events[-1].at)
    page = report_of(events, BEGINNING, after_event(events[-1]))
    assert Counter(death.event for death in page.deaths) == Counter(
        x.cause for x in found.session_intervals if x.how == "dead"
    )
    _, decisions = judged(events)
    freed = Counter((d.cause, d.claim) for d in decisions if d.what == "session_dead")
    waits = {(span.cause, span.id) for span in found.intervals if span.kind == "wait"}
    held = Counter((death.event, item.events[-1]) for death in page.deaths for item in death.held)
    assert held == Counter({claim: count for claim, count in freed.items() if claim not in waits})
    for death in page.deaths:
        assert (death.back_at > death.at) == bool(death.back)
        assert not death.told_at or death.told_at > death.at


@given(st.data())
def test_two_adjacent_periods_report_everything_once(data: st.DataObject) -> None:
    events = data.draw(histories())
    middle = data.draw(st.sampled_from(events))
    cut = data.draw(st.sampled_from((after_event(middle), after_instant(middle.at))))
    end = after_event(events[-1])
    first, second = report_of(events, BEGINNING, cut), report_of(events, cut, end)
    assert problems(first) + problems(second) == problems(report_of(events, BEGINNING, end))


@given(st.data())
def test_every_session_of_a_period_is_in_its_report(data: st.DataObject) -> None:
    events = data.draw(histories())
    cut = before_instant(data.draw(st.sampled_from(events)).at)
    page = report_of(events, cut, after_event(events[-1]))
    found = analyze_history(events, events[-1].at)
    ours = {event.session for event in events if not event.imported}
    heard = Counter(e.actor for e in found.events if e.key > cut.key and not (e.imported and e.actor in ours))
    assert {worker.id: worker.events for worker in page.sessions if worker.events} == heard
    there = {worker.id for worker in page.sessions}
    assert {
        name for name, session in analyze_history(events, events[-1].at).state.sessions.items() if session.live
    } <= there
    assert [worker.last_at for worker in page.sessions] == sorted((w.last_at for w in page.sessions), reverse=True)


@given(histories())
def test_a_message_is_unanswered_until_a_reply_or_confirmation(events: list[Event]) -> None:
    page = report_of(events, BEGINNING, after_event(events[-1]))
    sent = {event.id: event.payload for event in events if isinstance(event.payload, MessageSent)}
    confirmed = {name for event in events for name in getattr(event.payload, "messages", ())
                 if type(event.payload).__name__ == "MessageAcknowledged"}  # fmt: skip
    wanted = {name for name, payload in sent.items() if payload.needs_ack or payload.to != "everyone"}
    wanted -= {event.id for event in events if event.imported}
    assert {message.event for message in page.unanswered} == wanted - confirmed
