"""Older checkpoints that are missing, damaged, foreign or outdated: the past is always what the journals say."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from coord.engine.cache import ended, older_checkpoints
from coord.engine.history import recent
from coord.engine.history.full import FullHistory
from coord.engine.history.recent import RecentHistory, open_past
from coord.workspace.paths import find_workspace
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    DAY_S,
    VERSION,
    AnyPayload,
    ClaimRequested,
    Event,
    Instant,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from eventlog.local.journal import read_events
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.journals import lines_of
from tests.support.repositories import Repo

COMMANDS = (
    ("status", "--json"),
    ("claims", "--json"),
    ("board", "--json"),
    ("inbox", "--json", "--peek"),
)
THEN = add_time(NOON, 630)


@pytest.fixture
def machine(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> SimulatedMachine:
    """Two sessions that work for twenty minutes, with an older checkpoint after every second event."""
    monkeypatch.setattr(older_checkpoints, "_MIN_INTERVAL", 2)
    machine = SimulatedMachine(repo)
    first, second = machine.start(100, "--name", "one"), machine.start(200, "--name", "two")
    for number in range(5):
        machine.each_minute(
            (100, ("claim", "droplet", f"x{number}", "--ttl", "3m")),
            (200, ("heartbeat", "building", f"part {number}", "--blocked-on", f"review {number // 2}")),
            (100, ("send", second, f"Question {number}", "?", "--needs-ack")),
            (200, ("claim", "droplet", f"y{number}")),
        )
    assert machine.run(200, "ack", f"{first}/3").code == 0
    return machine


def cache(machine: SimulatedMachine) -> Path:
    return machine.repo.folder / ".cache"


def older(machine: SimulatedMachine) -> list[Path]:
    """The files of the older checkpoints, the newest last."""
    return sorted(cache(machine).glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))


def answers(machine: SimulatedMachine, at: Instant = THEN) -> list[object]:
    """What the commands that show the past print."""
    words = [*((*command, "--at", at) for command in COMMANDS), ("diff", at), ("diff", at, "-1m", "--json")]
    words += [("report", "--since", at), ("report", "--since", at, "--until", "-1m", "--json")]
    return [(result.out, result.err, result.code) for result in (machine.run(200, *each) for each in words)]


def answers_of_all_events(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch, at: Instant = THEN
) -> list[object]:
    with monkeypatch.context() as patch:
        patch.setattr(recent, "older_checkpoint_before", lambda folder, key: None)
        return answers(machine, at)


def is_recent(machine: SimulatedMachine, at: Instant = THEN) -> bool:
    """Whether only the end of the history is read."""
    system = machine.system(100, {})
    past = open_past(system, find_workspace(system, None), lambda past: past.cut(at, "--at"))
    return isinstance(past, RecentHistory)


def test_the_past_is_read_from_an_older_checkpoint(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_recent(machine)
    found = answers(machine)
    assert found == answers_of_all_events(machine, monkeypatch)
    monkeypatch.setattr(FullHistory, "__init__", lambda *values, **more: pytest.fail("all events were read"))
    assert answers(machine) == found


@pytest.mark.parametrize("number", [1, 9])
def test_an_event_id_is_found_in_its_journal(machine: SimulatedMachine, number: int) -> None:
    journal = max(machine.repo.log.glob("*.jsonl"))
    name = f"{journal.stem}/{number}"
    expected = machine.run(100, "status", "--at", f"{journal.stem[:-1]}/{number}")
    assert machine.run(100, "status", "--at", name).out == expected.out
    assert is_recent(machine, name) == (number == 9)  # the first event is before all older checkpoints
    missing = machine.run(100, "status", "--at", f"{journal.stem}/999")
    assert (missing.code, missing.out) == (2, "")
    assert "there is no event" in missing.err


def test_sessions_that_were_archived_since_are_read(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their journals are found by what was added to the index, and no row is looked for that cannot be there."""
    monkeypatch.setattr(ended, "MAX_PENDING_BYTES", 600)  # some entries are pending, others are in the files
    times = []
    for number in range(4):
        session = machine.start(300, "--new", "--no-anchor", "--name", f"short {number}")
        for words in (
            ("claim", "droplet", f"z{number}"),
            ("heartbeat", "digging", "deep"),
            ("end", "--summary", "dug"),
        ):
            machine.wait(60)
            assert machine.run(300, *words, "--session", session).code == 0
            times.append(machine.now)
        machine.wait(DAY_S + 60)
    machine.start(300, "--new", "--no-anchor")
    assert len(list((machine.repo.log / "ended").glob("*.jsonl"))) == 4
    machine.each_minute(*((100, ("heartbeat", "reading", str(number))) for number in range(3)))
    expected = [answers_of_all_events(machine, monkeypatch, at) for at in times]
    with monkeypatch.context() as patch:
        patch.setattr(FullHistory, "__init__", lambda *values, **more: pytest.fail("all events were read"))
        assert [answers(machine, at) for at in times] == expected
    for path in (cache(machine) / "index").iterdir():
        damage(path)
    assert [answers(machine, at) for at in times] == expected


