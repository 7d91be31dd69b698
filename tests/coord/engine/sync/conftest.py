"""Machines that share a remote."""

from pathlib import Path

import pytest

from tests.support.simulated_machines import Node, Nodes


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    return Nodes(tmp_path, "ab", monkeypatch)


@pytest.fixture
def two(nodes: Nodes) -> list[Node]:
    return nodes.join("a", "b")
