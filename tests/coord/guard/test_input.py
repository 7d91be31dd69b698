"""The input of a hook: it ends with the input or with the JSON document, and waiting for it has a limit."""

import json
import os
import threading
from collections.abc import Iterator

import pytest

from coord.guard.entry import ALLOWED, DENIED
from coord.guard.payload import MOST_INPUT, read_input
from tests.support.processes import GUARD_S
from tests.support.repositories import Repo, run_hook

DOCUMENT = json.dumps({"session_id": "s", "text": 'with "} and {" and ü'}).encode()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe. The writing end is closed only after the test."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("after", [b"", b"\n", b" \r\n\t"])
def test_a_complete_document_ends_the_input(pipe: tuple[int, int], after: bytes) -> None:
    os.write(pipe[1], DOCUMENT + after)
    assert read_input(pipe[0], GUARD_S) == DOCUMENT + after


def test_a_large_document_in_many_parts_is_read_whole(pipe: tuple[int, int]) -> None:
    document = json.dumps({"text": "}" * 300_000, "more": ["}\n"] * 1000}).encode()
    writer = threading.Thread(target=lambda: os.write(pipe[1], document))
    writer.start()
    assert read_input(pipe[0], GUARD_S) == document
    writer.join()


def test_the_end_of_the_input_ends_it_at_any_byte() -> None:
    for length in range(len(DOCUMENT)):
        reading, writing = os.pipe()
        os.write(writing, DOCUMENT[:length])
        os.close(writing)
        assert read_input(reading, GUARD_S) == DOCUMENT[:length]
        os.close(reading)


@pytest.mark.parametrize("part", [b"", b"{", DOCUMENT[:-1], b"}", b'{"a": {}'])
def test_an_input_that_is_never_complete_has_a_limit(pipe: tuple[int, int], part: bytes) -> None:
    os.write(pipe[1], part)
    with pytest.raises(TimeoutError, match=f"{len(part)} bytes came"):
        read_input(pipe[0], 0.01)


def test_an_endless_input_is_cut() -> None:
    with open("/dev/zero", "rb") as endless:
        assert len(read_input(endless.fileno(), GUARD_S)) == MOST_INPUT + 1


@pytest.mark.parametrize("path", ["quick", "full"])
def test_a_hook_denies_although_its_input_stays_open(repo: Repo, path: str) -> None:
    tool = {"tool_name": "Write", "tool_input": {"file_path": str(repo.root / "a.py")}}
    said = {"hook_event_name": "PreToolUse", "session_id": "one", "cwd": str(repo.root)} | tool
    for conversation in ("one", "two"):
        start = {"hook_event_name": "SessionStart", "session_id": conversation, "cwd": str(repo.root)}
        run_hook(repo, "claude", json.dumps(start).encode())
    run_hook(repo, "claude", json.dumps(said).encode())
    shell = repo.shell()
    if path == "full":
        shell.ok("rm -r COORDINATION/.cache")
    shell.ok("mkfifo ~/input; exec 9<>~/input")  # it stays open, since this shell can write to it
    shell.ok(f"printf %s '{json.dumps(said | {'session_id': 'two'})}' >&9")
    denied = shell.run("coord hook claude <~/input")
    assert (denied.code, "a.py was not written" in denied.err) == (DENIED, True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["coord hook claude", "coord hook claude --wake"])
def test_a_hook_that_is_told_nothing_allows(repo: Repo, command: str) -> None:
    shell = repo.shell()
    shell.start()
    shell.ok("mkfifo ~/input; exec 9<>~/input")
    result = shell.run(f"{command} <~/input")
    assert (result.code, result.both) == (ALLOWED, "")
    if "--wake" not in command:  # nobody waits for a hook in the background
        assert "standard input stayed open" in shell.run("coord doctor").out
