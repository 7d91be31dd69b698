"""`coord timeline`: who held what and when, as a picture, as text, and as JSON."""

import json
import os
import stat
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from coord.render.timeline.layout import MOST_LANES, MOST_ROWS, lay_out
from coord.render.timeline.looks import LOOKS, choose_looks
from coord.render.timeline.marks import MOST_ARROWS
from coord.render.timeline.svg import render_svg
from eventlog.events import HOUR_S, MessageSent, SessionStarted, add_time
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import after_instant
from projections.views.timeline.period import Lane, Timeline, build_timeline
from tests.support.histories import Story, anchor, at
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo
from tests.support.time_zones import zone
from tests.support.timeline_geometry import SVG, check_geometry


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Ada holds a file. Ben is refused, waits for it, and she hands it over to him."""
    return SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")),
        (200, ("start", "--name", "ben")),
        (100, ("claim", "file", "src/app.py", "--note", "landing page")),
        (200, ("claim", "file", "src/")),
        (200, ("send", "ada", "src", "How long?")),
        (100, ("handoff", "file", "src/app.py", "ben")),
    )


def _of(story: Story, until: float, since: str = "") -> Timeline:
    events = [event for event in story.history() if event.at <= at(until)]
    return build_timeline(analyze_history(events, at(until)), after_instant(since), at(until))


def _texts(picture: str) -> list[str]:
    return [text.text or "" for text in fromstring(picture).iter(f"{SVG}text")]


# --- the file -------------------------------------------------------------------------------------------------------


def test_the_picture_is_self_contained(inside: SimulatedMachine) -> None:
    """It has no script, font, link or style from elsewhere, and has its own background."""
    root = fromstring(inside.run(300, "timeline", "--svg", "-").out)
    known = {"svg", "title", "rect", "path", "circle", "text", "g", "defs", "pattern"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= known
    assert not [name for element in root.iter() for name in element.attrib if "href" in name or name.startswith("on")]
    background = next(root.iter(f"{SVG}rect"))
    assert (background.get("width"), background.get("fill")) == ("1200.0", "#ffffff")


def test_the_picture_shows_who_held_what(inside: SimulatedMachine) -> None:
    texts = _texts(inside.run(300, "timeline", "--svg", "-").out)
    for wanted in ("ada", "ben", "file/src/app.py — landing page", "refused file/src/", "src", "handed over"):
        assert wanted in texts


def test_the_file_is_relative_to_the_current_folder(inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--svg", "night.svg")
    assert found.out.startswith("Wrote night.svg: 2 sessions, 6 events, ")
    path = inside.repo.root / "night.svg"
    assert fromstring(path.read_text(encoding="utf-8")).tag == f"{SVG}svg"
    assert [name for name in os.listdir(inside.repo.root) if "night" in name] == ["night.svg"]


def test_a_file_is_replaced_and_a_device_is_written_to(inside: SimulatedMachine, tmp_path: Path) -> None:
    old = tmp_path / "old.svg"
    old.write_text("old")
    link = tmp_path / "link.svg"
    link.symlink_to(old)
    assert inside.run(300, "timeline", "--svg", str(link)).code == 0
    assert link.is_symlink()
    assert old.read_text(encoding="utf-8").startswith("<svg")
    assert inside.run(300, "timeline", "--svg", "/dev/null").code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["nowhere/night.svg", ".", "x" * 300 + ".svg", "nul\0.svg"])
def test_a_path_that_cannot_be_written_is_refused_in_one_line(name: str, inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--svg", name)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1), found
    assert not (inside.repo.root / "nowhere").exists()


def test_the_end_must_not_be_before_the_beginning(inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--svg", "night.svg", "--since", "1m", "--until", "3m")
    assert found.code == 2
    assert "is before --since" in found.err
    assert not (inside.repo.root / "night.svg").exists()


# --- which part of the past -----------------------------------------------------------------------------------------


def test_without_since_only_the_last_day_is_shown(inside: SimulatedMachine) -> None:
    """It shows the day before the last event, and says so."""
    inside.wait(3 * 86400)
    inside.run(100, "heartbeat", "testing", "checkout")
    short = inside.run(300, "timeline")
    assert "1 event," in short.out
    assert "before the last event are shown" in " ".join(short.out.split())
    long = inside.run(300, "timeline", "--since", "7d")
    assert "7 events," in long.out
    assert "are shown" not in long.out


def test_without_until_it_ends_with_the_last_change(inside: SimulatedMachine) -> None:
    """This can be a change without an event, such as the expiry of the handed-over claim."""
    inside.wait(60)
    ends = inside.run(300, "timeline", "--json").json["until"]
    assert ends == inside.repo.events()[-1]["at"]
    inside.wait(30 * 86400)
    found = inside.run(300, "timeline", "--json").json
    last = max(span["end"] for lane in found["lanes"] for row in lane["rows"] for span in row)
    assert ends < found["until"] == last


def test_since_and_until_accept_event_ids(inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--json", "--since", "ben/1", "--until", "ada/2").json
    assert found["events"] == 1
    assert [[span["id"] for row in lane["rows"] for span in row] for lane in found["lanes"]] == [
        [inside.repo.events()[2]["session"] + "/2"],
        [],
    ]


def test_an_empty_log_has_a_small_picture(repo: Repo) -> None:
    picture = SimulatedMachine(repo).run(300, "timeline", "--svg", "-")
    assert picture.code == 0
    assert "Nothing happened in this period." in _texts(picture.out)
    text = SimulatedMachine(repo).run(300, "timeline")
    assert (text.code, text.out) == (0, "There are no events yet.\n")


# --- the other forms ------------------------------------------------------------------------------------------------


def test_the_json_is_the_timeline_model(inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--json").json
    assert [lane["name"] for lane in found["lanes"]] == ["ada", "ben"]
    assert [mark["kind"] for mark in found["marks"]] == ["refused"]
    assert [link["kind"] for link in found["links"]] == ["handed_over"]
    assert [message["subject"] for message in found["messages"]] == ["src"]
    assert (found["file"], found["svg"]) == (None, None)


def test_the_json_has_the_path_of_the_picture(inside: SimulatedMachine) -> None:
    found = inside.run(300, "timeline", "--json", "--svg", "night.svg").json
    assert found["file"] == str(inside.repo.root / "night.svg")
    assert json.loads(inside.run(300, "timeline", "--json", "--svg", "-").out)["svg"].startswith("<svg")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_text_fits_the_width_of_the_terminal(
    columns: int, inside: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = inside.run(300, "timeline").out.splitlines()
    assert all(len(row) <= columns for row in rows), rows
    assert any("█" in row for row in rows)
    assert any("x" in row and "─" in row for row in rows)


# --- what is hostile, and what is much ------------------------------------------------------------------------------


def test_control_characters_in_texts_are_shown_as_text() -> None:
    """Markup, quotes, control and bidirectional characters, and what XML cannot hold."""
    evil = "</text><script>alert(1)</script>&amp;\"'\u202e\x1b[31m\ufffe\U0001f600漢字"
    story = Story("amber-otter", "brown-hare")
    story.tell(1, "amber-otter", SessionStarted(name="<b>&\"'\u202e\ufffe", client="<i>"))
    story.asks(2, "amber-otter", "file/<a>&\"'\u202e\ufffe/漢字.py")
    story.sends(3, "amber-otter", "brown-hare", subject=evil)
    story.breaks(30, "brown-hare", story.events[3], evil)
    picture = render_svg(_of(story, 100), [evil])
    check_geometry(picture)
    assert not [element for element in fromstring(picture).iter() if element.tag in ("script", f"{SVG}script")]
    assert not set("\u202e\x1b\ufffe") & set(picture)
    assert any("<script>alert(1)</script>" in text for text in _texts(picture))


def test_each_way_a_claim_ends_has_a_symbol_in_the_legend() -> None:
    """Each way has a symbol, and the legend explains it."""
    story = Story("amber-otter", "brown-hare", "coral-swift", "dusky-wren")
    story.asks(10, "amber-otter", "port/1", ttl_s=60)
    broken = story.asks(20, "amber-otter", "port/2")
    story.breaks(200, "brown-hare", broken)
    story.asks(30, "coral-swift", "port/3")
    story.presumes_dead(230, "amber-otter", "coral-swift", anchor(3))
    given = story.asks(240, "amber-otter", "port/4")
    story.hands_over(300, "amber-otter", given, "brown-hare")
    story.asks(310, "dusky-wren", "port/5")
    story.asks(320, "brown-hare", "port/5", "waiting", wait_s=60)
    story.ends(500, "dusky-wren")
    story.continues(520, "eager-finch", "brown-hare")
    texts = _texts(render_svg(_of(story, 600)))
    for meaning in ("expired", "broken", "its holder died", "handed over", "its holder ended",
                    "wait ended without a grant", "passed to the next session", "session continued by another",
                    "presumed dead"):  # fmt: skip
        assert meaning in texts


def test_too_many_lanes_rows_and_arrows_are_counted() -> None:
    """Lanes, rows and arrows are bounded; what is left out is counted in the picture."""
    names = [f"s{number:03}" for number in range(60)]
    story = Story(*names)
    for number, name in enumerate(names):
        for claim in range(20 if number % 2 else 1):
            story.asks(10 + claim + number / 100, name, f"port/{number}-{claim}", ttl_s=6000)
        for turn in range(6):
            story.sends(100 + 60 * turn + number / 100, name, names[(number + 1 + 2 * turn) % 60])
    of = _of(story, 600)
    placed = lay_out(of)
    assert len(placed.bands) == MOST_LANES
    assert max(len({bar.y for bar in band.bars}) for band in placed.bands) == MOST_ROWS
    assert len(placed.arrows) <= MOST_ARROWS
    picture = render_svg(of)
    check_geometry(picture)
    left_out = next(text for text in _texts(picture) if text.startswith("Left out"))
    shown = sum(len(band.bars) for band in placed.bands)
    assert f"36 sessions, {30 * 20 + 30 - shown} bars" in left_out


def test_messages_beyond_the_most_arrows_become_symbols() -> None:
    """None is omitted: each is in the title of a symbol in its sender's lane."""
    story = Story(*(f"s{number:02}" for number in range(12)))
    for turn in range(240):
        story.sends(10 + turn, f"s{turn % 12:02}", f"s{(turn * 5 + 1 + turn // 12 % 10) % 12:02}")
    of = _of(story, 260)
    placed = lay_out(of)
    assert placed.crowded
    assert not placed.arrows
    marked = [item for band in placed.bands for sign in band.symbols for item in sign.items]
    assert sorted(item.id for item in marked) == sorted(sent.id for sent in of.messages)


