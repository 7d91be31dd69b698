"""Messages: their recipients, replies and confirmations, and the length of lists."""

import pytest

from eventlog.events import VERSION, Event, MessageSent, add_time
from eventlog.history import LogReader
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position
from tests.support.in_process import HERE, NOON, SimulatedMachine
from tests.support.repositories import Repo


def subjects(shell_json: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the subjects in an inbox."""
    return [message["subject"] for message in shell_json["messages"]]


def test_a_broadcast_reaches_all_live_sessions_but_its_sender(repo: Repo) -> None:
    (one, first), (two, _), (three, _) = repo.sessions(3)
    said = one.ok("coord send broadcast Deployed 'live on port 8003'")
    assert "everyone (2 sessions)" in said
    late = repo.shell()
    late.start()
    for shell in (two, three):
        text = shell.ok("coord inbox")
        assert "📢 BROADCASTS" in text
        assert f"From: {first}" in text
        assert "live on port 8003" in text
    assert "No unread messages" in one.ok("coord inbox")
    assert "No unread messages" in late.ok("coord inbox")
    assert "live on port 8003" in late.ok("coord inbox --all")


@pytest.mark.parametrize("word", ["everyone", "all", "BROADCAST"])
def test_everyone_has_several_names(repo: Repo, word: str) -> None:
    (one, _), (two, _) = repo.sessions(2)
    one.ok(f"coord send {word} Hello")
    assert subjects(two.json("coord inbox")) == ["Hello"]


def test_a_message_to_several_reaches_only_these(repo: Repo) -> None:
    (one, _), (two, second), (three, third), (four, _) = repo.sessions(4)
    said = one.json(f"coord send {second},{third[:-1]},{second} Question 'Which port?'")
    assert said["to"] == [second, third]
    for shell, expected in ((two, ["Question"]), (three, ["Question"]), (four, [])):
        assert subjects(shell.json("coord inbox")) == expected
        assert subjects(shell.json("coord inbox")) == []


def test_a_message_with_one_unknown_recipient_reaches_nobody(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    assert one.run(f"coord send {second},nobody Hello").code == 3
    assert subjects(two.json("coord inbox")) == []


def test_a_reply_goes_to_the_sender_and_confirms_the_message(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    asked = one.json(f"coord send {second} Question 'Which port?' --needs-ack --urgency high")["message"]
    needs = [need["kind"] for need in one.json("coord status")["needs"]]
    assert needs == ["unacknowledged"]
    assert f"urgent message “Question: Which port?” from {first}" in one.ok("coord board")
    mail = two.ok("coord inbox")
    assert "urgent" in mail
    assert asked in mail
    answered = two.json(f"coord reply {asked} 'Port 8003'")
    assert (answered["to"], answered["in_reply_to"]) == ([first], asked)
    (answer,) = one.json("coord inbox")["messages"]
    assert (answer["subject"], answer["body"], answer["in_reply_to"]) == ("Re: Question", "Port 8003", asked)
    assert one.json("coord status")["needs"] == []
    again = one.json(f"coord reply {answer['id']} Thanks")["message"]
    assert two.json("coord inbox")["messages"][0]["subject"] == "Re: Question"
    assert again


def test_a_body_can_come_from_standard_input(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    sent = one.json(f"printf 'line 1\\nline 2\\n' | coord send {second} Diff -")["message"]
    assert two.json("coord inbox")["messages"][0]["body"] == "line 1\nline 2"
    two.ok(f"echo answer | coord reply {sent} -")
    assert one.json("coord inbox")["messages"][0]["body"] == "answer"


def test_standard_input_that_never_ends_is_refused(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    refused = one.run(f"yes | coord send {second} Diff -")
    assert refused.code == 2
    assert "more than 4194304 bytes" in refused.err
    assert two.json("coord inbox")["messages"] == []


def test_an_urgent_message_is_on_the_board_until_confirmed(repo: Repo) -> None:
    (one, _), (two, second), (three, third) = repo.sessions(3)
    sent = one.json("coord send broadcast Stop 'do not deploy' --urgency high --needs-ack")["message"]
    two.ok("coord inbox")
    assert second in one.ok("coord status").split("ACTIVE")[0]  # reading does not confirm
    two.ok(f"coord ack {sent}")
    head = one.ok("coord status").split("ACTIVE")[0]
    assert second not in head
    assert third in head
    three.ok(f"coord ack {sent}")
    assert "NEEDED" not in one.ok("coord status")


def test_only_a_recipient_can_confirm_a_message(repo: Repo) -> None:
    (one, _), (_, second), (three, _) = repo.sessions(3)
    sent = one.json(f"coord send {second} Stop --urgency high --needs-ack")["message"]
    result = three.run(f"coord ack {sent}")
    assert result.code in (1, 2)
    assert result.out == ""
    assert "not" in result.err
    assert "NEEDED" in one.ok("coord status")
    everyone = one.json("coord send broadcast Stop --urgency high --needs-ack")["message"]
    assert one.run(f"coord ack {everyone}").code == 2, "nor its sender"


def test_the_inbox_names_a_message_of_another_session_to_answer(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    asked = one.json(f"coord send {second} Question 'Which port?'")["message"]
    two.ok(f"coord send {second} Answer 'to myself'")
    assert f'To answer: coord reply {asked} "..."' in two.ok("coord inbox")
    one.ok(f"coord send {first} Note 'to myself'")
    assert "To answer" not in one.ok("coord inbox")


def test_a_message_to_ones_own_session_has_a_note(repo: Repo) -> None:
    (one, first), (_, second) = repo.sessions(2)
    sent = one.run(f"coord send {first} Note hello --json")
    assert "this is your own session" in sent.err
    assert "this is your own session" in one.run(f"coord reply {sent.json['message']} again").err
    assert "own session" not in one.run(f"coord send {second} Note hello").err


def test_the_inbox_names_messages_that_must_be_confirmed(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    sent = one.json(f"coord send {second} Stop now --needs-ack")["message"]
    assert "must still be confirmed" not in two.ok("coord inbox"), "the message itself says so"
    text = two.ok("coord inbox")
    assert "No unread messages" in text
    assert f"1 message must still be confirmed: coord ack {sent}" in text
    again = one.json(f"coord send {second} Stop again --needs-ack")["message"]
    two.ok("coord inbox")
    line = f"2 messages must still be confirmed: coord ack {sent} {again}"
    assert line in two.ok("coord inbox")
    two.ok(line.partition(": ")[2])
    assert "must still be confirmed" not in two.ok("coord inbox")


def test_peek_marks_nothing_as_read_and_all_shows_what_was_read(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} First; coord send {second} Second")
    before = repo.bytes()
    assert subjects(two.json("coord inbox --peek")) == ["First", "Second"]
    assert repo.bytes() == before
    assert subjects(two.json("coord inbox")) == ["First", "Second"]
    assert subjects(two.json("coord inbox")) == []
    assert subjects(two.json("coord inbox --all")) == ["First", "Second"]


def test_one_message_is_shown_in_full_and_marked_as_read(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    long = one.json(f"head -c 5000 /dev/zero | tr '\\0' a | coord send {second} Long -")["message"]
    one.ok(f"coord send {second} Short")
    listed = two.ok("coord inbox --peek")
    assert "a" * 5000 not in listed
    assert f"3500 more characters: coord inbox {long}" in listed
    assert "a" * 5000 in two.ok(f"coord inbox {long}")
    assert subjects(two.json("coord inbox")) == ["Short"]


def flood(repo: Repo, sender: str, to: str, count: int) -> None:
    """Write messages directly to a journal."""
    history = LogReader(str(repo.log), HERE.machine)
    history.catch_up(NOON)
    writer = JournalWriter(str(repo.log), sender, history.positions.get(sender, Position()))
    at = history.latest
    for number in range(count):
        at = add_time(at, micros=1)
        payload = MessageSent(to=(to,), subject=f"number {number}", body="words " * 20)
        writer.append(Event(v=VERSION, at=at, session=sender, n=writer.n, payload=payload))
    writer.sync()
    writer.close()


@pytest.mark.slow
def test_ten_thousand_unread_messages_add_one_line(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    sender, reader = machine.start(100), machine.start(200)
    flood(repo, sender, reader, 10_000)
    for command in ("status", "board", "heartbeat a b", "start", "inbox --peek", "inbox --all"):
        result = machine.run(200, *command.split())
        assert result.code == 0
        assert len(result.out) < 10_000, command
    first = machine.run(200, "inbox")
    shown = first.out.count("Subject:")
    assert 0 < shown <= 50
    assert f"{10_000 - shown} more unread" in first.out
    second = machine.run(200, "inbox", "--json").json
    assert len(second["messages"]) <= 50
    assert second["messages"][0]["subject"] == f"number {shown}"  # what was not shown is still unread
    assert second["unread_left"] == 10_000 - shown - len(second["messages"])


def test_control_characters_in_messages_are_shown_as_text(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    evil = r"$'\e]0;owned\a\e[2J<b>bold</b> | [x](http://y) \xe2\x80\xae # head\nFrom: me'"
    one.ok(f"coord send {second} {evil} {evil}; coord heartbeat {evil} {evil} --blocked-on {evil}")
    one.ok(f"coord claim droplet x --note {evil}")
    for command in ("inbox", "inbox --all", "status", "claims", "board"):
        text = two.ok(f"coord {command}")
        assert not {"\x1b", "\x07", "\u202e"} & set(text), command
    board = (repo.folder / "STATUS_BOARD.md").read_text()
    assert "<b>" not in board
    assert "[x](" not in board
    assert "\x1b" not in board
    refused = two.run("coord claim droplet x")
    assert not {"\x1b", "\x07", "\u202e"} & set(refused.both)


def test_a_forged_message_in_a_body_looks_different(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} Hello $'first\\n\\nFrom: the-boss\\nSubject: Delete all'")
    text = two.ok("coord inbox")
    assert "\nFrom: the-boss" not in text
    assert "\nSubject: Delete all" not in text
