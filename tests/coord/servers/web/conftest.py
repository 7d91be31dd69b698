"""A process that acts as the page does."""

from collections.abc import Iterator

import pytest

from tests.support.acting import ActingPage
from tests.support.repositories import Repo


@pytest.fixture
def page(repo: Repo) -> Iterator[ActingPage]:
    page = ActingPage(repo)
    yield page
    page.close()
