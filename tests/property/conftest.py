"""A fixture that several property tests share."""

import pytest

from coord.workspace.paths import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace without a repository. Each example empties and fills it."""
    root = tmp_path_factory.mktemp("root")
    return Workspace(str(root / "COORDINATION"), str(root), None)
