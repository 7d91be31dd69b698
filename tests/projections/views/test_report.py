"""Reports on small histories: what they contain about sessions, claims and messages."""

from eventlog.events import MessageSent, SessionEnded
from projections.views.activity import ReportItem, SessionActivity
from projections.views.board import build_board
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import before_instant
from projections.views.report import Report, build_report
from tests.support.histories import Story, anchor, at


def report(story: Story, since: float = -1, until: float = 1000, silent_s: float = 1e9) -> Report:
    events = [event for event in story.history() if event.at <= at(until)]
    found = analyze_history(events, at(until))
    return build_report(found, before_instant(at(since)), build_board(found.state, at(until), silent_s, {}))


def activity(page: Report, session: str) -> SessionActivity:
    return next(found for found in page.sessions if found.id == session)


def kinds(items: list[ReportItem]) -> list[tuple[str, str]]:
    return [(item.kind, item.what or item.words) for item in items]


def test_repeated_heartbeats_are_one_activity_period() -> None:
    story = Story("amber")
    story.beats(1, "amber", "build", target="app", phase="plan", progress="10%", percent=10)
    story.beats(2, "amber")
    story.beats(3, "amber", "build", target="app", phase="write", progress="60%", percent=60)
    last = story.beats(4, "amber", "build", target="app", phase="write")
    story.beats(5, "amber", "test", target="app")
    story.beats(6, "amber", "build", target="app")
    first, second, third = activity(report(story), "amber").doing
    assert (first.at, first.until, first.times, first.event) == (at(1), at(4), 3, last.id)
    assert (first.phases, first.began, first.progress) == (("plan", "write"), "10%", "60%")
    assert (second.action, third.action, third.times) == ("test", "build", 1)


def test_finished_work_is_the_summary_releases_and_handovers() -> None:
    story = Story("amber", "brown")
    port, app = story.asks(1, "amber", "port/1"), story.asks(2, "amber", "file/app")
    story.beats(2.5, "amber", "test", target="app", percent=99)
    story.beats(3, "amber", "build", target="app", percent=100, next_action="ship it")
    story.releases(4, "amber", port)
    given = story.hands_over(5, "amber", app, "brown", note="yours")
    story.tell(6, "amber", SessionEnded(summary="all of it", notes="mind the gap"))
    found = activity(report(story), "amber")
    assert kinds(found.finished) == [
        ("summary", "all of it"), ("complete", "build app"), ("released", "port/1"), ("handed_over", "file/app"),
    ]  # fmt: skip
    assert (found.finished[-1].others, found.finished[-1].events) == (("brown",), (given.id, app.id))
    assert kinds(found.left) == [("notes", "mind the gap")]
    assert (found.status, found.over_at) == ("ended", at(6))


def test_left_open_are_claims_blockers_and_unread_notices() -> None:
    story = Story("amber", "brown", "coral")
    dead = story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/2", ttl_s=60)
    story.asks(3, "brown", "port/3", ttl_s=6000)
    story.beats(4, "brown", "build", blocked_on="a key", next_action="deploy")
    story.presumes_dead(5, "coral", "amber", anchor(1))
    page = report(story)
    assert kinds(activity(page, "amber").left)[:1] == [("held", "port/1")]
    assert activity(page, "amber").left[0].events == (page.deaths[0].event, dead.id)
    assert [(item.kind, item.what) for item in activity(page, "brown").left] == [
        ("held", "port/2"), ("holds", "port/3"), ("blocked", ""), ("next", ""), ("unread", "expired"),
    ]  # fmt: skip
    assert [(item.kind, item.what) for item in page.expired] == [("expired", "port/2")]


def test_a_death_has_its_evidence_and_who_got_the_claims() -> None:
    story = Story("amber", "brown", "coral")
    app, port = story.asks(1, "amber", "file/app"), story.asks(2, "amber", "port/1")
    story.asks(3, "coral", "file/app", "waiting", wait_s=60)
    death = story.presumes_dead(5, "brown", "amber", anchor(1))
    (found,) = report(story).deaths
    assert (found.event, found.session, found.by, found.evidence) == (death.id, "amber", "brown", "gone")
    assert [(item.what, item.others, item.events) for item in found.held] == [
        ("file/app", ("coral",), (death.id, app.id)), ("port/1", (), (death.id, port.id)),
    ]  # fmt: skip
    assert (found.back, found.back_at, found.told_at) == ("", "", "")


def test_a_report_says_when_a_revived_session_read_of_its_death() -> None:
    story = Story("amber", "brown")
    story.beats(1, "amber", "build")
    death = story.presumes_dead(5, "brown", "amber", anchor(1))
    back = story.beats(9, "amber", "build")
    story.beats(10, "amber", "build")
    page = report(story)
    (found,) = page.deaths
    assert (found.back, found.back_at, found.last_at, found.told_at) == (back.id, at(9), at(10), "")
    assert [(doing.at, doing.until) for doing in activity(page, "amber").doing] == [(at(1), at(1)), (at(9), at(10))]
    assert [(i.kind, i.what, i.words, i.events) for i in activity(page, "amber").left] == [
        ("unread", "presumed_dead", "1", (death.id,))
    ]
    story.reads(11, "amber", death)
    assert report(story).deaths[0].told_at == at(11)
    assert report(story, until=8).deaths[0].back == "", "a report does not include later events"


