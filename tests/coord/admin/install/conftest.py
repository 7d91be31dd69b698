"""The fixture of the tests that install into a home folder and a repository."""

import pytest

from tests.support.installations import Machine
from tests.support.repositories import Repo


@pytest.fixture
def machine(repo: Repo) -> Machine:
    return Machine(repo)
