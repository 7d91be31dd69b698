"""Many real processes at the same time: one gets the claim and the others are told its holder; each message arrives
once.

The variables COORD_ROUNDS and COORD_MESSAGES set how many rounds and messages there are.
"""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import Result, Shell, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("COORD_ROUNDS", "5"))
MESSAGES = int(os.environ.get("COORD_MESSAGES", "5"))


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold the log's lock, so that commands wait for it."""
    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def all_at_once(repo: Repo, sessions: list[tuple[Shell, str]], command: str) -> list[tuple[str, Result]]:
    """Run the command in all sessions at the same time: all wait for the log's lock, which is then released."""
    gate = repo.home / "gate"
    with held(repo.log / ".lock"):
        for shell, session in sessions:
            flag = repo.home / f"ready-{session}"
            shell.begin(f": >{flag}; until [ -e {gate} ]; do sleep 0.01; done; {command}")
        until(lambda: len(list(repo.home.glob("ready-*"))) == len(sessions), "all")
        gate.touch()
        started = [shell.pid for shell, _ in sessions]
        until(lambda: all(_runs_coord(pid) for pid in started), "the commands")
    results = [(session, shell.finish()) for shell, session in sessions]
    gate.unlink()
    for flag in repo.home.glob("ready-*"):
        flag.unlink()
    return results


def _runs_coord(shell: int) -> bool:
    children = Path(f"/proc/{shell}/task/{shell}/children")
    if not children.exists():
        return True  # not Linux: only the gate synchronises them
    try:
        return any(b"coord" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.read_text().split())
    except OSError:
        return False


@pytest.mark.parametrize("count", [2, 16])
def test_exactly_one_of_simultaneous_requests_is_granted(repo: Repo, count: int) -> None:
    repo.set(lock_wait_seconds=60)
    sessions = repo.sessions(count)
    for turn in range(ROUNDS):
        results = all_at_once(repo, sessions, f"coord claim build round-{turn}")
        assert Counter(result.code for _, result in results) == {0: 1, 1: count - 1}
        (winner,) = (session for session, result in results if result.code == 0)
        for session, result in results:
            assert result.err == ""
            if session == winner:
                assert f"Claimed: build/round-{turn}" in result.out
            else:
                assert f"Already claimed: build/round-{turn}" in result.out
                assert winner in result.out
    told = Counter((e["event"]["resource"], e["event"]["told"]) for e in repo.of_type("claim.requested"))
    assert told == {
        (f"build/round-{turn}", told): n
        for turn in range(ROUNDS)
        for told, n in (("granted", 1), ("refused", count - 1))
    }


def test_messages_sent_at_the_same_time_all_arrive_once(repo: Repo) -> None:
    repo.set(lock_wait_seconds=60)
    reader = repo.shell()
    to = reader.start()
    sessions = repo.sessions(16)
    loop = f"for i in $(seq {MESSAGES}); do coord send {to} from-$$-$i >/dev/null || exit 1; done"
    assert all(result.code == 0 for _, result in all_at_once(repo, sessions, loop))
    got: list[str] = []
    while messages := reader.json("coord inbox")["messages"]:
        got += [message["subject"] for message in messages]
    assert Counter(got) == {f"from-{shell.pid}-{i}": 1 for shell, _ in sessions for i in range(1, MESSAGES + 1)}


def test_sessions_started_at_the_same_time_all_exist_once(repo: Repo) -> None:
    shells = [(repo.shell(), str(n)) for n in range(8)]
    results = all_at_once(repo, shells, "coord start --json")
    ids = {result.json["session"] for _, result in results}
    assert len(ids) == 8
    rows = shells[0][0].json("coord status")["sessions"]
    assert {row["id"] for row in rows} == ids
