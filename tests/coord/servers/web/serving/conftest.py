"""A page that is served by a real process."""

from collections.abc import Iterator

import pytest

from tests.support.pages import PageServer, serving
from tests.support.repositories import Repo


@pytest.fixture
def page(repo: Repo) -> Iterator[PageServer]:
    """The page of a fresh repository."""
    with serving(repo) as server:
        yield server
