"""Reading a journal fails, and the cache does not have all of it: no claim is granted twice (promise 3), no
acknowledged event is treated as a tear (promise 1), and no incomplete cache is saved.
"""

import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

ALWAYS = 0


class UnreadableJournal:
    """Lets opening a journal for reading fail: the n-th time, or `ALWAYS`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, journal: Path, n: int) -> None:
        self.journal, self.n, self.turn, self._open = str(journal), n, 0, os.open
        monkeypatch.setattr(os, "open", self.open)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Replace `os.open`."""
        if path == self.journal and not flags & os.O_APPEND:
            self.turn += 1
            if self.n in (ALWAYS, self.turn):
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return self._open(path, flags, mode)


class Scene:
    """Two sessions, of which the second holds droplet/x. The cache is older than this claim, or deleted."""

    def __init__(self, repo: Repo, cache: str) -> None:
        self.machine, kept = SimulatedMachine(repo), repo.home / "kept"
        self.first, self.second = self.machine.start(100), self.machine.start(200)
        shutil.copytree(repo.folder / ".cache", kept)
        assert self.machine.run(200, "claim", "droplet", "x").code == 0
        shutil.rmtree(repo.folder / ".cache")
        if cache == "old":
            shutil.copytree(kept, repo.folder / ".cache")
        self.journal = repo.log / f"{self.second}.jsonl"


@pytest.fixture(params=["old", "none"])
def scene(repo: Repo, request: pytest.FixtureRequest) -> Scene:
    return Scene(repo, request.param)


def test_claims_in_an_unreadable_journal_are_not_granted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before = scene.machine.repo.bytes()
    with monkeypatch.context() as patch:
        UnreadableJournal(patch, scene.journal, ALWAYS)
        refused = scene.machine.run(100, "claim", "droplet", "x")
        assert (refused.code, refused.out) == (4, "")
        assert f"{scene.second}.jsonl cannot be read" in refused.err
        assert scene.machine.run(100, "status").code == 0  # reading is allowed
    assert scene.machine.repo.bytes() == before
    assert scene.machine.run(100, "claim", "droplet", "x").code == 1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("shell", [100, 200], ids=["another's", "one's own"])
def test_a_failed_read_loses_nothing_and_grants_nothing_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, shell: int, n: int
) -> None:
    before = scene.journal.read_bytes()
    with monkeypatch.context() as patch:
        UnreadableJournal(patch, scene.journal, n)
        asked = scene.machine.run(shell, "claim", "droplet", "x")
    assert "Traceback" not in asked.err
    assert asked.code in ((1, 4) if shell == 100 else (0, 3, 4)), asked
    assert scene.journal.read_bytes().startswith(before)
    assert scene.machine.run(100, "claim", "droplet", "x").code == 1
    assert scene.machine.run(200, "heartbeat", "a", "b", "--json").json["session"] == scene.second
    assert scene.machine.run(100, "verify").code == 0


@pytest.mark.parametrize("n", range(1, 9))
def test_a_cache_without_a_completed_line_is_not_saved(repo: Repo, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    scene = Scene(repo, "none")
    scene.journal.write_bytes(scene.journal.read_bytes()[:-1])
    scene.machine.wait(1)
    with monkeypatch.context() as patch:
        UnreadableJournal(patch, scene.journal, n)
        asked = scene.machine.run(200, "heartbeat", "a", "b")
    assert asked.code in (0, 4), asked
    scene.machine.run(200, "heartbeat", "c", "d")
    assert scene.machine.run(100, "verify").code == 0
    assert scene.machine.run(100, "claim", "droplet", "x").code == 1
