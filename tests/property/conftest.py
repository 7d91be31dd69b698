"""Fixtures that several property tests share."""

from collections.abc import Iterator

import pytest

from coord.engine.cache import ended, older_checkpoints
from coord.workspace.paths import Workspace
from eventlog import history


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace without a repository. Each example empties and fills it."""
    root = tmp_path_factory.mktemp("root")
    return Workspace(str(root / "COORDINATION"), str(root), None)


@pytest.fixture(scope="module")
def small_pieces() -> Iterator[None]:
    """The log is read in small pieces, with an older checkpoint every few events. The rows of sessions leave the state
    soon after these ended.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(older_checkpoints, "_MIN_INTERVAL", 4)
        patch.setattr(ended, "ARCHIVE_AFTER_S", 20)
        patch.setattr(ended, "MAX_PENDING_BYTES", 300)
        patch.setattr(ended.EndedRows, "_is_archived", lambda rows, name, history: True)
        patch.setattr(history, "_BUFFER_BYTES", 2000)
        patch.setattr(history, "_MIN_CHUNK_BYTES", 500)
        yield
