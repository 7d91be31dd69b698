"""What ends an agent's turn ends its work: a stop, an error, an interruption that no hook reports, or silence."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.hooks.git.staged import DENIED
from eventlog.events import to_micros
from tests.support.agents import Agents
from tests.support.processes import Result
from tests.support.repositories import Repo, git

CLAUDE, CODEX, GEMINI, COPILOT, PERSON = 100, 200, 300, 400, 900
ESC = {"type": "user", "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}}


class Turn:
    """Claude has begun to edit page.py and has a transcript; a person has a shell of their own."""

    def __init__(self, repo: Repo, home: Path) -> None:
        self.agents, self.repo = Agents(repo), repo
        self.machine = self.agents.machine
        self.transcript = home / "transcript.jsonl"
        self.agents.runs(PERSON, "-bash")
        self.write({"type": "user", "message": {"content": "Go"}})
        self.agents.starts(CLAUDE, transcript_path=str(self.transcript))
        self.agents.writes(CLAUDE, "page.py")

    def write(self, line: dict[str, Any]) -> None:
        """Append a line to the transcript, at the time of the machine."""
        with self.transcript.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.touch()

    def touch(self) -> None:
        """Set the time of the transcript's last change to the time of the machine."""
        seconds = to_micros(self.machine.now) / 1_000_000
        os.utime(self.transcript, (seconds, seconds))

    def doing(self) -> str:
        """What the agent does, as a person is shown it."""
        rows = self.machine.run(PERSON, "status", "--json").json["sessions"]
        return next(f"{row['action']} {row['target']}" for row in rows if row["client"] == "claude-code")

    def idle(self) -> list[dict[str, Any]]:
        """The events that presume an agent idle."""
        return [line["event"] for line in self.repo.of_type("session.presumed_idle")]

    def commit(self) -> Result:
        """Let git ask whether a person may commit page.py."""
        git(self.repo, "add", "page.py")
        return self.machine.run(PERSON, "git-hook", "pre-commit")


def row(agents: Agents, pid: int) -> dict[str, Any]:
    """The session of an agent on the board."""
    session = agents.session(pid)
    return next(row for row in agents.board()["sessions"] if row["id"] == session)


@pytest.fixture
def turn(repo: Repo, tmp_path: Path) -> Turn:
    return Turn(repo, tmp_path)


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        (CLAUDE, {"hook_event_name": "StopFailure", "error": "server_error", "last_assistant_message": "529"}),
        (CLAUDE, {"hook_event_name": "Notification", "notification_type": "idle_prompt", "message": "waiting"}),
        (CODEX, {"hook_event_name": "Interrupt", "turn_id": "t"}),
    ],
)  # fmt: skip
def test_an_agent_is_idle_after_its_turn_ended(repo: Repo, pid: int, said: dict[str, str]) -> None:
    agents = Agents(repo)
    agents.writes(pid, "page.py")
    agents.coord(pid, "send", agents.session(pid), "To myself", "...", "--urgency", "high")
    answer = agents.hook(pid, "stop", **said)
    assert not answer.block_reason, "a turn that has ended cannot be held back"
    assert row(agents, pid)["action"] == "idle"
    events = len(repo.events())
    agents.hook(pid, "stop", **said)
    assert len(repo.events()) == events


def test_notifications_are_known_by_their_kind(repo: Repo) -> None:
    agents = Agents(repo)
    agents.writes(CLAUDE, "page.py")
    for kind in ("auth_success", "", "worker_finished"):
        agents.hook(CLAUDE, "stop", hook_event_name="Notification", notification_type=kind)
        assert (row(agents, CLAUDE)["action"], row(agents, CLAUDE)["asks_person"]) == ("editing", False)
    for kind in ("agent_needs_input", "elicitation_dialog"):
        agents.hook(CLAUDE, "stop", hook_event_name="Notification", notification_type=kind)
        assert "an answer" in row(agents, CLAUDE)["blocked_on"]
        agents.hook(CLAUDE, "prompt")
        assert not row(agents, CLAUDE)["asks_person"]


def test_after_an_answer_the_agent_reports_its_work_again(repo: Repo) -> None:
    agents = Agents(repo)
    agents.writes(CLAUDE, "page.py")
    agents.hook(CLAUDE, "asks", tool_name="Bash")
    for _ in range(2):
        agents.machine.wait(60)
        agents.writes(CLAUDE, "other.py")
    assert (row(agents, CLAUDE)["target"], row(agents, CLAUDE)["asks_person"]) == ("other.py", False)


