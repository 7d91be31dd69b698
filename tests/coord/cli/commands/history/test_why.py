"""`coord why`: the history of a resource, a session or an event."""

import re

import pytest

from coord.render.why import history_lines
from eventlog.events import ClaimReleased, SessionStarted
from projections.views.claim_history import ClaimHistoryEntry, EntryKind
from tests.support.in_process import SimulatedMachine
from tests.support.journals import SESSION, event, lines_of
from tests.support.repositories import Repo


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Ada holds src/. Ben is refused, and waits; she hands it over to him, and cai breaks his claim."""
    return SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")),
        (200, ("start", "--name", "ben")),
        (300, ("start", "--name", "cai")),
        (100, ("claim", "file", "src/", "--note", "landing page")),  # ada/2
        (200, ("claim", "file", "src/app.py")),  # ben/2
        (200, ("send", "ada,cai", "src", "How long?", "--needs-ack")),  # ben/3
        (100, ("inbox",)),
        (100, ("handoff", "file", "src/", "ben", "--note", "red on purpose")),  # ada/4
        (300, ("break", "file", "src/", "--reason", "he is away")),  # cai/2
        (200, ("release", "port", "1")),
    )


def steps(text: str) -> list[tuple[str, str, str]]:
    """Return the event, the text and the rule of each step."""
    found = re.findall(r"^ *(?:\S+ )?\d\d:\d\d:\d\d \S+  (\S+)  (.*?) · rule (\d)", text, re.MULTILINE)
    return [(event.rpartition("/")[2], words, rule) for event, words, rule in found]


def test_the_history_of_a_resource_includes_overlapping_ones(inside: SimulatedMachine) -> None:
    text = inside.run(100, "why", "file", "src/app.py").out
    assert steps(text) == [
        ("2", "ada asks for it for 4 h and gets it [file/src/]", "2"),
        ("2", steps(text)[1][1], "2"),
        ("4", steps(text)[2][1], "5"),
        ("4", "ben receives it [file/src/]", "5"),
        ("2", "cai breaks ben's claim [file/src/]", "3"),
    ]
    assert "ben asks for it for 4 h and is refused: it conflicts with ada (file/src/, " in text
    assert "told" not in text  # its answer was the decision in the log
    assert text.splitlines()[-3:] == [
        "rule 2: a request is granted if no other claim and no earlier request conflicts with it",
        "rule 3: a claim ends when it is released, expires or is broken, when its edit is finished, or when its "
        "session ends",
        "rule 5: a claim that is handed over goes to the named session, before all waiting requests",
    ]
    assert "— he is away" in text
    assert text.startswith("Nobody holds file/src/app.py now. The last holder was")
    assert "ben, until" in text.splitlines()[0]


def test_the_first_line_has_the_holder_and_the_end(inside: SimulatedMachine) -> None:
    first = inside.run(100, "why", "file/src/", "--at", "ada/4").out.splitlines()[0]
    assert re.search(r"ben has held file/src/ since .* until .* — for: red on purpose", first)


@pytest.mark.parametrize("words", [("src/app.py",), ("file", "src/app.py"), ("file/src/app.py",), ("ben/2",)])
def test_a_resource_can_be_named_in_each_form(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    assert "is refused" in inside.run(100, "why", *words).out


def test_a_sessions_history_has_its_lives_and_claims(inside: SimulatedMachine) -> None:
    inside.run(200, "end")
    text = inside.run(100, "why", "ben").out
    assert re.search(r"ben \(\S+\) was live from .* until .*, when it ended \(\S+/\d+\)", text)
    assert [words for _, words, _ in steps(text)][-1] == "cai breaks ben's claim [file/src/]"
    assert "It holds nothing." in text


def test_an_ambiguous_beginning_is_answered_with_the_ids(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    letters: dict[str, tuple[str, str]] = {}
    while True:  # two of at most 27 ids begin with the same letter
        name = f"s{len(letters)}"
        session = machine.start(300, "--new", "--name", name)
        if session[0] in letters:
            break
        letters[session[0]] = (name, session)
    result = machine.run(100, "why", session[0])
    other_name, other = letters[session[0]]
    assert result.code == 1
    assert f"{name} ({session})" in result.err
    assert f"{other_name} ({other})" in result.err


def test_the_history_of_a_claim_includes_its_handover(inside: SimulatedMachine) -> None:
    text = inside.run(100, "why", "ada/2").out
    assert [rule for _, _, rule in steps(text)] == ["2", "5", "5", "3"]
    assert "ada hands it over" in text


def test_the_history_of_a_message_has_its_readers(inside: SimulatedMachine) -> None:
    text = inside.run(100, "why", "ben/3").out
    assert re.search(r"ada: read it at .* \(\S+/3\)", text)
    assert re.search(r"cai: has not read it", text)
    inside.run(300, "ack", next(iter(re.findall(r"\S+/3", text))))
    assert re.search(r"cai: read it at .*, confirmed at", inside.run(100, "why", "ben/3").out)


def test_any_other_event_is_shown_with_its_effect(inside: SimulatedMachine) -> None:
    assert "cai breaks ben's claim" in inside.run(100, "why", "cai/2").out
    assert "It did not change any claim." in inside.run(100, "why", "ada/1").out


def test_an_unknown_resource_gets_a_similar_suggestion(inside: SimulatedMachine) -> None:
    found = inside.run(100, "why", "file", "src/ap.py")
    assert found.code == 0  # it is in src/
    found = inside.run(100, "why", "deploy/prod")
    assert (found.code, found.out) == (1, "")
    assert "nothing is known about deploy/prod" in found.err
    assert "Did you mean" in inside.run(100, "why", "bem").err


@pytest.mark.parametrize(("what", "told", "said"), [("renewed", "granted", ""), ("refused", "granted", "granted")])
def test_an_answer_that_the_log_contradicts_is_shown(what: EntryKind, told: str, said: str) -> None:
    at = "2026-11-24T10:00:00.000000Z"
    entry = ClaimHistoryEntry(at=at, rule=2, what=what, claim="a/2", session="a", resource="port/1", told=told)
    (line,) = history_lines([entry], at, {})
    assert line.partition("but was told: ")[2] == said


def test_a_long_history_is_cut_to_a_screen(inside: SimulatedMachine) -> None:
    for _ in range(30):
        inside.run(100, "claim", "port", "1")
        inside.run(100, "release", "port", "1")
    lines = inside.run(100, "why", "port", "1").out.splitlines()
    assert lines[2].startswith("… 20 older steps: coord why ")
    assert len(inside.run(100, "why", "port", "1", "--all").out.splitlines()) == 2 + 60 + 3


def test_the_first_line_says_how_the_last_claim_ended(inside: SimulatedMachine) -> None:
    first = inside.run(100, "why", "file", "src/app.py").out.splitlines()[0]
    assert re.search(r"ben, until .*: cai breaks ben's claim\.$", first)


def test_a_dead_holder_is_shown_before_it_is_recorded(inside: SimulatedMachine) -> None:
    inside.run(100, "claim", "port", "1")
    del inside.table.rows[100]
    before = inside.repo.bytes()
    for words in (("port", "1"), (inside.run(200, "claims", "--json").json["claims"][0]["id"],)):
        assert "its process 100 is gone: the next claim, heartbeat or message" in inside.run(200, "why", *words).out
    assert "But its process 100 is gone" in inside.run(200, "why", "ada").out.splitlines()[0]
    assert "is gone" not in inside.run(200, "why", "port", "1", "--at", "cai/2").both
    assert inside.repo.bytes() == before, "who looks writes nothing"


def test_recipients_that_left_without_reading_are_named(inside: SimulatedMachine) -> None:
    inside.run(300, "end")
    assert re.search(r"cai: has not read it: it ended at", inside.run(100, "why", "ben/3").out)
    assert re.search(r"ada: read it at .*, has not confirmed it$", inside.run(100, "why", "ben/3").out, re.MULTILINE)


def test_a_name_of_a_session_and_a_path_gets_a_note(inside: SimulatedMachine) -> None:
    (inside.repo.root / "ben").mkdir()
    assert "also a path" not in inside.run(100, "why", "ben").err
    inside.run(100, "claim", "file", "ben/")
    found = inside.run(100, "why", "ben")
    assert ") has been live since" in found.out
    assert found.err == "coord: note: ben is also a path. For its history: coord why file ben\n"


# --- events' names where something else is expected -----------------------------------------------------------------


def test_a_claim_id_can_be_given_for_a_resource(inside: SimulatedMachine) -> None:
    """An event id from any output can be given to any command."""
    claim = inside.run(100, "claim", "file", "x.py", "--json").json["claim"]
    assert "file/x.py" in inside.run(100, "claims", claim).out
    assert inside.run(100, "renew", claim).code == 0
    assert inside.run(200, "claim", claim).code == 1
    assert inside.run(100, "handoff", claim, "ben").code == 0
    taken = inside.run(200, "claims", claim).out
    assert "ben" in taken
    assert inside.run(300, "break", claim, "--reason", "test").code == 0
    again = inside.run(200, "claim", claim, "--json").json["claim"]
    release = inside.run(200, "release", again)
    assert (release.code, release.out.splitlines()[0]) == (0, "🔓 Released: file/x.py")
    assert len(inside.run(100, "log", "--resource", claim, "--json").out.splitlines()) == 7


@pytest.mark.parametrize("words", [("reply", "text"), ("ack",), ("inbox",)])
def test_an_event_that_is_not_a_message_is_refused_as_one(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    claim = inside.run(100, "claim", "file", "x.py", "--json").json["claim"]
    found = inside.run(200, words[0], claim, *words[1:])
    assert found.code == 2
    assert found.err.startswith(f"coord: {claim} is not a message. It is this event: ")
    assert "asks for file/x.py for 4 h: granted" in found.err


def test_an_event_id_can_be_given_for_a_session(inside: SimulatedMachine) -> None:
    claim = inside.run(100, "claim", "file", "x.py", "--json").json["claim"]
    assert "to ada: hello" in inside.run(200, "send", claim, "hello").out
    assert inside.run(300, "whoami", "--session", claim).out.startswith(claim.rpartition("/")[0])
    assert inside.run(200, "send", f"{claim}x", "hello").code == 3


@pytest.mark.parametrize("text", ["5", "0", "/5", "7/", "ada/", "nobody/1"])
def test_a_number_does_not_name_a_session(text: str, inside: SimulatedMachine) -> None:
    assert inside.run(100, "whoami", "--session", text).code == 3
    assert inside.run(100, "send", text, "hello").code == 3


def test_a_number_can_be_a_sessions_name(inside: SimulatedMachine) -> None:
    named = inside.run(300, "start", "--new", "--name", "42", "--json").json["session"]
    assert inside.run(100, "whoami", "--session", "42").out.startswith(named)


def test_a_message_id_cannot_be_given_for_a_resource(inside: SimulatedMachine) -> None:
    message = inside.run(100, "send", "ben", "hello", "--json").json["message"]
    found = inside.run(100, "claim", message)
    assert (found.code, "coord why" in found.err) == (2, True)


def test_an_event_of_an_unknown_claim_has_no_resource(repo: Repo) -> None:
    """This holds for any journal, even if an event refers to itself."""
    odd = [event(1, payload=SessionStarted()), event(2, payload=ClaimReleased(claim=f"{SESSION}/2"))]
    repo.log.mkdir(exist_ok=True)
    (repo.log / f"{SESSION}.jsonl").write_bytes(b"".join(lines_of(odd)))
    found = SimulatedMachine(repo).run(100, "claims", f"{SESSION}/2")
    assert (found.code, found.err) == (
        2,
        f"coord: {SESSION}/2 is not an event of a claim. See: coord why {SESSION}/2\n",
    )


def test_a_claim_on_a_part_does_not_count_for_the_whole(inside: SimulatedMachine) -> None:
    inside.run(100, "claim", "file", "docs/a.md")
    inside.run(100, "release", "file", "docs/a.md")
    first = inside.run(100, "why", "file/docs/").out.splitlines()[0]
    assert first.startswith("Nobody holds file/docs/ now. The last holder of file/docs/a.md was")
