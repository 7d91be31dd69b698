"""The background hook that wakes an idle agent when it has a message or a denied file is free."""

import json
import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from coord.hooks.wake import WAKE
from tests.support.processes import COORD, GUARD_S, Shell, environment, until
from tests.support.repositories import Repo, run_hook

pytestmark = pytest.mark.slow


def said(repo: Repo, event: str, **more: object) -> bytes:
    return json.dumps({"hook_event_name": event, "session_id": "idle", "cwd": str(repo.root)} | more).encode()


@contextmanager
def waker(repo: Repo) -> Generator[subprocess.Popen[bytes]]:
    """A running background hook of the conversation `idle`."""
    with subprocess.Popen(
        [COORD, "hook", "claude", "--wake"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=repo.root,
        env=environment(repo.home),
    ) as process:
        assert process.stdin
        process.stdin.write(said(repo, "Stop"))
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def idle(repo: Repo) -> Repo:
    run_hook(repo, "claude", said(repo, "SessionStart", source="startup"))
    return repo


def is_waiting(repo: Repo) -> bool:
    """Whether the background hook has begun to wait."""
    return any((repo.folder / ".cache" / "hooks").glob("*/waker"))


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    code = process.wait(GUARD_S)
    assert process.stderr
    return code, process.stderr.read().decode()


def test_a_message_wakes_the_agent_and_stays_unread(idle: Repo) -> None:
    two = idle.shell()
    two.start()
    with waker(idle) as process:
        until(lambda: is_waiting(idle))
        assert process.poll() is None
        (event,) = [e for e in idle.of_type("session.started") if e["event"].get("client_session") == "idle"]
        two.ok(f"coord send {event['session']} question 'Are you there?'")
        code, text = ended(process)
    assert code == WAKE
    assert "Are you there?" in text
    answer = run_hook(idle, "claude", said(idle, "UserPromptSubmit"))
    assert b"Are you there?" in answer.stdout


def test_a_broadcast_wakes_no_agent_unless_it_is_urgent(idle: Repo) -> None:
    two, three = idle.shell(), idle.shell()
    two.start()
    three.start()
    with waker(idle) as process:
        until(lambda: is_waiting(idle))
        two.ok("coord send broadcast lunch 'I am at lunch.'")
        three.ok("coord claim droplet x")
        two.ok("coord break droplet/x --reason lunch")
        two.ok("coord send broadcast stop 'main is broken' --urgency high")
        code, text = ended(process)
    assert code == WAKE
    assert "main is broken" in text
    assert "lunch" not in text, "neither the broadcast nor the notice of another session"


def test_a_second_wake_process_of_a_session_ends_at_once(idle: Repo) -> None:
    with waker(idle) as first:
        until(lambda: is_waiting(idle))
        time.sleep(0.3)  # the hook takes its lock just after it creates the file
        with waker(idle) as second:
            assert ended(second) == (0, "")
        assert first.poll() is None


def test_a_denied_file_that_becomes_free_wakes_the_agent(idle: Repo) -> None:
    two = idle.shell()
    two.start()
    two.ok("coord claim file a.py")
    write = {"tool_name": "Write", "tool_input": {"file_path": str(idle.root / "a.py"), "content": "x"}}
    assert run_hook(idle, "claude", said(idle, "PreToolUse", **write)).returncode == 2
    with waker(idle) as process:
        until(lambda: is_waiting(idle))
        assert process.poll() is None
        two.ok("coord release file a.py")
        code, text = ended(process)
    assert code == WAKE
    assert "file/a.py is free now" in text


def denied(repo: Repo, *names: str) -> Shell:
    """Start a session that claims these files, and deny each to the conversation `idle`. Return the session's shell."""
    two = repo.shell()
    two.start()
    for name in names:
        two.ok(f"coord claim file {name}")
        write = {"tool_name": "Write", "tool_input": {"file_path": str(repo.root / name), "content": "x"}}
        assert run_hook(repo, "claude", said(repo, "PreToolUse", **write)).returncode == 2
    return two


def test_a_free_file_that_does_not_fit_is_shown_next_time(idle: Repo) -> None:
    names = [f"{letter * 200}.py" for letter in "abc"]
    two = denied(idle, *names)
    for name in names:
        two.ok(f"coord release file {name}")
    shown: list[str] = []
    while list((idle.folder / ".cache" / "hooks").glob("*/denied-*")):
        with waker(idle) as process:
            code, text = ended(process)
        assert code == WAKE
        shown += [name[0] for name in names if f"file/{name[0]}" in text]
    assert sorted(shown) == ["a", "b", "c"]


def test_a_released_file_is_repeated_until_its_text_is_read(idle: Repo) -> None:
    two = denied(idle, "a.py")
    two.ok("coord release file a.py")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COORD, "hook", "claude", "--wake"],
        input=said(idle, "Stop"),
        stderr=writing,
        cwd=idle.root,
        env=environment(idle.home),
        timeout=GUARD_S,
    )
    os.close(writing)
    assert done.returncode != WAKE
    with waker(idle) as process:
        assert "file/a.py is free now" in ended(process)[1]


def test_the_end_of_the_session_ends_the_process_silently(idle: Repo) -> None:
    with waker(idle) as process:
        until(lambda: is_waiting(idle))
        run_hook(idle, "claude", said(idle, "SessionEnd", reason="other"))
        assert ended(process) == (0, "")


def test_invalid_input_wakes_no_agent(repo: Repo) -> None:
    for data in (b"", b"{", b"[]", json.dumps({"hook_event_name": "Stop", "session_id": "x", "cwd": "/"}).encode()):
        done = subprocess.run(
            [COORD, "hook", "claude", "--wake"],
            input=data,
            cwd=repo.root,
            env=environment(repo.home),
            capture_output=True,
            check=False,
            timeout=GUARD_S,
        )
        assert (done.returncode, done.stderr) == (0, b"")
