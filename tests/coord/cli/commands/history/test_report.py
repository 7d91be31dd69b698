"""`coord report`: one page about a period."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventlog.events import add_time
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.repositories import Repo
from tests.support.time_zones import zone

ADA, BEN, CAI = 100, 200, 300
INCIDENT = Path(__file__).resolve().parents[5] / "docs/examples/incident"


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    """Local time is UTC."""
    with zone("UTC"):
        yield


@pytest.fixture
def night(repo: Repo) -> SimulatedMachine:
    """Ada works and hands over, ben is refused, asks and ends, and cai's process is gone."""
    inside = SimulatedMachine(repo)
    for shell, name in ((ADA, "ada"), (BEN, "ben"), (CAI, "cai")):
        inside.start(shell, "--name", name)
    story = (
        (ADA, "claim", "deploy/site"),
        (ADA, "heartbeat", "building", "site", "BUILD", "40%"),
        (BEN, "claim", "deploy/site"),
        (BEN, "claim", "deploy/site"),
        (BEN, "send", "ada", "Question", "May I have it?"),
        (CAI, "claim", "port/8000"),
        (ADA, "heartbeat", "building", "site", "BUILD", "100%"),
        (ADA, "handoff", "deploy/site", "cai", "--note", "deploy is yours"),
        (ADA, "end", "--summary", "the site", "--notes", "mind the gap"),
    )
    for shell, *words in story:
        inside.wait(60)
        assert inside.run(shell, *words).code in (0, 1)
    del inside.table.rows[CAI]
    inside.wait(60)
    assert inside.run(BEN, "heartbeat", "waiting").code == 0  # records the death
    return inside


def test_the_report_has_problems_and_what_each_session_did(night: SimulatedMachine) -> None:
    page = night.run(BEN, "report")
    assert page.code == 0
    titles = [row for row in page.out.splitlines() if row.isupper()]
    assert [title.split(" ", 1)[1].strip() for title in titles] == [
        "DIED", "REFUSED", "NOT ANSWERED", "SESSIONS",
    ]  # fmt: skip
    for words in (
        "3 sessions · 14 events",
        "12:10 UTC",
        "wanted deploy/site, 2 times until 12:04 UTC: ",
        "“Question” · not read by ",
        "12:02–12:07 UTC  building site · BUILD · 40% → 100%",
        "finished: the site",
        "finished: 100 % of building site",
        "finished: handed over deploy/site to ",
        "deploy is yours",
        "left: notes: mind the gap",
        "left: held when it died: port/8000 (",
    ):
        assert words in page.out


def test_the_report_shows_what_happened_after_a_death(repo: Repo) -> None:
    """The night of the tutorial: who died, who got the claim, and who came back without reading."""
    inside = SimulatedMachine(repo)
    inside.wait(86400)
    night = ("--since", "2026-11-22 21:00 UTC", "--until", "2026-11-23 06:00 UTC")
    page = " ".join(inside.run(ADA, "report", "--root", str(INCIDENT), *night).out.split())
    for words in (
        "22:40 UTC web: its process 4202 is gone, noticed by tests (coral-lynx-x2m4/4)",
        "held file/src/prices.py: it went at once to api (brisk-heron-8nqd/2)",
        "came back 23:10 UTC without the claims that it had held",
        "did not read that it had been presumed dead (brisk-heron-8nqd/7)",
        "22:05–22:28 UTC building currency · 10% → 55%",
        "23:10–23:25 UTC building currency · writing prices.py anew · 60% → 90%",
        "not read: 1 notice that it was presumed dead (coral-lynx-x2m4/4)",
    ):
        assert words in page


def test_a_session_that_came_back_and_read_is_shown_as_such(night: SimulatedMachine) -> None:
    for words in (("heartbeat", "back"), ("inbox",)):
        night.wait(60)
        assert night.run(BEN, *words, "--session", "cai").code == 0
    page = night.run(BEN, "report").out
    assert "held deploy/site: nobody waited for it (" in page
    assert "came back 12:11 UTC without the claims that it had held" in page
    assert "at 12:12 UTC it read that it had been presumed dead (" in page


def test_two_sessions_with_one_name_are_distinguished(night: SimulatedMachine) -> None:
    night.run(BEN, "end")
    night.start(ADA, "--name", "ben")
    page = night.run(BEN, "report").out
    assert re.search(r"12:\d\d UTC ben \(\w+-\w+-\w+\) wanted deploy/site", page)
    assert re.search(r"12:\d\d UTC ben \(\w+-\w+-\w+\) to ada", page)