def test_repeated_identical_refusals_are_one_item() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    refused = [story.asks(second, "brown", "port/1", "refused") for second in (2, 3, 4)]
    story.asks(5, "brown", "port/9", "refused")
    first, second = report(story).refusals
    assert (first.session, first.what, first.others) == ("brown", "port/1", ("amber",))
    assert (first.at, first.until, first.events) == (at(2), at(4), tuple(event.id for event in refused))
    assert (second.what, second.others) == ("port/9", ()), "refused on its machine, without an obstacle in the history"


def test_a_lost_claim_names_the_session_that_has_it() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    lost = story.asks(2, "brown", "port/1", "granted")
    page = report(story)
    (found,) = page.lost
    assert (found.session, found.others, found.events) == ("brown", ("amber",), (lost.id,))
    assert found.words == "port/1 was granted to it first"
    assert not page.refusals


def test_waits_are_listed_longest_first_with_their_end() -> None:
    story = Story("amber", "brown", "coral")
    claim = story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.asks(3, "coral", "port/1", "waiting", wait_s=20)
    released = story.releases(60, "amber", claim)
    long, short = report(story).waits
    assert (long.session, long.others, long.words, long.until) == ("brown", ("amber",), "granted", at(60))
    assert released.id in long.events
    assert (short.session, short.others, short.words, short.until) == ("coral", ("amber", "brown"), "timed_out", at(23))


def test_a_reply_needs_no_answer_once_it_was_read() -> None:
    story = Story("amber", "brown")
    asked = story.sends(1, "amber", "brown")
    reply = story.tell(2, "brown", MessageSent(to=("amber",), subject="Re", in_reply_to=asked.id))
    assert [(m.event, m.unread_by) for m in report(story).unanswered] == [(reply.id, ("amber",))]
    story.reads(3, "amber", reply)
    assert not report(story).unanswered


def test_an_unanswered_message_says_who_read_it() -> None:
    story = Story("amber", "brown", "coral")
    asked = story.sends(1, "amber", "brown", "coral", "nobody")
    story.sends(2, "amber")
    story.reads(3, "brown", asked)
    (found,) = report(story).unanswered
    assert (found.to, found.read_by, found.unread_by) == (("brown", "coral", "nobody"), ("brown",), ("coral",))


def test_earlier_events_count_only_if_they_still_apply() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "port/1")
    story.asks(2, "brown", "port/1", "refused")
    story.sends(3, "brown", "amber")
    story.ends(4, "coral")
    story.beats(20, "brown", "build")
    page = report(story, since=10, until=30)
    assert not page.refusals
    assert not page.unanswered
    assert page.totals.events == 1
    assert [found.id for found in page.sessions] == ["brown", "amber"], "coral had ended before"
    quiet = activity(page, "amber")
    assert (quiet.first_at, quiet.last_at, quiet.events) == ("", at(1), 0)
    assert kinds(quiet.left)[0] == ("holds", "port/1")


def test_an_empty_period_reports_only_the_last_event() -> None:
    story = Story("amber")
    last = story.beats(1, "amber", "build")
    page = report(story, since=10, until=30)
    assert (page.totals.events, page.last_event, page.last_at) == (0, last.id, at(1))


def test_a_silent_session_is_reported_as_silent() -> None:
    story = Story("amber")
    story.beats(1, "amber", "build")
    assert activity(report(story, silent_s=60), "amber").status == "silent"
    assert activity(report(story), "amber").status == "live"


def test_a_session_that_was_blocked_for_a_while_is_reported() -> None:
    story = Story("amber", "brown", "coral")
    began = story.beats(10, "amber", "waits", blocked_on="a key")
    story.beats(200, "amber")
    ended = story.beats(300, "amber", "builds")
    story.beats(400, "amber", "waits", blocked_on="its user: a permission", asks_person=True)
    story.beats(420, "amber", "builds")
    asked = story.beats(430, "brown", "waits", blocked_on="its user: an answer", asks_person=True)
    story.beats(450, "coral", "waits", blocked_on="a review")
    death = story.presumes_dead(500, "amber", "brown", anchor(2))
    page = report(story)
    assert [(item.session, item.words, item.at, item.until, item.events) for item in page.blocked] == [
        ("amber", "a key", at(10), at(300), (began.id, ended.id)),
        ("brown", "its user: an answer", at(430), at(500), (asked.id, death.id)),
    ]
    assert [need.session for need in page.needs] == ["coral"]
    assert [item.session for item in report(story, since=350).blocked] == ["brown"]
