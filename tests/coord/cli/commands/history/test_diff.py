"""`coord diff`: the differences between two times, as text and as JSON."""

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """The sessions ada and ben, with a minute between all commands."""
    made = SimulatedMachine(repo)
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


def text(inside: SimulatedMachine, *words: str) -> str:
    found = inside.run(100, "diff", *words)
    assert found.code == 0, found
    return found.out


def lines(inside: SimulatedMachine, *words: str) -> list[str]:
    """Return the lines that show a difference."""
    return [row for row in text(inside, *words).splitlines() if row[:1] in ("+", "-", "~")]


def test_additions_removals_and_changes_are_shown(inside: SimulatedMachine) -> None:
    found = lines(inside, "ben/1", "now")
    assert len(found) == 4
    assert "~ ada: live → ended" in found[0]
    assert "did: form done" in found[0]
    assert "file/src/app.py handed over (" in found[1]
    assert found[2].startswith("+ file/src/app.py: ")
    assert ": ben holds it" in found[2]
    assert "from " in found[3]
    assert ": Question" in found[3]
    assert "unread" not in found[3]


def test_a_handed_over_claim_is_one_line_with_its_event(inside: SimulatedMachine) -> None:
    found = [row for row in lines(inside, "ada/2") if "src/app.py:" in row]
    assert len(found) == 1
    assert "handed over from" in found[0]
    handed = inside.repo.of_type("claim.handed_over")[0]
    assert f"{handed['session']}/{handed['n']}" in found[0]


def test_an_expiry_is_shown(inside: SimulatedMachine) -> None:
    assert any("no longer holds it: it expired" in row for row in lines(inside, "ben/2", "ben/3"))


def test_a_change_shows_the_old_and_the_new_value(inside: SimulatedMachine) -> None:
    (row,) = lines(inside, "ada/3", "ada/5")[:1]
    assert "doing: building the form → testing the form" in row
    assert "progress: 25% → 80%" in row
    assert "phase" not in row


def test_an_earlier_message_is_shown_with_its_new_readers(inside: SimulatedMachine) -> None:
    row = lines(inside, "ben/3", "ada/4")[-1]
    assert "“Question”: read by" in row
    assert "read by ada" in row


def test_times_in_the_wrong_order_are_swapped(inside: SimulatedMachine) -> None:
    forwards, back = inside.run(100, "diff", "ada/2", "ada/5"), inside.run(100, "diff", "ada/5", "ada/2")
    assert forwards.out == back.out
    assert (forwards.err, "swapped" in back.err) == ("", True)


def test_no_difference_is_stated_as_such(inside: SimulatedMachine) -> None:
    assert "nothing changed." in text(inside, "ada/2", "ada/2")
    inside.wait(30)
    assert "nothing changed." in text(inside, "-20s", "now")


@pytest.mark.parametrize("length", ["-4m", "-0.05h", "4m", "-240s"])
def test_a_negative_duration_is_not_an_option(inside: SimulatedMachine, length: str) -> None:
    """This includes `-1h`: it means an hour ago, although `-h` is an option."""
    assert "events" in text(inside, length)


@pytest.mark.parametrize("words", [("soon",), ("ada/99",), ("ben/1", "tomorrow"), (), ("--since", "4m")])
def test_an_invalid_time_is_refused_in_one_line(inside: SimulatedMachine, words: tuple[str, ...]) -> None:
    found = inside.run(100, "diff", *words)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


def test_a_time_before_the_log_is_the_empty_state(inside: SimulatedMachine) -> None:
    """So `diff 1h` works on a log that is younger than an hour."""
    said = text(inside, "-300d")
    assert "+ ada (" in said
    assert "+ ben (" in said


def test_the_json_has_every_change_with_old_and_new_values(inside: SimulatedMachine) -> None:
    found = inside.run(100, "diff", "ada/3", "ada/5", "--json").json
    assert {"kind", "id", "field", "old", "new"} == set(found["changes"][0])
    progress = [change for change in found["changes"] if change["field"] == "progress"]
    assert [(change["old"], change["new"]) for change in progress] == [("25%", "80%")]
    assert found["swapped"] is False
    assert found["events"] == 4  # ben asks and writes, ada reads and says more
    assert len(found["messages"]) == 1
    assert found["from"] < found["to"]


def test_many_changes_are_cut_with_a_note(inside: SimulatedMachine) -> None:
    for number in range(30):
        inside.run(200, "claim", "port", str(8000 + number))
    found = text(inside, "-1s").split("CLAIMS")[1]
    assert "… and 10 more: coord diff " in found
    assert found.count("holds it") == 20


def test_an_empty_log_and_a_damaged_one_answer(inside: SimulatedMachine, repo: Repo) -> None:
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


def test_control_characters_in_texts_are_shown_as_text(inside: SimulatedMachine) -> None:
    inside.run(200, "heartbeat", "a\x1b[31mb", "c\u202ed")
    found = text(inside, "-1s")
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "a\\x1b[31mb" in found
