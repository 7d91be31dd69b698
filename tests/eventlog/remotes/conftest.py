"""The places of the conformance suite: a test that takes `place` runs once for each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.remote_places import PLACES, GitPlace, Place, has_git_daemon


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "git-daemon" and not has_git_daemon():
        pytest.skip("this git has no daemon")
    place = PLACES[request.param](tmp_path)
    yield place
    place.close()


@pytest.fixture
def bare(tmp_path: Path) -> GitPlace:
    return GitPlace(tmp_path)
