"""A checkpoint and journals that cannot be read or were cut back: no wrong grant and no false alarm."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

import coord.engine.cache.checkpoint
import coord.engine.cache.older_checkpoints
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import VERSION, Event, SessionStarted, add_time
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


class Other(Struct):
    """A fold in the format of another version of the code."""

    something: str


class Scene:
    """Two sessions, of which the second holds droplet/x. The checkpoint contains everything."""

    def __init__(self, repo: Repo) -> None:
        self.machine = SimulatedMachine(repo)
        self.first, self.second = self.machine.start(100), self.machine.start(200)
        assert self.machine.run(200, "claim", "droplet", "x").code == 0
        assert self.machine.run(100, "heartbeat", "a", "b").code == 0
        self.journal = repo.log / f"{self.second}.jsonl"

    @contextmanager
    def unreadable(self) -> Iterator[None]:
        """Replace the journal by a folder for a while."""
        kept: Path = self.journal.rename(self.journal.with_suffix(".kept"))
        self.journal.mkdir()
        yield
        self.journal.rmdir()
        kept.rename(self.journal)


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the checkpoint was saved by other code."""
    monkeypatch.setattr(coord.engine.cache.checkpoint, "code_version", lambda: "another")


def test_claims_in_an_unreadable_journal_are_still_held(scene: Scene) -> None:
    with scene.unreadable():
        for _ in range(2):
            refused = scene.machine.run(100, "claim", "droplet", "x")
            assert refused.code == 1
            assert scene.second in refused.out
            assert "droplet/x" in scene.machine.run(100, "claims").out
        assert f"{scene.second}.jsonl cannot be used" in scene.machine.run(100, "status").out
        assert scene.machine.run(100, "claim", "droplet", "mine").code == 0


@pytest.mark.parametrize("command", [("claim", "droplet", "x"), ("claim", "droplet", "mine"), ("heartbeat", "a", "b")])
def test_if_the_claims_are_unknown_nothing_is_granted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    other_code(monkeypatch)
    with scene.unreadable():
        own = scene.journal.with_name(f"{scene.first}.jsonl")
        before = own.read_bytes()
        for _ in range(2):
            refused = scene.machine.run(100, *command)
            assert (refused.code, refused.out) == (4, "")
            assert f"{scene.second}.jsonl cannot be read" in refused.err
            assert "Nothing was written" in refused.err
        assert own.read_bytes() == before
        assert scene.machine.run(100, "status").code == 0  # reading is allowed
    assert scene.machine.run(100, "claim", "droplet", "x").code == 1


@pytest.mark.parametrize("other", [False, True], ids=["same code", "other code"])
def test_a_journal_readable_again_is_not_reported_as_rewound(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    if other:
        other_code(monkeypatch)
    with scene.unreadable():
        scene.machine.run(100, "heartbeat", "c", "d")
        scene.machine.run(100, "claims")
    for command in ("status", "claims", "whoami"):
        assert "rewound" not in scene.machine.run(100, command).both
    assert scene.machine.run(200, "heartbeat", "e", "f", "--json").json["session"] == scene.second
    assert "rewound" not in scene.machine.run(100, "status").both
    assert scene.machine.run(100, "claim", "droplet", "x").code == 1


@pytest.mark.parametrize("other", ["another fold", "a fold of another form"])
@pytest.mark.parametrize("change", ["cut back", "gone"])
def test_a_checkpoint_of_other_code_still_detects_rewinds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: str, other: str
) -> None:
    if other == "another fold":
        other_code(monkeypatch)
    else:
        folder = str(scene.machine.repo.folder / ".cache")
        saved, _ = coord.engine.cache.checkpoint.load(folder)
        monkeypatch.setattr(coord.engine.cache.checkpoint, "SavedFold", Other)
        coord.engine.cache.checkpoint.save(folder, saved.seen, saved.told, Other("what nobody here can read"))  # type: ignore[arg-type]
        monkeypatch.undo()
    if change == "gone":
        scene.journal.unlink()
    else:
        scene.journal.write_bytes(scene.journal.read_bytes().splitlines(keepends=True)[0])
    for _ in range(2):
        assert f"{scene.second}.jsonl was rewound" in scene.machine.run(100, "status").out
    assert "rewound" in scene.machine.run(100, "heartbeat", "c", "d").err
    assert f"{scene.second}.jsonl was rewound" in scene.machine.run(100, "status").out


def test_an_older_checkpoint_does_not_hide_a_rewind(scene: Scene, monkeypatch: pytest.MonkeyPatch, repo: Repo) -> None:
    other_code(monkeypatch)
    monkeypatch.setattr(coord.engine.cache.older_checkpoints, "_MIN_INTERVAL", 1)
    scene.journal.write_bytes(scene.journal.read_bytes().splitlines(keepends=True)[0])
    scene.machine.wait(10)
    assert scene.machine.run(100, "heartbeat", "c", "d").code == 0
    hello = SessionStarted(client="shell", machine="elsewhere")
    late = Event(v=VERSION, at=add_time(scene.machine.now, -5), session="late-one", n=1, payload=hello)
    (repo.log / "late-one.jsonl").write_bytes(encode_line(late, NO_HASH)[0])
    assert f"{scene.second}.jsonl was rewound" in scene.machine.run(100, "status").out


def test_a_damaged_fold_in_a_checkpoint_is_not_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before = scene.machine.run(100, "claims").out
    saved, folded = coord.engine.cache.checkpoint.load(str(scene.machine.repo.folder / ".cache"))
    assert folded is not None
    folded.state.claims.clear()
    folder = str(scene.machine.repo.folder / ".cache")
    with monkeypatch.context() as patch:
        other_code(patch)
        coord.engine.cache.checkpoint.save(folder, saved.seen, saved.told, folded)
    assert scene.machine.run(100, "claims").out == before