def test_markdown_and_json_have_the_same_facts(night: SimulatedMachine) -> None:
    text = night.run(BEN, "report").out
    markdown = night.run(BEN, "report", "--markdown").out
    assert markdown.startswith("# 📋 Report: 2026-11-22 04:10–12:10 UTC (8 h)\n")
    headings = [row for row in markdown.splitlines() if row.startswith("## ")]
    assert [row.split(" ", 1)[1].upper() for row in headings] == [r for r in text.splitlines() if r.isupper()]
    data = night.run(BEN, "report", "--json").json
    assert (data["until"], data["totals"]["events"]) == (add_time(NOON, 600, 1), 14)
    assert [len(item["events"]) for item in data["refusals"]] == [2]
    assert {worker["name"]: worker["status"] for worker in data["sessions"]} == {
        "ada": "ended", "ben": "live", "cai": "dead",
    }  # fmt: skip
    assert data["damage"] == []


def test_commands_accept_every_event_id_in_a_report(night: SimulatedMachine) -> None:
    data = night.run(BEN, "report", "--json").json
    names = {name for part in ("refusals", "waits") for item in data[part] for name in item["events"]}
    names |= {death["event"] for death in data["deaths"]}
    names |= {name for worker in data["sessions"] for item in worker["finished"] for name in item["events"]}
    assert names
    for name in names:
        assert night.run(BEN, "log", name).code == 0


def test_a_past_period_is_reported_as_it_was_then(night: SimulatedMachine) -> None:
    page = night.run(BEN, "report", "--since", NOON[:19], "--until", add_time(NOON, 420)[:19]).out
    assert "ended" not in page
    assert "DIED" not in page
    assert "now: holds deploy/site" in page


def test_a_period_without_events_names_the_last_event(night: SimulatedMachine) -> None:
    night.wait(86400)
    page = night.run(BEN, "report").out
    assert "Nothing happened. The last event was " in page
    found = re.search(r"1 d ago: coord report --until (\S+/\d+)", page)
    assert found
    assert night.run(BEN, "report", "--until", found[1]).out.count("- ") > 5


def test_without_since_a_report_covers_eight_hours(night: SimulatedMachine) -> None:
    night.wait(86400)
    data = night.run(BEN, "report", "--until", add_time(NOON, 420)[:19] + "Z", "--json").json
    assert (data["since"], data["until"]) == (add_time(NOON, 420 - 8 * 3600), add_time(NOON, 420))
    assert data["totals"]["events"] == 10


def test_an_empty_log_gives_an_empty_report(repo: Repo) -> None:
    result = SimulatedMachine(repo).run(ADA, "report")
    assert (result.code, result.err) == (0, "")
    assert "Nothing happened: the log has no events yet." in result.out


@pytest.mark.parametrize("words", [("--since", "25:00"), ("--since", "-1h", "--until", "-2h"), ("--until", "soon")])
def test_invalid_periods_are_refused(night: SimulatedMachine, words: tuple[str, ...]) -> None:
    result = night.run(BEN, "report", *words)
    assert result.code == 2
    assert result.err
    assert not result.out


def test_damage_of_the_log_is_reported_first(night: SimulatedMachine) -> None:
    path = next(path for path in night.repo.log.glob("*.jsonl") if b"Question" in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"Question", b"Quastion"))
    page = night.run(ADA, "report")
    assert page.out.index("THE LOG IS DAMAGED") < page.out.index("REFUSED")
    assert f"{path.name} is damaged at line " in page.out
    assert night.run(ADA, "report", "--json").json["damage"]
    assert "## 🚨 The log is damaged" in night.run(ADA, "report", "--markdown").out


def test_control_characters_in_texts_are_shown_as_text(repo: Repo) -> None:
    inside = SimulatedMachine(repo)
    inside.start(ADA, "--name", "a<b>|`x`")
    inside.run(ADA, "heartbeat", "<script>\x1b[31m", "*all*\u202e", "--blocked-on", "[x](http://e.org)")
    text, markdown = inside.run(ADA, "report").out, inside.run(ADA, "report", "--markdown").out
    assert "\x1b" not in text + markdown
    assert "\u202e" not in text + markdown
    assert "&lt;script&gt;" in markdown
    assert "<script>" not in markdown
    assert r"\*all\*" in markdown
    assert r"\[x\]" in markdown


def test_a_report_of_a_busy_period_stays_short(repo: Repo) -> None:
    """Long lists are cut, with a note."""
    inside = SimulatedMachine(repo)
    inside.start(ADA, "--name", "ada")
    for number in range(12):
        inside.run(ADA, "claim", f"port/{number}")
        inside.run(ADA, "heartbeat", f"step {number}")
        inside.run(ADA, "send", "ada", f"note {number}", "text")
    for number in range(12):
        inside.run(ADA, "release", f"port/{number}")
    page = inside.run(ADA, "report").out
    assert "… and 6 more: coord report --limit 12" in page
    assert "more: coord report" not in inside.run(ADA, "report", "--limit", "12").out
    assert (
        "… and 10 more: `coord report --markdown --limit 12`"
        in inside.run(ADA, "report", "--markdown", "--limit", "2").out
    )
    assert "… and 6 earlier: coord log --session " in page
    assert " and 6 more" in next(row for row in page.splitlines() if "finished: released" in row)
    assert len(page.splitlines()) < 30
