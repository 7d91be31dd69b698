"""`coord verify` compares the whole state of the checkpoint, and reports why a checkpoint is not used."""

from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from coord.admin.verify import VerifyResult, verify
from coord.engine.cache.checkpoint import NAME, Checkpoint, SavedFold, load, save
from coord.platform.code_version import code_version
from coord.platform.replace_file import replace_file
from coord.workspace.paths import Workspace, find_workspace
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


class Scene:
    """A log with two claims, and a checkpoint of it."""

    def __init__(self, repo: Repo) -> None:
        self.machine = SimulatedMachine(repo)
        for shell in (100, 200, 300):
            self.machine.start(shell)
        for name in ("droplet/x", "droplet/y"):
            assert self.machine.run(100, "claim", name).code == 0

    @property
    def workspace(self) -> Workspace:
        return find_workspace(self.machine.system(300, {}), None)

    def verify(self) -> VerifyResult:
        return verify(self.machine.system(300, {}), self.workspace)

    def folded(self) -> tuple[Checkpoint, SavedFold]:
        saved, folded = load(self.workspace.cache)
        assert folded is not None
        return saved, folded


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def test_a_different_order_of_claims_is_a_difference(scene: Scene) -> None:
    assert scene.verify().checkpoint == "same"
    saved, folded = scene.folded()
    folded.state.claims = dict(reversed(folded.state.claims.items()))
    save(scene.workspace.cache, saved.seen, saved.told, folded)
    assert scene.verify().checkpoint == "different"
    assert not scene.verify().whole


@pytest.mark.parametrize(("code", "said"), [("", "damaged"), ("another", "other code")])
def test_an_unreadable_fold_is_damaged_unless_of_other_code(scene: Scene, code: str, said: str) -> None:
    saved, _ = scene.folded()
    data = msgspec.msgpack.encode(Checkpoint(code or code_version(), saved.seen, [], b"\xc1nonsense"))
    path = Path(scene.workspace.cache, NAME)
    replace_file(str(path), blake2b(data, digest_size=16).digest() + data)
    assert scene.verify().checkpoint == said
    assert scene.verify().whole, "a bad cache does not damage the log"
