"""The actions of the page: each is a real command in a real folder, and does what its effect said. What changed between
the effect and the action is respected.
"""

from typing import Any

import pytest

from coord.servers.web.actions.table import ACTIONS
from eventlog.events import MAX_TEXT_LENGTH
from tests.support.acting import ActingPage
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

HOSTILE = "--reason=x\n\x1b[31m<script>alert(1)</script>\u202e $(touch owned) `touch owned` ' \" \\ --"


def board(repo: Repo) -> Any:
    return repo.shell().json("coord status")


def texts(answer: dict[str, Any]) -> str:
    return " ".join(answer["text"])


def test_a_message_is_sent_as_the_person(repo: Repo, page: ActingPage) -> None:
    ((one, session),) = repo.sessions(1)
    effect = page.effect("send", to=session, subject="Hello", body="How far are you?")
    assert texts(effect) == f"{session} sees it when it reads its inbox."
    answer = page.confirm("send", to=session, subject="Hello", body="How far are you?")
    assert answer["text"] == f"✅ Sent to {session}: Hello"
    assert answer["notes"][0].startswith("You act from this page as the session Pat (")
    (message,) = one.json("coord inbox")["messages"]
    assert (message["subject"], message["body"]) == ("Hello", "How far are you?")
    assert message["session"] == answer["me"]


def test_everyone_gets_a_broadcast_and_must_confirm_it(repo: Repo, page: ActingPage) -> None:
    repo.sessions(2)
    fields = {"to": "broadcast", "subject": "Stop", "urgency": "high", "needs_ack": True}
    effect = page.effect("send", **fields)
    assert len(effect["text"]) == 3
    page.confirm("send", **fields)
    (need,) = board(repo)["needs"]
    assert (need["kind"], need["urgent"], len(need["sessions"])) == ("unacknowledged", True, 2)
    effect = page.effect("resolve", message=need["about"])
    assert all(name in texts(effect) for name in need["sessions"])
    page.confirm("resolve", message=need["about"], note="done")
    assert board(repo)["needs"] == []
    assert page.effect("resolve", message=need["about"])["refused"] == "it is closed already."


def test_a_message_to_the_person_is_answered_and_confirmed(repo: Repo, page: ActingPage) -> None:
    ((one, session),) = repo.sessions(1)
    me = page.confirm("send", to=session, subject="Hello")["me"]
    first = one.json(f"coord send {me} Question 'A or B?' --needs-ack")["message"]
    second = one.json(f"coord send {me} Note 'See this' --needs-ack")["message"]
    assert page.effect("inbox")["text"] == [
        "You have 2 messages that you have not read.",
        "They are shown here, and marked as read.",
    ]
    effect = page.effect("reply", message=first, body="B")
    assert "It also confirms “Question” for you." in effect["text"]
    assert f"{session} has written again, and you have not read that yet." in effect["text"]
    page.confirm("reply", message=first, body="-")
    page.confirm("ack", message=second)
    assert page.effect("ack", message=second)["refused"]
    assert one.json("coord inbox")["messages"][-1]["body"] == "-"
    assert board(repo)["needs"] == []


def test_one_unread_message_is_told_in_the_singular(repo: Repo, page: ActingPage) -> None:
    ((one, session),) = repo.sessions(1)
    me = page.confirm("send", to=session, subject="Hello")["me"]
    one.json(f"coord send {me} Question 'A or B?'")
    effect = ["You have 1 message that you have not read.", "It is shown here, and marked as read."]
    assert page.effect("inbox")["text"] == effect
    assert page.confirm("send", to=session, subject="Again")["text"] == f"✅ Sent to {session}: Again"


def test_a_broadcast_names_no_session_whose_process_is_gone(repo: Repo, page: ActingPage) -> None:
    (_, live), (gone, _) = repo.sessions(2)
    gone.kill()
    assert page.effect("send", to="all", subject="?")["text"] == [f"{live} sees it when it reads its inbox."]
    assert page.confirm("send", to="all", subject="?")["text"] == "✅ Sent to everyone (1 session): ?"


def test_an_answer_unblocks_a_session(repo: Repo, page: ActingPage) -> None:
    ((one, session),) = repo.sessions(1)
    one.ok("coord heartbeat building app BUILD 40% --blocked-on 'the key'")
    effect = page.effect("answer", session=session)
    assert effect["text"][-1] == f"{session} is no longer shown as blocked on “the key”."
    page.confirm("answer", session=session, body="It is in the vault")
    (row,) = [row for row in board(repo)["sessions"] if row["id"] == session]
    assert (row["blocked_on"], row["progress"]) == ("", "40%")
    assert page.effect("unblock", session=session)["refused"] == f"{session} is no longer blocked."


def test_what_blocks_a_session_now_is_kept(repo: Repo, page: ActingPage) -> None:
    """The race: it is blocked on something else when the person confirms."""
    ((one, session),) = repo.sessions(1)
    one.ok("coord heartbeat building app --blocked-on 'the key'")
    seen = page.effect("unblock", session=session)["seen"]
    one.ok("coord heartbeat building app --blocked-on 'the password'")
    answer = page.act("unblock", session=session, seen=seen)
    assert answer["code"] == 1
    assert "it is blocked on “the password”" in answer["error"]
    assert board(repo)["needs"][0]["subject"] == "the password"


