"""The eight old shell scripts accept their old arguments, without any variables set."""

import re

import pytest

from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NAMES = [
    "session-start.sh",
    "session-heartbeat.sh",
    "session-claim.sh",
    "session-release.sh",
    "session-send-message.sh",
    "session-check-messages.sh",
    "session-status.sh",
    "update-status-board.sh",
]
STARTS = {"from-the-root": ("", "./COORDINATION/scripts/"), "from-the-scripts": ("cd COORDINATION/scripts; ", "./")}


def test_each_of_the_eight_scripts_only_calls_coord(repo: Repo) -> None:
    folder = repo.folder / "scripts"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    for path in folder.iterdir():
        lines = path.read_text().splitlines()
        assert len(lines) <= 6
        assert lines[0] == "#!/bin/sh"
        assert lines[-1].startswith("exec coord ")
        assert path.stat().st_mode & 0o111


class Typist:
    """A shell in which the scripts are called by their paths, from one folder."""

    def __init__(self, shell: Shell, start: str) -> None:
        change_folder, self.prefix = STARTS[start]
        self.shell = shell
        shell.run(change_folder + "true")

    def __call__(self, line: str, code: int = 0) -> str:
        result = self.shell.run(self.prefix + line)
        assert (result.code, result.err) == (code, ""), (line, result)
        return result.out


@pytest.mark.parametrize("start", STARTS)
def test_the_old_example_of_two_sessions_still_works(repo: Repo, start: str) -> None:
    one, two = Typist(repo.shell(), start), Typist(repo.shell(), start)
    registered = re.match(r"✅ Session (\S+) registered\n", one("session-start.sh"))
    assert registered
    first = registered[1]
    assert one("session-claim.sh droplet church-guidance 4").startswith("✅ Claimed: droplet/church-guidance")
    one('session-heartbeat.sh "building" "church-guidance" "BUILD - landing page" "25%"')

    registered = re.match(r"✅ Session (\S+) registered\n", two("session-start.sh"))
    assert registered
    second = registered[1]
    status = two("session-status.sh")
    assert "🟢 ACTIVE SESSIONS" in status
    assert f"{first}: building church-guidance (25% complete)" in status
    assert "🔒 ACTIVE CLAIMS" in status
    assert f"droplet/church-guidance - {first}" in status
    taken = two("session-claim.sh droplet church-guidance 4", code=1)
    assert first in taken
    assert two("session-claim.sh droplet email-automation 3").startswith("✅ Claimed: droplet/email-automation")

    question = "Do you need the email templates? I'm building email-automation"
    two(f'session-send-message.sh {first} "Question" "{question}"')
    mail = one("session-check-messages.sh")
    assert "📬 DIRECT MESSAGES" in mail
    assert f"From: {second}" in mail
    assert "Subject: Question" in mail
    assert f"Message: {question}" in mail
    one(f'session-send-message.sh {second} "Yes!" "Great timing! Church-guidance needs email delivery"')
    assert "Church-guidance needs email delivery" in two("session-check-messages.sh")
    assert "No unread messages" in two("session-check-messages.sh")


@pytest.mark.parametrize("start", STARTS)
def test_the_old_example_of_a_droplets_phases_still_works(repo: Repo, start: str) -> None:
    one, two = Typist(repo.shell(), start), Typist(repo.shell(), start)
    one("session-start.sh")
    two("session-start.sh")
    one("session-claim.sh droplet my-droplet")
    one('session-send-message.sh broadcast "SPECS complete" "my-droplet ready for BUILD"')
    one('session-heartbeat.sh "building" "my-droplet" "BUILD - core functionality"')
    one('session-heartbeat.sh "building" "my-droplet" "BUILD - tests passing" "80%" "deploy"')
    board = (repo.folder / "STATUS_BOARD.md").read_text()
    for words in ("BUILD - tests passing", "80%", "deploy", "droplet/my-droplet", "SPECS complete"):
        assert words in board
    assert one("session-release.sh droplet my-droplet").startswith("🔓 Released: droplet/my-droplet")
    one('session-send-message.sh broadcast "Deployed" "my-droplet live on port 8003"')
    mail = two("session-check-messages.sh")
    assert "📢 BROADCASTS" in mail
    assert "my-droplet ready for BUILD" in mail
    assert "my-droplet live on port 8003" in mail
    (repo.folder / "STATUS_BOARD.md").unlink()
    two("update-status-board.sh")
    assert "Deployed" in (repo.folder / "STATUS_BOARD.md").read_text()


def test_the_heartbeat_script_accepts_zero_to_five_arguments(repo: Repo) -> None:
    one = Typist(repo.shell(), "from-the-root")
    one("session-start.sh")
    for words in ("a b c 10% d", "a b c 10%", "a b c", "a b", "a", ""):
        one(f"session-heartbeat.sh {words}")
    assert len(repo.of_type("session.heartbeat")) == 6


def test_the_scripts_pass_on_exit_codes(repo: Repo) -> None:
    shell = repo.shell()
    assert shell.run("./COORDINATION/scripts/session-claim.sh droplet x").code == 3
    shell.start()
    assert shell.run("./COORDINATION/scripts/session-claim.sh droplet").code == 2
    assert shell.run("./COORDINATION/scripts/session-release.sh droplet x").code == 1


def test_a_script_without_coord_says_that_it_is_missing(repo: Repo) -> None:
    result = repo.shell().run("PATH=/usr/bin:/bin ./COORDINATION/scripts/session-status.sh")
    assert result.code == 127
    assert "coord is not installed" in result.err
    assert result.err.count("\n") == 1
