"""Fixtures shared by the tests of the event log."""

from pathlib import Path

import pytest

from tests.support.journals import SESSION, WHOLE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three events."""
    file = tmp_path / f"{SESSION}.jsonl"
    file.write_bytes(WHOLE)
    return file