def test_a_message_to_everyone_is_one_symbol() -> None:
    story = Story("amber-otter", "brown-hare", "coral-swift")
    story.sends(10, "amber-otter", subject="all hands")
    story.sends(20, "amber-otter", "brown-hare")
    story.tell(30, "amber-otter", MessageSent(to=("nobody",), subject="lost"))
    placed = lay_out(_of(story, 60))
    assert [[sent.subject for sent in arrow.messages] for arrow in placed.arrows] == [["hello"]]
    assert [sign.kind for sign in placed.bands[0].symbols] == ["sent", "sent", "arrow"]


def test_the_legend_shows_each_resource_with_its_own_look() -> None:
    names = [f"s{number}" for number in range(5)]
    story = Story(*names)
    for number in range(20):
        story.asks(10 + number, names[number % 5], f"port/{number}", ttl_s=6000)
    picture = render_svg(_of(story, 600))
    check_geometry(picture)
    assert {f"port/{number}" for number in range(20)} <= set(_texts(picture))
    looks = choose_looks([f"port/{number}" for number in range(lane, 20, 5)] for lane in range(5))
    assert len(set(looks.values())) == len(looks) == 20


def test_the_legend_counts_the_resources_that_it_does_not_show() -> None:
    story = Story("amber-otter")
    for number in range(100):
        story.asks(10 + 5 * number, "amber-otter", f"port/{number}", ttl_s=4)
    picture = render_svg(_of(story, 600))
    check_geometry(picture)
    assert f"… and {100 - len(LOOKS)} more resources: point at a bar to see its resource." in _texts(picture)