def test_an_interruption_is_shown_at_once_and_then_recorded(turn: Turn) -> None:
    turn.machine.wait(3)
    turn.write(ESC)
    before = turn.repo.bytes()
    assert turn.doing() == "idle waiting for its user"
    assert turn.repo.bytes() == before, "reading records nothing"
    assert turn.machine.run(PERSON, "start").code == 0
    (event,) = turn.idle()
    assert event["session"] == turn.agents.session(CLAUDE)
    assert event["evidence"] == "its turn was interrupted"
    turn.machine.run(PERSON, "heartbeat", "reading")
    assert len(turn.idle()) == 1
    assert "idle" in turn.machine.run(PERSON, "log").out


def test_an_idle_agent_waits_for_what_it_is_blocked_on(turn: Turn) -> None:
    turn.agents.hook(CLAUDE, "stop")
    assert ": idle, waiting for its user\n" in turn.machine.run(PERSON, "status").out
    turn.agents.hook(CLAUDE, "stop", hook_event_name="Notification", notification_type="agent_needs_input")
    for command in ("status", "log"):
        shown = turn.machine.run(PERSON, command).out.splitlines()[-40:]
        assert not [row for row in shown if "waiting for its user" in row and "blocked on" in row]
    assert "idle, waiting for its user" not in turn.machine.run(PERSON, "status").out


def test_the_next_hook_shows_the_agent_at_work_again(turn: Turn) -> None:
    turn.machine.wait(3)
    turn.write(ESC)
    turn.machine.run(PERSON, "start")
    turn.write({"type": "user", "message": {"content": "Go on"}})
    turn.agents.hook(CLAUDE, "prompt")
    turn.agents.writes(CLAUDE, "page.py", "more\n")
    assert turn.doing() == "editing page.py"


@pytest.mark.parametrize(("seconds", "idle"), [(298, False), (301, True)])
def test_an_agent_without_a_sign_of_work_is_idle(turn: Turn, seconds: int, idle: bool) -> None:
    turn.machine.wait(seconds)
    assert turn.doing() == ("idle waiting for its user" if idle else "editing page.py")
    turn.machine.run(PERSON, "start")
    assert len(turn.idle()) == idle
    assert list(turn.agents.claims()) == ["file/page.py"], "it keeps its claims"


def test_an_agent_is_at_work_while_anything_shows_work(turn: Turn) -> None:
    turn.machine.wait(200)
    turn.touch()  # it thinks, and writes that down
    turn.machine.wait(200)
    assert turn.doing() == "editing page.py"
    turn.agents.hook(CLAUDE, "before", tool_name="Bash", tool_input={"command": "make"}, tool_use_id="t1")
    turn.machine.wait(3000)
    assert turn.doing() == "editing page.py", "its shell command runs"
    turn.agents.hook(CLAUDE, "after", tool_name="Bash", tool_input={"command": "make"}, tool_use_id="t1")
    turn.machine.wait(301)
    assert turn.doing() == "idle waiting for its user"


def test_an_open_question_ends_by_an_interruption_not_by_time(turn: Turn) -> None:
    turn.agents.hook(CLAUDE, "asks", tool_name="Bash")
    turn.machine.wait(3600)
    turn.machine.run(PERSON, "start")
    assert row(turn.agents, CLAUDE)["asks_person"]
    turn.write(ESC)
    needs = turn.machine.run(PERSON, "status", "--json").json["needs"]
    assert not [need for need in needs if need["kind"] == "blocked"]
    turn.machine.run(PERSON, "heartbeat", "reading")
    assert not row(turn.agents, CLAUDE)["asks_person"]


def test_silence_proves_nothing_without_a_known_transcript(repo: Repo, tmp_path: Path) -> None:
    turn = Turn(repo, tmp_path)
    turn.transcript.unlink()
    turn.machine.wait(10_000)
    assert turn.doing() == "editing page.py", "it may be in another container"
    for trace in (repo.folder / ".cache" / "hooks").glob("*/transcript"):
        trace.unlink()
    assert turn.doing() == "editing page.py"
    turn.machine.run(PERSON, "start")
    assert turn.idle() == []


def test_a_person_commits_the_edits_of_an_interrupted_agent(turn: Turn) -> None:
    refused = turn.commit()
    assert refused.code == DENIED
    assert "You can commit this in 60 s if the agent shows no sign of work until then." in refused.err
    turn.write(ESC)
    allowed = turn.commit()
    assert allowed.code == 0
    assert "page.py" in allowed.err
    assert "its turn was interrupted" in allowed.err


