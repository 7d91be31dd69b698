"""Predictable session ids and simulated waits, for tests that run commands of random scripts inside the test."""

import signal
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from coord.platform.watch import Interrupted


def name_sessions(monkeypatch: pytest.MonkeyPatch, numbers: Iterable[int]) -> None:
    """Give new sessions the ids `session-NNN` with these numbers, so that a seed always gives the same run."""
    names = iter(numbers)
    monkeypatch.setattr("coord.engine.transaction.new_id", lambda taken: f"session-{next(names):03}")


def simulate_waits(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let `coord claim --wait` check three times, with a call of `meanwhile` after each, and then get a Ctrl-C."""

    def wait_for(folder: str, poll: Callable[[], tuple[Any, str]], wall: object, caught: list[int]) -> Any:
        for _ in range(3):
            if (found := poll()[0]) is not None:
                return found
            meanwhile()
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr("coord.cli.commands.claims._wait.wait_for", wait_for)
