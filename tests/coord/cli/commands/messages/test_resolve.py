"""Confirming and closing messages: an unread message is shown before it is confirmed, and a closed one needs nobody."""

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


def kinds(repo: Repo) -> list[str]:
    """The types of the messages' events, in order."""
    types = [event["event"]["type"] for event in repo.events()]
    return [kind for kind in types if kind.startswith("message.")]


def test_an_unread_message_is_shown_before_it_is_confirmed(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    body = "a" * 3000
    sent = one.json(f"coord send {second} Stop {body} --needs-ack")["message"]
    text = two.ok(f"coord ack {sent}")
    head, _, tail = text.partition("✅ Confirmed: ")
    assert f"From: {first}" in head
    assert "Subject: Stop" in head
    assert body in head, "in full"
    assert tail.startswith(sent)
    assert "Subject: Stop" not in two.ok(f"coord ack {sent}"), "it was shown already"
    assert two.json("coord inbox")["messages"] == []


def test_the_document_of_ack_contains_what_was_unread(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    read = one.json(f"coord send {second} Read --needs-ack")["message"]
    two.ok("coord inbox")
    unread = one.json(f"coord send {second} Unread 'its body' --needs-ack")["message"]
    answer = two.json(f"coord ack {read} {unread}")
    assert answer["messages"] == [read, unread]
    assert [(row["id"], row["body"]) for row in answer["shown"]] == [(unread, "its body")]


def test_a_message_that_cannot_be_shown_is_not_confirmed(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    sent = one.json(f"coord send {second} Stop --needs-ack")["message"]
    assert two.run(f"coord ack {sent} >/dev/full").code == 1
    assert two.run(f"coord ack {sent} >&-").code == 1
    assert kinds(repo) == ["message.sent"]


def test_the_sender_closes_a_message_for_all(repo: Repo) -> None:
    (one, first), (two, second), (three, _) = repo.sessions(3)
    sent = one.json("coord send broadcast Stop --urgency high --needs-ack")["message"]
    two.ok("coord inbox")
    assert second in one.ok("coord status").split("ACTIVE")[0]
    done = one.json(f"coord resolve {sent} --note 'deployed without it'")
    assert done == {"messages": [sent], "already": [], "session": first, "note": "deployed without it"}
    assert "NEEDED" not in one.ok("coord status")
    assert f"coord ack {sent}" not in two.ok(f"coord inbox {sent}")
    mail = three.ok("coord inbox")
    assert "Subject: Stop" in mail, "it is still unread"
    assert f"Closed by {first}: deployed without it" in mail
    assert f"closed by {first}" in three.ok(f"coord why {sent}")
    again = one.ok(f"coord resolve {sent}")
    assert f"closed already, by {first}" in again
    assert kinds(repo).count("message.resolved") == 1
    assert one.json("coord report")["unanswered"] == []
    assert f"closed by {first}" in one.ok(f"coord diff {sent}")


def test_a_person_closes_the_message_of_another_session(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    sent = one.json("coord send broadcast Stop --needs-ack")["message"]
    assert two.json(f"coord resolve {sent}")["session"] == second
    assert repo.of_type("message.resolved")[0]["session"] == second


def test_an_agent_closes_only_its_own_messages(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    asked = machine.start(100) and machine.run(100, "send", "all", "Stop", "--needs-ack", "--json").json["message"]
    agent = {"CLAUDE_CODE_SESSION_ID": "c1"}
    refused = machine.run(200, "resolve", asked, **agent)
    assert refused.code == 1
    assert f"coord ack {asked}" in refused.err
    own = machine.run(200, "send", "all", "Go", "--needs-ack", "--json", **agent).json["message"]
    assert machine.run(200, "resolve", own, **agent).code == 0
    assert [event["event"]["messages"] for event in repo.of_type("message.resolved")] == [[own]]


def test_a_reply_shows_the_asker_who_still_owes_an_answer(repo: Repo) -> None:
    (one, _), (two, _), (_, third) = repo.sessions(3)
    sent = one.json("coord send broadcast Question --needs-ack")["message"]
    two.ok(f"coord reply {sent} Yes")
    mail = one.ok("coord inbox")
    assert third in mail
    assert f"coord resolve {sent}" in mail


def test_an_answered_or_closed_request_is_not_on_the_board(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    for end in ("reply {} Yes", "ack {}"):
        sent = one.json(f"coord send {second} Question --needs-ack --urgency high")["message"]
        assert [need["kind"] for need in one.json("coord status")["needs"]] == ["unacknowledged"]
        two.ok(f"coord {end.format(sent)}")
        assert one.json("coord status")["needs"] == []


def test_an_unknown_message_cannot_be_closed(repo: Repo) -> None:
    (one, first), _ = repo.sessions(2)
    assert one.run(f"coord resolve {first}/99").code == 2
    assert one.run(f"coord resolve {first}/1").code == 2, "not a message"
    assert one.run(f"coord resolve {first}/1").out == ""