def damage(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("spoil", [damage, remove, cut])
@pytest.mark.parametrize("all_of_them", [False, True])
def test_an_unusable_older_checkpoint_is_not_used(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], all_of_them: bool
) -> None:
    expected = answers(machine)
    for path in older(machine)[:: 1 if all_of_them else 2]:
        spoil(path)
    assert is_recent(machine) != all_of_them
    assert answers(machine) == expected


def test_a_foreign_older_checkpoint_is_not_used(
    machine: SimulatedMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(machine)
    there = SimulatedMachine(machine.repo)
    kept = tmp_path / "kept"
    shutil.copytree(machine.repo.folder, kept)
    shutil.rmtree(machine.repo.log)
    shutil.rmtree(cache(machine))
    machine.repo.log.mkdir()
    there.start(300, "--new")
    for number in range(9):
        there.run(300, "heartbeat", "elsewhere", str(number))
    foreign = [(path.name, path.read_bytes()) for path in older(there)]
    shutil.rmtree(machine.repo.folder)
    shutil.copytree(kept, machine.repo.folder)
    for path in older(machine):
        path.unlink()
    for name, data in foreign:
        (cache(machine) / name).write_bytes(data)
    assert foreign
    assert not is_recent(machine)
    assert answers(machine) == expected


def arrive(machine: SimulatedMachine, at: Instant) -> None:
    """Add the journal of another machine, with a claim at this time."""
    previous, data = NO_HASH, b""
    payloads: tuple[AnyPayload, ...] = (
        SessionStarted(client="shell", machine="elsewhere"),
        ClaimRequested(resource="droplet/late", mode="exclusive", ttl_s=7200, told="granted"),
    )
    for n, payload in enumerate(payloads, 1):
        line, previous = encode_line(
            Event(v=VERSION, at=add_time(at, n), session="late-one", n=n, payload=payload), previous
        )
        data += line
    (machine.repo.log / "late-one.jsonl").write_bytes(data)


@pytest.mark.parametrize("seen", [False, True])
def test_older_checkpoints_before_a_late_journal_are_outdated(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    stale = [(path, path.read_bytes()) for path in older(machine)]
    arrive(machine, add_time(NOON, 300))
    if seen:
        machine.run(100, "heartbeat", "c", "d")
        for path, data in stale:  # as if they had not been deleted
            path.write_bytes(data)
    assert "droplet/late" in str(answers(machine))
    assert answers(machine) == answers_of_all_events(machine, monkeypatch)


def test_older_checkpoints_of_other_lines_are_not_used(machine: SimulatedMachine) -> None:
    """The number of events is the same, and so are the names and the times."""
    machine.each_minute(*((100, ("heartbeat", "reading", str(number))) for number in range(3)))
    stale = [(path, path.read_bytes()) for path in older(machine)]
    journal = max(machine.repo.log.glob("*.jsonl"), key=lambda path: b"part 1" in path.read_bytes())
    events = list(read_events(str(machine.repo.log), journal.stem))
    other = [
        replace(event, payload=replace(event.payload, target="other!"))
        if isinstance(event.payload, SessionHeartbeat)
        else event
        for event in events
    ]
    journal.write_bytes(b"".join(lines_of(other)))
    (cache(machine) / "checkpoint").unlink()
    machine.run(100, "heartbeat", "c", "d")
    for path, data in stale:
        path.write_bytes(data)
    for at in (THEN, add_time(machine.now, -30)):  # before the last event of that journal, and after it
        assert not is_recent(machine, at)
        assert "part 4" not in str(answers(machine, at))


@pytest.mark.slow
def test_a_rewound_or_damaged_journal_is_noticed(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = max(machine.repo.log.glob("*.jsonl"))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-2]))
    assert answers(machine) == answers_of_all_events(machine, monkeypatch)
    machine.run(100, "heartbeat", "c", "d")
    journal.write_bytes(b"".join([*lines[:4], b"damage\n", *lines[5:], b"more damage\n"]))
    assert "damaged" in str(answers(machine))
    assert answers(machine) == answers_of_all_events(machine, monkeypatch)


def killed_after(left: list[None], real: Callable[..., None], *values: object, **more: object) -> None:
    """Do what `real` does, as often as `left` is long."""
    if not left:
        raise KeyboardInterrupt
    left.pop()
    real(*values, **more)


@pytest.mark.slow
def test_a_kill_between_the_writes_of_checkpoints_is_harmless(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process is killed before each of the files that it replaces or deletes: no later answer is different."""
    for limit in range(12):
        arrive(machine, add_time(NOON, 900 - 60 * limit))  # an earlier time each time, so everything is folded again
        left: list[None] = [None] * limit
        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                patch.setattr(os, name, partial(killed_after, left, getattr(os, name)))
            with suppress(BaseException):
                machine.run(100, "heartbeat", "c", str(limit))
        assert answers(machine) == answers_of_all_events(machine, monkeypatch)