def test_a_refusal_has_one_line_for_a_file_and_its_holder(turn: Turn) -> None:
    turn.agents.hook(CLAUDE, "agent_start", agent_id="a2")
    turn.agents.writes(CLAUDE, "page.py", agent_id="a2")
    turn.agents.coord(CLAUDE, "claim", "file/page.py")
    assert len([row for row in turn.agents.board()["claims"] if row["resource"] == "file/page.py"]) > 1
    refused = turn.commit().err
    (line,) = [line for line in refused.splitlines() if line.startswith("  page.py: ")]
    assert "its subagent" not in line
    assert "contains none of your own files" in refused
    assert "Do other work" not in refused, "a person commits"


def test_a_person_is_refused_for_a_minute_after_the_last_sign(turn: Turn) -> None:
    turn.machine.wait(40)
    turn.touch()
    turn.machine.wait(59)
    refused = turn.commit()
    assert (refused.code, "You can commit this in 1 s if" in refused.err) == (DENIED, True)
    turn.machine.wait(1)
    assert turn.commit().code == 0
    turn.agents.hook(CLAUDE, "before", tool_name="Bash", tool_input={"command": "make"}, tool_use_id="t1")
    refused = turn.commit()
    assert (refused.code, "You can commit" in refused.err) == (DENIED, False), "a command runs: when it ends is unknown"
    assert "COORD_GUARD=off" in refused.err


def test_a_claim_by_name_of_an_idle_agent_still_refuses(turn: Turn) -> None:
    turn.agents.coord(CLAUDE, "claim", "file/page.py")
    turn.write(ESC)
    refused = turn.commit()
    assert (refused.code, "You can commit" in refused.err) == (DENIED, False)


def test_a_subagent_killed_with_its_turn_refuses_for_a_minute(turn: Turn) -> None:
    turn.agents.hook(CLAUDE, "agent_start", agent_id="a1")
    turn.agents.writes(CLAUDE, "page.py", agent_id="a1")
    turn.agents.hook(CLAUDE, "stop")
    assert turn.commit().code == DENIED, "it may work in the background"
    turn.machine.wait(61)
    assert turn.commit().code == 0


def test_the_transcript_is_known_after_each_start(turn: Turn) -> None:
    trace = turn.repo.folder / ".cache" / "hooks" / turn.agents.session(CLAUDE) / "transcript"
    assert json.loads(trace.read_text()) == {"transcript": str(turn.transcript), "client": "claude"}
    turn.agents.starts(CLAUDE, source="resume", transcript_path="/another.jsonl")
    assert json.loads(trace.read_text())["transcript"] == "/another.jsonl"
    turn.agents.hook(CODEX, "prompt", transcript_path="/codex.jsonl")
    trace = trace.parent.parent / turn.agents.session(CODEX) / "transcript"
    assert json.loads(trace.read_text())["transcript"] == "/codex.jsonl", "its first hook was a prompt"


@pytest.mark.parametrize("moved", [False, True])
def test_a_transcript_that_no_hook_names_is_found(repo: Repo, tmp_path: Path, moved: bool) -> None:
    agents = Agents(repo, {COPILOT: "copilot"})
    agents.env = {"HOME": str(tmp_path)} | ({"COPILOT_HOME": str(tmp_path / "moved")} if moved else {})
    transcript = tmp_path / ("moved" if moved else ".copilot") / "session-state" / f"c{COPILOT}" / "events.jsonl"
    transcript.parent.mkdir(parents=True)
    agents.starts(COPILOT)
    trace = repo.folder / ".cache" / "hooks" / agents.session(COPILOT) / "transcript"
    assert json.loads(trace.read_text())["transcript"] == "", "it does not exist"
    kinds = ("user.message", "assistant.turn_start", "assistant.turn_end", "abort")
    transcript.write_text("".join(json.dumps({"type": kind, "data": {}}) + "\n" for kind in kinds))
    agents.starts(COPILOT, source="resume")
    agents.writes(COPILOT, "page.py")
    assert json.loads(trace.read_text())["transcript"] == str(transcript)
    agents.runs(PERSON, "-bash")
    git(repo, "add", "page.py")
    allowed = agents.machine.run(PERSON, "git-hook", "pre-commit")
    assert (allowed.code, "its turn was interrupted" in allowed.err) == (0, True)