def test_resources_of_one_lane_look_different_if_possible() -> None:
    lanes = [[f"{lane}/{number}" for number in range(len(LOOKS))] for lane in range(4)]
    looks = choose_looks(lanes)
    assert all(len({looks[name] for name in lane}) == len(LOOKS) for lane in lanes)


def test_a_label_avoids_the_arrows_that_cross_its_bar() -> None:
    story = Story("amber-otter", "brown-hare", "coral-swift")
    story.asks(5, "brown-hare", "file/src/app.py", ttl_s=6000)
    for turn in range(6):
        story.sends(6 + 20 * turn, "amber-otter", "coral-swift")
    of = _of(story, 600)
    picture = render_svg(of)
    check_geometry(picture)
    bar = next(bar for band in lay_out(of).bands for bar in band.bars)
    assert bar.label == "file/src/app.py"
    assert bar.label_x > max(arrow.x for arrow in lay_out(of).arrows)


def test_a_date_at_the_right_edge_is_not_cut() -> None:
    """The timeline ends just after midnight, so the tick with the new date is at the edge."""
    with zone("UTC"):
        end = "2026-11-23T00:01:00.000000Z"
        lane = Lane(session="amber-otter", name="", client="shell", lives=[], rows=[])
        day = Timeline(
            since=add_time(end, -8 * HOUR_S),
            until=end,
            events=0,
            names={},
            lanes=[lane],
            marks=[],
            messages=[],
            links=[],
        )
        picture = render_svg(day)
    check_geometry(picture)
    assert "2026-11-23" in _texts(picture)
