"""A store of postings that is deleted, damaged or outdated changes no answer of `why` and `log --resource`."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import coord.cli.commands.history._answers as answers
import coord.cli.commands.history._posted as posted
import coord.engine.cache.checkpoint
from coord.engine.cache import buckets
from projections.postings.answers import NotPosted
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

QUESTIONS = (
    ("why", "src/app.py"),
    ("why", "src/never.py"),
    ("why", "port/8000"),
    ("why", "builder"),
    ("why", "src/app.py", "--json"),
    ("log", "--resource", "src/app.py"),
    ("log", "--resource", "src/app.py", "--json"),
    ("log", "--resource", "src/never.py"),
)


class Scene:
    """Two sessions that claimed, waited for, bypassed and released resources. All postings are in the files."""

    def __init__(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine, self.patch = SimulatedMachine(repo), monkeypatch
        monkeypatch.setattr("coord.engine.cache.ended.MAX_PENDING_BYTES", 100)
        self.first, self.second = self.machine.start(100, name="builder"), self.machine.start(200)
        for pid, *words in (
            (100, "claim", "file", "src/app.py"),
            (200, "claim", "file", "src/"),
            (200, "heartbeat", "reads", "--files", "src/app.py"),
            (100, "release", "file", "src/app.py"),
            (200, "claim", "port", "8000", "--new-type"),
            (200, "claim", "file", "src/*.py"),
            (100, "claim", "file", "src/app.py"),
            (200, "end"),
        ):
            self.machine.run(pid, *words)
            self.machine.wait(5)
        self.index = repo.folder / ".cache" / buckets.FOLDER

    def answers(self) -> list[tuple[int, str, str]]:
        found = (self.machine.run(100, *words) for words in QUESTIONS)
        return [(done.code, done.out, done.err) for done in found]

    def answers_from_journals(self) -> list[tuple[int, str, str]]:
        def refuse(*_: object) -> None:
            raise NotPosted("not used here")

        with pytest.MonkeyPatch.context() as patch:
            for module in (answers, posted):
                patch.setattr(module, "open_posted_history", refuse)
            return self.answers()


@pytest.fixture
def scene(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(repo, monkeypatch)


def test_the_answers_come_from_the_postings(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scene.answers_from_journals()
    assert any("rule 2" in out for _, out, _ in expected)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the whole history was read")

    monkeypatch.setattr("coord.engine.run.Run.full_history", refuse)
    assert scene.answers() == expected


def flipped(path: Path, spot: int) -> None:
    data = bytearray(path.read_bytes())
    data[spot] ^= 1
    path.write_bytes(bytes(data))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "first byte": lambda path: flipped(path, 0),
    "middle byte": lambda path: flipped(path, path.stat().st_size // 2),
    "last byte": lambda path: flipped(path, -1),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"something else\n" * 100),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"an unfinished chunk"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_postings_do_not_change_an_answer(scene: Scene, damage: str) -> None:
    expected = scene.answers_from_journals()
    files = list(scene.index.iterdir())
    assert files
    for path in files:
        DAMAGE[damage](path)
    assert scene.answers() == expected


def test_deleted_postings_are_written_again(scene: Scene) -> None:
    expected = scene.answers_from_journals()
    shutil.rmtree(scene.index)
    assert scene.answers() == expected
    scene.machine.run(100, "heartbeat", "goes", "on")
    scene.machine.run(100, "heartbeat", "goes", "on")
    assert scene.answers() == scene.answers_from_journals()


def test_postings_of_other_code_are_not_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scene.answers_from_journals()
    monkeypatch.setattr(coord.engine.cache.checkpoint, "code_version", lambda: "another")
    assert scene.answers() == expected
