"""A conversation that is open in two processes of its client: each process is a session of its own."""

import json
import os
from pathlib import Path

import pytest

from coord.guard.entry import ALLOWED, DENIED
from coord.hooks.git import staged
from coord.platform.processes import Process
from eventlog.events import to_micros
from tests.support.agents import Agents
from tests.support.clients.programs import PROGRAMS
from tests.support.in_process import process
from tests.support.repositories import Repo, git

FIRST, SECOND, THIRD = 100, 150, 160
SHELL = 200  # without a client, but with the variables of one


class Copies(Agents):
    """Three processes of one client. All of them have the conversation `talk`."""

    def __init__(self, repo: Repo, word: str) -> None:
        super().__init__(repo, dict.fromkeys((FIRST, SECOND, THIRD, SHELL), word))
        self.conversations = dict.fromkeys(self.clients, "talk")
        self.machine.table.rows[SHELL] = process(SHELL, 1, SHELL, "-bash")

    def whoami(self, pid: int) -> str:
        """The session of a shell command below a process."""
        return str(self.coord(pid, "whoami", "--json").json["session"])

    def dies(self, pid: int) -> None:
        """End a process without a hook."""
        del self.machine.table.rows[pid]

    def orphaned(self, pid: int) -> None:
        """End a process, but let its hooks continue below another one."""
        self.machine.table.rows[pid] = Process(pid, 1, pid, 1, "S", ("sh", "-c", "coord hook"))


@pytest.fixture(params=["claude", "codex", "gemini"])
def copies(repo: Repo, request: pytest.FixtureRequest) -> Copies:
    made = Copies(repo, request.param)
    made.shell(FIRST, "echo x > old.txt; git add -A; git commit -qm first", hooks=False)
    return made


def test_the_second_process_is_a_session_that_continues_nothing(copies: Copies) -> None:
    copies.starts(FIRST)
    assert copies.writes(FIRST, "a.py").code == ALLOWED
    copies.starts(SECOND, "resume")
    denied = copies.writes(SECOND, "a.py")
    assert denied.code == DENIED
    assert copies.whoami(FIRST) in denied.err
    assert copies.writes(SECOND, "b.py").code == ALLOWED
    assert copies.writes(FIRST, "b.py").code == DENIED
    one, two = copies.repo.of_type("session.started")
    assert [line["event"]["anchor"]["pid"] for line in (one, two)] == [FIRST, SECOND]
    assert "continues" not in two["event"]
    assert copies.claims() == {"file/a.py": one["session"], "file/b.py": two["session"]}


@pytest.mark.parametrize("event", ["start", "prompt", "before", "after", "stop"])
def test_any_first_hook_of_the_second_process_starts_its_session(copies: Copies, event: str) -> None:
    copies.starts(FIRST)
    copies.writes(FIRST, "a.py")
    tool = copies.tool(SECOND, "a.py") if event in ("before", "after") else {}
    assert copies.hook(SECOND, event, **tool).code == (DENIED if event == "before" else ALLOWED)
    assert copies.whoami(SECOND) != copies.whoami(FIRST)
    assert len(copies.repo.of_type("session.started")) == 2
    assert copies.claims() == {"file/a.py": copies.whoami(FIRST)}


def test_a_command_of_the_second_process_starts_its_session(copies: Copies) -> None:
    copies.starts(FIRST)
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    assert first != second
    assert (copies.whoami(FIRST), copies.whoami(SECOND)) == (first, second)


def test_both_processes_are_told_once(copies: Copies) -> None:
    copies.starts(FIRST)
    shown = copies.starts(SECOND, "resume").context
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    assert f"you are session {second}" in shown
    assert f"{first} has the same conversation as you" in shown
    assert f"{second} has the same conversation as you" in copies.writes(FIRST, "a.py").context
    for pid in (FIRST, SECOND):
        copies.machine.wait(60)
        assert "same conversation as you" not in copies.hook(pid, "prompt").context


