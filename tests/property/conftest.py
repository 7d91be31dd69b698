"""The fixture that the property tests share."""

import pytest

from coord.workspace.paths import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder of coord without a repository; each example fills it anew."""
    root = tmp_path_factory.mktemp("root")
    return Place(str(root / "COORDINATION"), str(root), None)
