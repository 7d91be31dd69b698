"""How the sender of a message is told to wake an idle recipient, with a message of their client."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.guard.hook_state import folder_of
from eventlog.local.files import try_lock
from tests.support.agents import Agents
from tests.support.processes import Result
from tests.support.repositories import Repo

ADA, BEN, CODEX = 100, 200, 300


class Peers(Agents):
    """Ada and Ben in Claude Code, and an agent in Codex. Ben is idle, and his client has a file about his process."""

    def __init__(self, repo: Repo, home: Path) -> None:
        super().__init__(repo, {ADA: "claude", BEN: "claude", CODEX: "codex"})
        self.home = home
        self.sessions = {pid: self.starts(pid).context.partition("session ")[2].split(",")[0] for pid in self.clients}
        for pid in (BEN, CODEX):
            self.shell(pid, "true")
            self.hook(pid, "stop")
        self.says_who_ben_is()

    def says_who_ben_is(self, **more: Any) -> None:
        """Write the file of Ben's client."""
        file = self.home / ".claude" / "sessions" / f"{BEN}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"pid": BEN, "sessionId": f"c{BEN}", "name": "repo-8e", "status": "idle"} | more))

    def send(self, pid: int, to: str, *more: str) -> Result:
        """Send a message as an agent whose home is that of the clients."""
        ids = {"CODEX_THREAD_ID": f"c{pid}"} if self.clients[pid] == "codex" else {"CLAUDE_CODE_SESSION_ID": f"c{pid}"}
        return self.machine.run(pid, "send", to, "Question", "May I?", *more, HOME=str(self.home), **ids)


@pytest.fixture
def peers(repo: Repo, tmp_path: Path) -> Peers:
    return Peers(repo, tmp_path / "home-of-clients")


def test_a_sender_is_told_how_to_wake_an_idle_agent(peers: Peers) -> None:
    ben = peers.sessions[BEN]
    document = peers.send(ADA, ben, "--json").json
    how = f'call SendMessage with to "repo-8e", message "coord inbox {document["message"]}"'
    assert document["rings"] == [{"session": ben, "how": how}]
    assert f'🔔 {ben} is idle. To wake it: call SendMessage with to "repo-8e"' in peers.send(ADA, ben).out
    assert peers.send(ADA, f"{ben},{peers.sessions[CODEX]}").out.count("🔔") == 1


def test_a_reply_says_how_to_wake_the_one_that_asked(peers: Peers) -> None:
    asked = peers.coord(BEN, "send", peers.sessions[ADA], "Question", "--json").json["message"]
    ids = {"CLAUDE_CODE_SESSION_ID": f"c{ADA}", "HOME": str(peers.home)}
    assert "🔔" in peers.machine.run(ADA, "reply", asked, "Yes.", **ids).out


def test_an_agent_at_work_is_not_rung(peers: Peers) -> None:
    peers.hook(BEN, "prompt")
    peers.machine.wait(60)
    peers.shell(BEN, "true")
    assert "🔔" not in peers.send(ADA, peers.sessions[BEN]).out, "its next hook shows it the message"


def test_a_broadcast_rings_nobody(peers: Peers) -> None:
    assert "🔔" not in peers.send(ADA, "broadcast", "--urgency", "high").out


def test_an_agent_of_another_client_or_a_person_cannot_ring(peers: Peers) -> None:
    assert "🔔" not in peers.send(CODEX, peers.sessions[BEN]).out
    assert "🔔" not in peers.send(ADA, peers.sessions[CODEX]).out


def test_an_agent_that_a_hook_wakes_is_not_rung(peers: Peers) -> None:
    path = Path(folder_of(str(peers.repo.folder / ".cache"), peers.sessions[BEN]), "waker")
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    assert try_lock(fd)
    assert "🔔" not in peers.send(ADA, peers.sessions[BEN]).out
    os.close(fd)
    assert "🔔" in peers.send(ADA, peers.sessions[BEN]).out, "the background hook has ended"


@pytest.mark.parametrize(
    "more",
    [
        {"sessionId": "another conversation"},
        {"name": ""},
        {"name": 'x", message "rm'},
        {"name": "two\nlines"},
        {"name": "x" * 100},
        {"name": 3},
        {"sessionId": None},
    ],
)
def test_a_file_that_does_not_name_the_session_is_not_used(peers: Peers, more: dict[str, Any]) -> None:
    peers.says_who_ben_is(**more)
    result = peers.send(ADA, peers.sessions[BEN])
    assert (result.code, "🔔" in result.out) == (0, False)


@pytest.mark.parametrize("kind", ["missing", "damaged", "a folder", "a pipe", "too large"])
def test_a_file_that_cannot_be_read_is_not_used(peers: Peers, kind: str) -> None:
    file = peers.home / ".claude" / "sessions" / f"{BEN}.json"
    text = file.read_bytes()
    file.unlink()
    if kind == "damaged":
        file.write_bytes(text[:-1])
    elif kind == "a folder":
        file.mkdir()
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "too large":
        file.write_bytes(text + b" " * (1 << 17))
    result = peers.send(ADA, peers.sessions[BEN])
    assert (result.code, "🔔" in result.out) == (0, False)
