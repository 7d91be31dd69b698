"""What the tests of the command share: a fresh repository, with and without COORDINATION/."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Repo, bare, install


@pytest.fixture
def bare_repo(tmp_path: Path) -> Iterator[Repo]:
    yield from bare(tmp_path)


@pytest.fixture
def repo(bare_repo: Repo) -> Repo:
    return install(bare_repo)
