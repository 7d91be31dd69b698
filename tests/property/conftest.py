"""The fixture that the property tests share."""

import pytest

from coord.workspace.paths import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A folder of coord without a repository; each example fills it anew."""
    root = tmp_path_factory.mktemp("root")
    return Workspace(str(root / "COORDINATION"), str(root), None)
