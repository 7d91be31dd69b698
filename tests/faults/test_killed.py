"""Writers that are killed at any time: no acknowledged event is lost, nothing is damaged, no files are left behind."""

import json
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from tests.support.processes import COORD, GUARD_S, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

WRITERS, COMMANDS = 6, 10


def test_killed_writers_lose_no_acknowledged_event(repo: Repo) -> None:
    env = environment(repo.home)
    sessions = [
        json.loads(
            subprocess.run(
                [COORD, "start", "--no-anchor", "--json"], cwd=repo.root, env=env, check=True, capture_output=True
            ).stdout
        )["session"]
        for _ in range(WRITERS)
    ]
    acknowledged: dict[str, str] = {}
    killed: list[int] = []
    strange: list[bytes] = []

    def write(number: int) -> None:
        chance = random.Random(number)
        for turn in range(COMMANDS):
            subject = f"message {turn} of {sessions[number]}"
            words = [COORD, "send", "broadcast", subject, "--json", "--session", sessions[number]]
            with subprocess.Popen(
                words, cwd=repo.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as command:
                if chance.random() < 0.6:
                    time.sleep(chance.uniform(0.05, 0.5))
                    command.kill()
                out, err = command.communicate(timeout=GUARD_S)
            if out.endswith(b"}\n"):
                acknowledged[json.loads(out)["message"]] = subject
            if command.returncode == -signal.SIGKILL:
                killed.append(number)
            elif command.returncode or b"Traceback" in err:
                strange.append(err)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert strange == []
    assert killed
    assert acknowledged
    for again in (False, True):
        if again:
            shutil.rmtree(repo.folder / ".cache")
        status = repo.shell().run("coord status --json")
        assert (status.code, status.err) == (0, "")
        assert [need for need in status.json["needs"] if need["kind"] == "journal"] == []
    for session in sessions:  # a session whose last line is torn repairs it and continues
        assert repo.shell().json(f"coord heartbeat a b --session {session}")["session"] == session
    said = {f"{event['session']}/{event['n']}": event["event"].get("subject") for event in repo.events()}
    assert {name: said.get(name) for name in acknowledged} == acknowledged
    times = [event["at"] for event in repo.events()]
    assert len(set(times)) == len(times), "two events of one machine have the same time"


@pytest.mark.parametrize("init", ["coord init", "coord init --track"])
def test_git_ignores_the_files_of_a_killed_command(bare_repo: Repo, init: str) -> None:
    shell = bare_repo.shell()
    shell.ok(f"{init}; coord start; git add -A; git commit -qm all")
    before = shell.ok("git status --porcelain -uall")
    patch = bare_repo.home / "patch"
    patch.mkdir()
    patch.joinpath("sitecustomize.py").write_text(
        "import os, signal\nos.replace = lambda *words: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert shell.run(f"PYTHONPATH={patch} coord heartbeat a b").code == 128 + signal.SIGKILL
    assert [path.name for path in bare_repo.folder.rglob("*.tmp")] != []
    seen = shell.ok("git status --porcelain -uall").splitlines()
    assert [line for line in seen if line not in before.splitlines() and not line.endswith(".jsonl")] == []
    assert shell.run("coord heartbeat a b").code == 0
    assert list(bare_repo.folder.rglob("*.tmp")) == []
