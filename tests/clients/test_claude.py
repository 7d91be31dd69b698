"""Behaviour that only Claude Code has, or shows when it runs headless."""

import re
from pathlib import Path

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.dialects import Call
from tests.support.clients.installing import install, uninstall
from tests.support.clients.looking import context, held, session_of, waiters
from tests.support.clients.model import Ended, Heard
from tests.support.clients.programs import CLAUDE
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
PAGE = "file/page.py"
TASK, OTHER_TASK = "TASK ONE: write the page", "TASK TWO: write the page"
_CHOICES = [{"label": "one", "description": "One"}, {"label": "two", "description": "Two"}]
QUESTION = Call(
    "AskUserQuestion",
    {"questions": [{"question": "Which one?", "header": "Which", "multiSelect": False, "options": _CHOICES}]},
)


def delegate(task: str) -> Call:
    """The call that gives a task to a subagent."""
    kind = {"subagent_type": "general-purpose", "run_in_background": False}
    return Call("Agent", {"description": "a task", "prompt": task, **kind})


def status(repo: Repo, session: str) -> dict[str, object]:
    """A session in the output of `coord status`."""
    rows = repo.shell().json("coord status")["sessions"]
    found: dict[str, object] = next(row for row in rows if row["id"] == session)
    return found


def test_a_session_starts_before_the_first_prompt(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.start()
    until(lambda: work.of_type("session.started"), "the session")
    assert first.finish() == 0
    (started,) = work.of_type("session.started")
    (ended,) = work.of_type("session.ended")
    assert started["session"] == ended["session"]


def test_a_message_that_is_not_urgent_does_not_block_the_stop(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    person = work.shell()
    person.start()
    first.prompt("Go")
    person.ok(f'coord send {session_of(work, first)} "Lunch" "At noon."')
    assert isinstance(first.says("Done."), Ended)
    assert "At noon." in first.prompt("Go on").text


def test_clear_starts_a_session_that_continues_the_old_one(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.prompt("Go")
    first.writes("page.py", "one\n")
    old = session_of(work, first)
    first.says("Done.")
    first.types("/clear")
    heard = first.prompt("Go on")
    new = session_of(work, first)
    assert new != old
    assert new in heard.text
    started = [line for line in work.of_type("session.started") if line["session"] == new]
    assert [line["event"].get("continues") for line in started] == [old]
    assert held(work) == {(PAGE, new)}
    assert f"continued by {new}" in work.shell().ok("coord status")


def test_a_compacted_conversation_is_told_its_session_again(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.prompt("Go")
    me = session_of(work, first)
    first.says("Done.")
    assert isinstance(first.types("/compact"), Heard)
    first.says("<summary>We wrote nothing.</summary>")
    assert f"you are still session {me}" in first.prompt("Go on").text
    assert {line["session"] for line in work.of_type("session.started")} == {me}


def test_a_resumed_conversation_keeps_its_session(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.prompt("Go")
    first.says("Done.")
    old, conversation = session_of(work, first), first.conversation
    first.finish()
    first.start("--resume", conversation)
    first.prompt("Go on")
    assert {line["session"] for line in work.of_type("session.started")} == {old}
    first.says("Done.")
    first.finish()
    first.start("--resume", conversation, "--fork-session")
    first.prompt("Go on elsewhere")
    assert session_of(work, first) != old


def test_a_subagent_is_shown_and_its_claims_pass_on(work: Repo, agent: Make) -> None:
    first, second = agent(CLAUDE), agent(CLAUDE)
    first.model.marks.append(TASK)
    first.prompt("Have the page written")
    assert first.calls(delegate(TASK)).mark == TASK
    (begun,) = work.of_type("agent.started")
    first.writes("page.py", "one\n")
    (asked,) = work.of_type("claim.requested")
    assert asked["event"]["agent"] == begun["event"]["agent"]
    assert begun["event"]["agent"] in work.shell().ok("coord status")
    first.says("It is written.")
    assert len(work.of_type("agent.stopped")) == 1
    assert held(work) == {(PAGE, session_of(work, first))}
    second.prompt("Write the page")
    assert "page.py was not written" in second.writes("page.py", "two\n").text


def test_a_subagent_does_not_overwrite_another(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.model.marks += [TASK, OTHER_TASK]
    first.prompt("Have the page written")
    begun = first.calls(delegate(TASK), delegate(OTHER_TASK))
    assert {begun.mark, first.hears().mark} == {TASK, OTHER_TASK}
    first.writes("page.py", "one\n", TASK)
    denied = first.writes("page.py", "two\n", OTHER_TASK).text
    assert "page.py was not written" in denied
    assert "another subagent of your session" in denied
    assert "coord send" not in denied
    assert (work.root / "page.py").read_text() == "one\n"


def test_a_question_to_the_user_is_shown_until_it_is_answered(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.start("--permission-prompt-tool", "stdio")
    first.prompt("Go")
    asked = first.asks(CLAUDE.shell("touch page.py"))
    until(lambda: any(line["event"].get("asks_person") for line in work.of_type("session.heartbeat")), "the heartbeat")
    assert status(work, session_of(work, first))["blocked_on"]
    first.told(asked, yes=False)
    first.says("Then not.")
    assert not status(work, session_of(work, first)).get("blocked_on")


def test_a_question_of_the_model_is_shown_too(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.start("--permission-prompt-tool", "stdio")
    first.prompt("Go")
    asked = first.asks(QUESTION)
    until(lambda: any(line["event"].get("asks_person") for line in work.of_type("session.heartbeat")), "the heartbeat")
    assert "an answer" in str(status(work, session_of(work, first))["blocked_on"])
    first.told(asked, yes=False)
    first.says("Then not.")
    assert not status(work, session_of(work, first)).get("blocked_on")


@pytest.mark.parametrize("status_code", [400, 529])
def test_an_error_of_the_api_ends_the_work(work: Repo, agent: Make, status_code: int) -> None:
    first, person = agent(CLAUDE), work.shell()
    first.env["CLAUDE_CODE_MAX_RETRIES"] = "0"
    person.ok("coord install git")
    first.prompt("Go")
    first.writes("page.py", "one\n")
    assert "not yours to commit" in person.run("git add page.py && git commit -qm Page").err
    first.fails(status_code)
    until(lambda: status(work, session_of(work, first))["action"] == "idle", "the hook for the error")
    assert work.of_type("session.presumed_idle") == []
    person.ok("git commit -qm Page")
    first.prompt("Go on")
    first.writes("page.py", "two\n")
    assert held(work) == {(PAGE, session_of(work, first))}


@pytest.mark.parametrize("command", ["", "python3 -c 'import time; time.sleep(60)'"])
def test_a_person_commits_after_an_interruption(work: Repo, agent: Make, command: str) -> None:
    first, person = agent(CLAUDE), work.shell()
    person.ok("coord install git")
    first.prompt("Go")
    first.writes("page.py", "one\n")
    assert "not yours to commit" in person.run("git add page.py && git commit -qm Page").err
    if command:
        first.begins(CLAUDE.shell(command))
        until(lambda: list(work.folder.glob(".cache/hooks/*/shell-*")), "the hook before the command")
    first.interrupts()
    me = session_of(work, first)
    done = person.run("git commit -qm Page")
    assert done.code == 0, done
    assert "its turn was interrupted" in done.err, "no hook reports it, but the transcript does"
    until(lambda: status(work, me)["action"] == "idle", "a few seconds without an event of the agent")
    person.start()
    assert [line["event"]["session"] for line in work.of_type("session.presumed_idle")] == [me]
    first.prompt("Go on")
    first.writes("page.py", "two\n")
    assert status(work, me)["action"] == "editing"


def test_only_breaking_a_claim_needs_permission(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.start("--permission-prompt-tool", "stdio")
    first.prompt("Go")
    assert session_of(work, first) in first.runs("coord whoami").text
    first.told(first.asks(CLAUDE.shell('coord break file page.py --reason "It is in my way"')), yes=False)


def test_a_message_wakes_an_idle_agent(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    install(first, "--wake")
    person = work.shell()
    person.start()
    first.prompt("Go")
    first.says("Done.")
    for number in ("one", "two"):
        person.ok(f'coord send {session_of(work, first)} "Part" "This is {number}."')
        assert f"This is {number}." in first.hears().text
        first.says("I have read it.")
    first.finish()
    until(lambda: not waiters(work), "the end of those that wait")


def test_a_message_wakes_an_agent_after_clear(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    install(first, "--wake")
    person = work.shell()
    person.start()
    first.prompt("Go")
    first.says("Done.")
    first.types("/clear")
    until(lambda: len(work.of_type("session.started")) == 3, "the new session")
    person.ok(f'coord send {work.of_type("session.started")[-1]["session"]} "Part" "This is one."')
    assert "This is one." in first.hears().text


def test_a_file_that_is_free_again_wakes_the_denied_agent(work: Repo, agent: Make) -> None:
    first, second = agent(CLAUDE), agent(CLAUDE)
    install(second, "--wake")
    first.prompt("Go")
    first.writes("page.py", "one\n")
    second.prompt("Go")
    assert "page.py was not written" in second.writes("page.py", "two\n").text
    second.says("I wait for page.py.")
    first.runs("git add page.py && git commit -q -m Page")
    assert "page.py is free now" in second.hears().text


def test_the_waking_process_ends_with_its_agent(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    install(first, "--wake")
    first.prompt("Go")
    first.says("Done.")
    until(lambda: waiters(work), "someone who waits")
    first.kill()
    until(lambda: not waiters(work), "the end of those that wait")


def test_a_signal_ends_its_session(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.prompt("Go")
    me = session_of(work, first)
    first.stop()
    assert [line["session"] for line in work.of_type("session.ended")] == [me]


def test_texts_for_the_agent_stay_within_the_budget(work: Repo, agent: Make) -> None:
    people = [work.shell() for _ in range(12)]
    for number, person in enumerate(people):
        person.start(f"--name person-{number}")
        person.ok(f'coord claim file src/part{number}.py --note "{"A long note. " * 10}"')
    first = agent(CLAUDE)
    first.prompt("Go")
    for person in people:
        person.ok(f'coord send {session_of(work, first)} "Part" "{"A long message. " * 60}"')
    for _ in range(15):
        first.runs("true")
    first.says("Done.")
    said = context(first)
    assert said
    assert all(len(text) <= (1500 if event == "SessionStart" else 400) for event, text in said)
    assert len([text for event, text in said if event == "PostToolUse"]) <= 12


def test_the_plugin_does_the_same(work: Repo, agent: Make, tmp_path: Path) -> None:
    first, second = agent(CLAUDE), agent(CLAUDE)
    uninstall(first)
    install(first, "--plugin", str(tmp_path / "plugin"))
    assert not (work.root / ".claude").exists()
    first.start(*CLAUDE.free, "--plugin-dir", str(tmp_path / "plugin"))
    first.prompt("Go")
    first.writes("page.py", "one\n")
    second.start(*CLAUDE.free, "--plugin-dir", str(tmp_path / "plugin"))
    second.prompt("Go")
    assert "page.py was not written" in second.writes("page.py", "two\n").text
    second.says("Then not.")
    assert f"{session_of(work, first)}: editing page.py" in second.prompt("/coord:status").text


def test_after_uninstalling_nothing_is_shown(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    uninstall(first)
    opening = first.prompt("Go").text
    assert "coord: " not in opening
    first.writes("page.py", "one\n")
    assert work.events() == []


def test_a_hook_never_fails(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    first.prompt("Go")
    for step in (first.writes("page.py", "one\n"), first.runs("false"), first.runs("true"), first.reads("nothing.py")):
        assert "hook error" not in step.text
    first.says("Done.")
    assert first.finish() == 0
    assert {hook["exit_code"] for hook in first.hooks} == {0}
    assert not [hook["stderr"] for hook in first.hooks if hook["stderr"]]


def test_a_message_of_the_client_wakes_an_agent_to_read_ours(work: Repo, agent: Make) -> None:
    first, second = agent(CLAUDE), agent(CLAUDE)
    second.env["HOME"] = first.env["HOME"]  # they are the sessions of one person
    first.prompt("Go")
    second.prompt("Go")
    second.says("Done.")
    to = session_of(work, second)
    for question in ("May I have page.py?", "And draft.py?"):
        sent = first.runs(f'coord send {to} "Question" "{question}"').text
        ring = re.search(r'call SendMessage with to "(.+?)", message "(coord inbox .+?)"', sent)
        assert ring, sent
        first.calls(Call("SendMessage", {"to": ring[1], "message": ring[2], "summary": "a question"}))
        woken = second.hears().text
        assert ring[2] in woken
        assert question in woken, "the hook for its prompt shows the message"
        second.says("Yes.")
    assert len(work.of_type("message.read")) == 2