def test_a_claim_is_broken_and_the_next_gets_it(repo: Repo, page: ActingPage) -> None:
    (one, holder), (two, waiter) = repo.sessions(2)
    one.ok("coord claim file a.py --note 'landing page'")
    two.begin("coord claim file a.py --wait 5m --json")
    until(lambda: board(repo)["waiting"], "the waiting request")
    effect = page.effect("break", resource="file/a.py", session=holder)
    assert effect["text"][0].startswith(f"{holder} loses file/a.py, which has been held since ")
    assert "for “landing page”" in effect["text"][0]
    assert effect["text"][1].startswith(f"{waiter} gets file/a.py, as the next in the queue (waiting since ")
    assert effect["text"][2].startswith(f"{holder} is told that you ended it, and your reason")
    page.confirm("break", resource="file/a.py", session=holder, reason="its user is away")
    assert two.finish().code == 0
    assert "its user is away" in one.ok("coord inbox")


@pytest.mark.parametrize("now_held_by_another", [True, False])
def test_a_claim_that_changed_hands_is_not_broken(repo: Repo, page: ActingPage, now_held_by_another: bool) -> None:
    (one, holder), (two, other) = repo.sessions(2)
    one.ok("coord claim droplet x")
    fields = {"resource": "droplet/x", "session": holder}
    seen = page.effect("break", **fields)["seen"]
    one.ok("coord release droplet x")
    (two if now_held_by_another else one).ok("coord claim droplet x")
    answer = page.act("break", **fields, reason="late", seen=seen)
    assert answer["code"] == 1
    assert "is no longer an active claim on droplet/x. Nothing was changed." in answer["error"]
    assert f"{other if now_held_by_another else holder} has it with claim" in answer["error"]
    assert len(board(repo)["claims"]) == 1


def test_a_claim_of_the_person_is_handed_over(repo: Repo) -> None:
    (one, mine), (two, other) = repo.sessions(2)
    one.ok("coord claim droplet x; coord claim droplet y")
    page = ActingPage(repo, session=mine)
    effect = page.effect("handoff", resource="droplet/x", to=other)
    assert [row.split(", ")[0] for row in effect["text"]] == [
        "you lose droplet/x", f"{other} gets droplet/x.", f"{other} is told that it has it now",
        "Nobody else can get it in between.",
    ]  # fmt: skip
    page.confirm("handoff", resource="droplet/x", to=other, note=HOSTILE)
    assert page.effect("handoff", resource="droplet/x", to=other)["refused"] == "droplet/x is no longer yours."
    assert page.effect("release", resource="droplet/y")["text"][-1] == "Nobody waits for it."
    page.confirm("release", resource="droplet/y")
    page.close()
    assert [(row["resource"], row["session"]) for row in board(repo)["claims"]] == [("droplet/x", other)]
    assert two.json("coord whoami")["session"] == other


def test_a_silent_session_is_ended(repo: Repo, page: ActingPage) -> None:
    (one, session), _ = repo.sessions(2)
    one.ok("coord claim droplet x; coord claim droplet y")
    effect = page.effect("end", session=session)
    assert effect["text"][0].startswith(f"{session} is ended; it was last heard of")
    assert "loses droplet/x" in texts(effect)
    assert "loses droplet/y" in texts(effect)
    page.confirm("end", session=session)
    assert board(repo)["claims"] == []
    assert page.effect("end", session=session)["refused"] == f"{session} has ended already."


def test_a_session_that_works_again_is_not_ended(repo: Repo, page: ActingPage) -> None:
    (one, session), _ = repo.sessions(2)
    one.ok("coord claim droplet x")
    seen = page.effect("end", session=session)["seen"]
    one.ok("coord heartbeat building x")
    answer = page.act("end", session=session, seen=seen)
    assert (answer["code"], "It was not ended." in answer["error"]) == (1, True)
    assert len(board(repo)["claims"]) == 1


def test_a_dead_session_is_ended_with_its_evidence(repo: Repo, page: ActingPage) -> None:
    (one, session), _ = repo.sessions(2)
    one.ok("coord claim droplet x")
    one.kill()
    effect = page.effect("end", session=session)
    assert effect["text"][0] in {
        f"{session} is ended: its process {one.pid} {how}." for how in ("has exited", "is gone")
    }
    page.confirm("end", session=session)
    assert board(repo)["claims"] == []


def test_a_request_of_a_circle_is_withdrawn(repo: Repo, page: ActingPage) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    two.ok("coord claim droplet y")
    one.begin("coord claim droplet y --wait 5m")
    until(lambda: board(repo)["waiting"], "the waiting request")
    two.begin("coord claim droplet x --wait 5m")
    until(lambda: board(repo)["needs"], "the circle")
    (words,) = board(repo)["needs"][0]["steps"][0]["commands"]
    assert words[-1] == second
    effect = page.effect("withdraw", session=second, resource="droplet/x")
    assert effect["text"][0] == f"{second} no longer waits for droplet/x."
    page.confirm("withdraw", session=second, resource="droplet/x")
    assert two.finish().code == 1
    assert board(repo)["needs"] == []
    two.ok("coord release droplet y")
    assert one.finish().code == 0
    assert {row["session"] for row in board(repo)["claims"]} == {first}