def test_the_second_process_does_not_affect_the_first(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    for pid in (FIRST, SECOND, FIRST, SECOND):
        copies.writes(pid, f"of-{pid}.py")
        copies.whoami(pid)
    assert len(copies.repo.of_type("session.started")) == 2, "no hook re-anchors a session"
    copies.machine.wait(10)
    quick = copies.full_paths
    for pid in (FIRST, SECOND):
        assert copies.asks_to_write(pid, f"of-{pid}.py").silent
    assert copies.full_paths == quick, "the index knows the session of each process"


def test_each_process_has_its_own_messages(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    copies.writes(FIRST, "a.py")
    copies.machine.start(SHELL)
    copies.machine.run(SHELL, "send", first, "for the first", "x")
    assert "for the first" not in copies.hook(SECOND, "prompt").context
    assert "for the first" in copies.hook(FIRST, "prompt").context
    assert second != first


def test_a_resume_after_a_death_is_the_same_session(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.writes(FIRST, "a.py")
    first = copies.whoami(FIRST)
    copies.dies(FIRST)
    shown = copies.starts(SECOND, "resume").context
    assert f"you are still session {first}" in shown
    assert "same conversation" not in shown
    assert copies.claims() == {"file/a.py": first}


def test_a_third_process_resumes_the_session_that_has_died(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    copies.hook(FIRST, "prompt")
    copies.dies(SECOND)
    assert "same conversation as you" in copies.starts(THIRD, "resume").context
    assert (copies.whoami(THIRD), copies.whoami(FIRST)) == (second, first)
    assert f"{second} has the same conversation" in copies.hook(FIRST, "prompt").context


def test_the_end_of_one_process_does_not_end_the_other(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    copies.writes(FIRST, "a.py")
    copies.writes(SECOND, "b.py")
    copies.hook(SECOND, "end", reason="other")
    assert [line["session"] for line in copies.repo.of_type("session.ended")] == [second]
    assert copies.claims() == {"file/a.py": first}


def test_a_late_end_of_the_first_process_ends_no_other_session(copies: Copies) -> None:
    copies.starts(FIRST)
    first = copies.whoami(FIRST)
    copies.orphaned(FIRST)
    copies.starts(SECOND, "resume")
    copies.hook(FIRST, "end", reason="other")
    assert copies.repo.of_type("session.ended") == []
    assert copies.whoami(SECOND) == first


def test_a_late_end_ends_the_session_whose_process_is_gone(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    copies.orphaned(FIRST)
    copies.hook(FIRST, "end", reason="other")
    assert [line["session"] for line in copies.repo.of_type("session.ended")] == [first]
    assert copies.whoami(SECOND) == second


def test_a_process_without_a_client_acts_as_the_one_session(copies: Copies) -> None:
    copies.starts(FIRST)
    first = copies.whoami(FIRST)
    assert copies.whoami(SHELL) == first
    assert len(copies.repo.of_type("session.started")) == 1


def test_a_command_that_cannot_see_its_process_names_no_session(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    refused = copies.coord(SHELL, "claim", "file", "a.py")
    assert refused.code == 3
    assert all(part in refused.err for part in (first, second, "--session"))
    assert copies.coord(SHELL, "claim", "file", "a.py", "--session", first).code == 0


def test_a_conversation_resumed_inside_its_own_agent_is_another(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.machine.table.rows[SECOND] = process(SECOND, FIRST, FIRST, copies.clients[SECOND])
    copies.starts(SECOND, "resume")
    copies.writes(FIRST, "a.py")
    assert copies.writes(SECOND, "a.py").code == DENIED


def test_both_are_shown_on_the_board_and_by_doctor(copies: Copies) -> None:
    copies.starts(FIRST)
    copies.starts(SECOND, "resume")
    first, second = copies.whoami(FIRST), copies.whoami(SECOND)
    rows = {row["id"]: row["same_conversation"] for row in copies.board()["sessions"]}
    assert rows == {first: [second], second: [first]}
    for command in ("status", "board"):
        text = copies.machine.run(900, command).out
        assert f"same conversation as {first}" in text
        assert f"same conversation as {second}" in text
    changes = copies.machine.run(900, "diff", "-1h").out
    assert "unread notice: the same conversation is open in another process" in changes
    findings = json.loads(copies.machine.run(900, "doctor", "--json").out)["findings"]
    (finding,) = [each for each in findings if "conversation" in each["what"]]
    assert first in finding["evidence"]
    assert second in finding["evidence"]
    copies.dies(SECOND)
    assert "same conversation" not in copies.machine.run(900, "status").out


def test_the_clients_that_are_resumed_twice_are_known_for_it() -> None:
    """`tests.clients.test_resumed_twice` resumes conversations of these clients; it needs the real programs."""
    assert all(program.client.one_process for program in PROGRAMS if program.resuming)


class Transcript:
    """The transcript of a conversation that is open in two processes of Claude Code, and a person beside them."""

    def __init__(self, repo: Repo, path: Path) -> None:
        self.copies, self.path = Copies(repo, "claude"), path
        self.copies.runs(900, "-bash")
        path.touch()
        for pid, source in ((FIRST, "startup"), (SECOND, "resume")):
            self.copies.starts(pid, source, transcript_path=str(path))
            self.copies.writes(pid, f"of-{pid}.py")
        self.copies.machine.wait(5)

    def is_interrupted(self) -> None:
        """Append the line with which the client records an interruption in one of its processes."""
        content = [{"type": "text", "text": "[Request interrupted by user]"}]
        self.path.write_text(json.dumps({"type": "user", "message": {"content": content}}) + "\n")
        seconds = to_micros(self.copies.machine.now) / 1_000_000
        os.utime(self.path, (seconds, seconds))

    def actions(self) -> list[str]:
        """What the agents do, as a person is shown it."""
        rows = self.copies.machine.run(900, "status", "--json").json["sessions"]
        return [row["action"] for row in rows if row["client"] == "claude-code"]

    def commits(self) -> int:
        """The exit code with which git may commit the file of the second process for a person."""
        git(self.copies.repo, "add", f"of-{SECOND}.py")
        return self.copies.machine.run(900, "git-hook", "pre-commit").code


@pytest.fixture
def transcript(repo: Repo, tmp_path: Path) -> Transcript:
    return Transcript(repo, tmp_path / "talk.jsonl")


def test_a_shared_transcript_proves_no_interruption(transcript: Transcript) -> None:
    transcript.is_interrupted()
    assert transcript.actions() == ["editing", "editing"]
    transcript.copies.hook(SECOND, "asks", tool_name="Bash")
    transcript.copies.machine.wait(5)
    transcript.copies.machine.run(900, "heartbeat", "reading")
    needs = transcript.copies.machine.run(900, "status", "--json").json["needs"]
    assert [need["kind"] for need in needs if need["kind"] == "blocked"] == ["blocked"]
    assert transcript.copies.repo.of_type("session.presumed_idle") == []


def test_silence_still_ends_work_with_a_shared_transcript(transcript: Transcript) -> None:
    transcript.is_interrupted()
    assert transcript.commits() == staged.DENIED
    transcript.copies.machine.wait(61)
    assert transcript.commits() == 0
    transcript.copies.machine.wait(240)
    assert transcript.actions() == ["idle", "idle"]


def test_an_interruption_counts_after_the_other_process_ended(transcript: Transcript) -> None:
    transcript.is_interrupted()
    transcript.copies.machine.wait(5)
    transcript.copies.hook(FIRST, "end", reason="other")
    assert transcript.commits() == staged.DENIED, "it may have been an interruption of the first process"
    transcript.copies.machine.wait(5)
    transcript.is_interrupted()
    assert transcript.commits() == 0
