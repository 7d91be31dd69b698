"""Waiting pauses until the time at which the result may change, and ends at a signal."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.platform import watch
from coord.platform.watch import POLL_EVERY_S, Interrupted, collect_signals, wait_for
from eventlog.events import NEVER, Instant, add_time
from tests.support.in_process import NOON


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The length of each pause, in seconds, without real pauses."""
    found: list[float] = []

    def pauser(folder: str) -> Callable[[float, list[int]], None]:
        return lambda seconds, caught: found.append(seconds)

    monkeypatch.setattr(watch, "_pauser", pauser)
    return found


def polls(*dues: Instant) -> Callable[[], tuple[str | None, Instant]]:
    """A poll that returns no result for each of these times, and then "done"."""
    left = list(dues)
    return lambda: (None, left.pop(0)) if left else ("done", "")


@pytest.mark.parametrize(
    ("due", "seconds"),
    [(add_time(NOON, 2), 2.0), (add_time(NOON, 60), POLL_EVERY_S), (NEVER, POLL_EVERY_S), (add_time(NOON, -1), 0.001)],
)
def test_it_pauses_until_the_result_may_change(
    tmp_path: Path, pauses: list[float], due: Instant, seconds: float
) -> None:
    assert wait_for(str(tmp_path), polls(due), lambda: NOON, []) == "done"
    assert pauses == [seconds]


def test_a_result_that_exists_is_returned_without_a_pause(tmp_path: Path, pauses: list[float]) -> None:
    assert wait_for(str(tmp_path), polls(), lambda: NOON, [signal.SIGINT]) == "done", "also after a signal"
    assert pauses == []


def test_a_signal_during_a_poll_ends_the_wait_without_a_pause(tmp_path: Path, pauses: list[float]) -> None:
    caught: list[int] = []

    def look() -> tuple[str | None, Instant]:
        assert caught == [], "it does not poll again"
        caught.append(signal.SIGTERM)
        return None, NEVER

    with pytest.raises(Interrupted) as stopped:
        wait_for(str(tmp_path), look, lambda: NOON, caught)
    assert stopped.value.args == (signal.SIGTERM,)
    assert pauses == []


def test_a_signal_during_a_pause_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_pauser", lambda folder: lambda seconds, caught: caught.append(signal.SIGINT))
    with pytest.raises(Interrupted):
        wait_for(str(tmp_path), polls(NEVER), lambda: NOON, [])


def test_signals_are_collected_only_during_the_wait() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    caught: list[int] = []
    with collect_signals(caught):
        for number in numbers:
            signal.raise_signal(number)
    assert caught == list(numbers)
    assert [signal.getsignal(number) for number in numbers] == before


def test_without_file_events_it_sleeps_only_until_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[int] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) < 9
        caught.extend([signal.SIGINT] * (len(slept) == 3))

    monkeypatch.setattr("time.sleep", sleep)
    watch._sleep(3600, caught)
    assert len(slept) == 3
    assert max(slept) <= 1
