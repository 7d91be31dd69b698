"""`coord diff`: what is different between two moments, in words and as JSON."""

import pytest

from tests.support.in_process import Inside
from tests.support.repositories import Repo


@pytest.fixture
def inside(repo: Repo) -> Inside:
    """Ada and ben, a minute between all they do."""
    made = Inside(repo)
    made.start(100, "--name", "ada")
    made.wait(60)
    made.start(200, "--name", "ben")
    for shell, words in (
        (100, ("claim", "file", "src/app.py", "--note", "landing page")),
        (100, ("heartbeat", "building", "the form", "BUILD", "25%")),
        (200, ("claim", "deploy", "prod", "--ttl", "1m")),
        (200, ("send", "ada", "Question", "How long?")),
        (100, ("inbox",)),
        (100, ("heartbeat", "testing", "the form", "BUILD", "80%")),
        (100, ("handoff", "file", "src/app.py", "ben")),
        (100, ("end", "--summary", "form done")),
    ):
        made.wait(60)
        assert made.run(shell, *words).code == 0, words
    return made


def text(inside: Inside, *words: str) -> str:
    found = inside.run(100, "diff", *words)
    assert found.code == 0, found
    return found.out


def lines(inside: Inside, *words: str) -> list[str]:
    """The lines that say a difference."""
    return [row for row in text(inside, *words).splitlines() if row[:1] in ("+", "-", "~")]


def test_what_came_what_is_gone_and_what_changed(inside: Inside) -> None:
    found = lines(inside, "ben/1", "now")
    assert len(found) == 4
    assert "(ada): live → ended" in found[0]
    assert "did: form done" in found[0]
    assert "file/src/app.py handed over (" in found[1]
    assert found[2].startswith("+ file/src/app.py: ")
    assert "(ben) holds it" in found[2]
    assert "from " in found[3]
    assert ": Question" in found[3]
    assert "unread" not in found[3]


def test_a_claim_that_changed_hands_is_one_line_with_its_event(inside: Inside) -> None:
    found = [row for row in lines(inside, "ada/2") if "src/app.py:" in row]
    assert len(found) == 1
    assert "handed over from" in found[0]
    handed = inside.repo.of_type("claim.handed_over")[0]
    assert f"{handed['session']}/{handed['n']}" in found[0]


def test_an_end_by_time_alone_is_told(inside: Inside) -> None:
    assert any("no longer holds it: it expired" in row for row in lines(inside, "ben/2", "ben/3"))


def test_a_change_shows_the_old_and_the_new(inside: Inside) -> None:
    (row,) = lines(inside, "ada/3", "ada/5")[:1]
    assert "does: building the form → testing the form" in row
    assert "progress: 25% → 80%" in row
    assert "phase" not in row


def test_a_message_that_was_there_before_is_told_by_who_read_it(inside: Inside) -> None:
    row = lines(inside, "ben/3", "ada/4")[-1]
    assert "“Question”: read by" in row
    assert "(ada)" in row


def test_the_earlier_moment_comes_first_in_any_order(inside: Inside) -> None:
    forwards, back = inside.run(100, "diff", "ada/2", "ada/5"), inside.run(100, "diff", "ada/5", "ada/2")
    assert forwards.out == back.out
    assert (forwards.err, "earlier" in back.err) == ("", True)


def test_nothing_is_said_plainly(inside: Inside) -> None:
    assert "nothing changed." in text(inside, "ada/2", "ada/2")
    inside.wait(30)
    assert "nothing changed." in text(inside, "-20s", "now")


@pytest.mark.parametrize("length", ["-4m", "-0.05h", "4m", "-240s"])
def test_a_length_of_time_is_no_option(inside: Inside, length: str) -> None:
    """Also one whose unit is the letter of an option: `-1h` is an hour ago and no call for help."""
    assert "events" in text(inside, length)


@pytest.mark.parametrize("words", [("soon",), ("ada/99",), ("ben/1", "tomorrow"), (), ("--since", "4m")])
def test_what_is_no_moment_is_refused_in_a_line(inside: Inside, words: tuple[str, ...]) -> None:
    found = inside.run(100, "diff", *words)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


def test_from_before_the_log_is_from_nothing(inside: Inside) -> None:
    """So `diff 1h` answers on a log that is younger than an hour."""
    said = text(inside, "-300d")
    assert "(ada) comes" in said
    assert "(ben) comes" in said


def test_json_has_every_change_with_old_and_new(inside: Inside) -> None:
    found = inside.run(100, "diff", "ada/3", "ada/5", "--json").json
    assert {"kind", "id", "field", "old", "new"} == set(found["changes"][0])
    progress = [change for change in found["changes"] if change["field"] == "progress"]
    assert [(change["old"], change["new"]) for change in progress] == [("25%", "80%")]
    assert found["swapped"] is False
    assert found["events"] == 4  # ben asks and writes, ada reads and says more
    assert len(found["messages"]) == 1
    assert found["from"] < found["to"]


def test_much_is_cut_and_says_so(inside: Inside) -> None:
    for number in range(30):
        inside.run(200, "claim", "port", str(8000 + number))
    found = text(inside, "-1s").split("CLAIMS")[1]
    assert "… and 10 more: --json shows all" in found
    assert found.count("holds it") == 20


def test_an_empty_log_and_a_damaged_one_answer(inside: Inside, repo: Repo) -> None:
    ada = next(path for path in repo.log.glob("*.jsonl") if b'"name":"ada"' in path.read_bytes())
    ada.write_bytes(ada.read_bytes().replace(b"landing page", b"landing cage"))
    found = inside.run(100, "diff", "ben/1")
    assert found.code == 0
    assert "damaged at line 2" in found.err
    for path in repo.log.glob("*.jsonl"):
        path.unlink()
    (repo.folder / ".cache" / "checkpoint").unlink()
    found = inside.run(100, "diff", "-1m")
    assert (found.code, "nothing changed" in found.out) == (0, True)


def test_what_others_wrote_is_shown_and_not_obeyed(inside: Inside) -> None:
    inside.run(200, "heartbeat", "a\x1b[31mb", "c\u202ed")
    found = text(inside, "-1s")
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "a\\x1b[31mb" in found