def test_a_request_that_was_granted_is_not_withdrawn(repo: Repo, page: ActingPage) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    two.begin("coord claim droplet x --wait 5m")
    until(lambda: board(repo)["waiting"], "the waiting request")
    seen = page.effect("withdraw", session=second, resource="droplet/x")["seen"]
    one.ok("coord release droplet x")
    assert two.finish().code == 0
    answer = page.act("withdraw", session=second, resource="droplet/x", seen=seen)
    assert (answer["code"], "it has been granted meanwhile, and is kept" in answer["error"]) == (1, True)
    assert len(board(repo)["claims"]) == 1


def test_hostile_texts_stay_texts(repo: Repo, page: ActingPage) -> None:
    (one, session), _ = repo.sessions(2)
    one.ok("coord claim droplet x")
    page.confirm("send", to=session, subject=HOSTILE, body=HOSTILE)
    page.confirm("break", resource="droplet/x", session=session, reason=HOSTILE)
    inbox = one.json("coord inbox")
    assert inbox["messages"][0]["body"] == HOSTILE
    assert inbox["notices"][0]["reason"] == HOSTILE
    assert not list(repo.root.glob("owned"))


@pytest.mark.parametrize("field", ["to", "subject"])
@pytest.mark.parametrize("text", ["--help", "-", "--root=/", "--session=x", "-5"])
def test_a_text_is_never_an_option(repo: Repo, page: ActingPage, field: str, text: str) -> None:
    ((one, session),) = repo.sessions(1)
    answer = page.act("send", **{"to": session, "subject": "s", "body": "b"} | {field: text})
    if field == "to":
        assert (answer["code"], f"no session is called '{text}'" in answer["error"]) == (3, True)
    else:
        assert one.json("coord inbox")["messages"][0]["subject"] == text


def test_a_body_has_up_to_a_mebibyte(repo: Repo, page: ActingPage) -> None:
    ((one, session),) = repo.sessions(1)
    body = "ü" * MAX_TEXT_LENGTH
    page.confirm("send", to=session, subject="long", body=body)
    message = one.json("coord inbox")["messages"][0]
    assert one.json(f"coord inbox {message['id']}")["body"] == body
    ((status, answer),) = page.ask_all(("act", "send", {"to": session, "subject": "s", "body": body + "ü"}))
    assert (status, "at most 1048576" in answer["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "asked",
    [
        ("act", "format", {}),
        ("act", "send", {"to": "all"}),
        ("act", "send", {"to": 5, "subject": "s"}),
        ("act", "send", {"to": "all", "subject": "s", "needs_ack": "yes"}),
        ("act", "send", {"to": "all", "subject": "s", "urgency": "now"}),
        ("act", "send", {"to": "all", "subject": "a\0b"}),
        ("act", "send", {"to": "all", "subject": "a\ud800b"}),
        ("act", "end", {"session": "x", "seen": "y"}),
        ("act", "end", {"session": "x", "seen": {"last": [1]}}),
        ("effect", "break", {"resource": ["x"]}),
    ],
)
def test_a_wrong_question_is_refused(repo: Repo, page: ActingPage, asked: tuple[str, str, dict[str, Any]]) -> None:
    ((status, answer),) = page.ask_all(asked)
    assert (status, answer["error"]["code"]) == (400, 2)
    assert answer["error"]["message"].endswith("Nothing was done.")
    assert repo.events() == [], "not even a session is begun"


def test_a_read_only_page_does_nothing(repo: Repo) -> None:
    page = ActingPage(repo, read_only=True)
    asks: list[tuple[str, str, dict[str, Any]]] = [(do, name, {}) for do in ("effect", "act") for name in ACTIONS]
    assert {(status, answer["error"]["message"]) for status, answer in page.ask_all(*asks)} == {
        (403, "this page is read-only, because it was started with --read-only. Nothing was done.")
    }
    page.close()
    assert repo.events() == []


def test_actions_are_done_one_after_the_other(repo: Repo, page: ActingPage) -> None:
    """Also the first ones, which begin the session: there is one."""
    repo.sessions(1)
    answers = page.ask_all(*(("act", "send", {"to": "broadcast", "subject": str(n)}) for n in range(5)))
    assert [answer["code"] for _, answer in answers] == [0] * 5
    assert len({answer["me"] for _, answer in answers}) == 1
    assert [row["event"]["subject"] for row in repo.of_type("message.sent")] == list("01234")


def test_the_refusal_of_a_command_is_shown_as_it_is(repo: Repo, page: ActingPage) -> None:
    _, (two, other) = repo.sessions(2)
    two.ok("coord end")
    answer = page.act("send", to=other, subject="Hello")
    assert answer["code"] == 3
    assert answer["error"].startswith(f"{other} has ended and will not read it. Nothing was sent;")
    assert answer["text"] == ""
