"""What a command decides does not depend on its output: closed, on a full disk, or to a pipe that nobody reads."""

import json
import os
import sys

import pytest

from coord.errors import DONE, NO_OUTPUT
from coord.guard.entry import DENIED
from tests.support.processes import Result, Shell
from tests.support.repositories import Repo

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")]

UNREAD = """
import os, sys
numbers, *command = sys.argv[1:]
reading, writing = os.pipe()
os.close(reading)
for number in numbers:
    os.dup2(writing, int(number))
os.execvp(command[0], command)
"""
OUTPUTS = {  # how a command is run so that its output, its errors, or both cannot be written
    "closed output": "{} >&-",
    "closed errors": "{} 2>&-",
    "both closed": "{} >&- 2>&-",
    "full output": "{} >/dev/full",
    "full errors": "{} 2>/dev/full",
    "both full": "{} >/dev/full 2>/dev/full",
    "output unread": "unread 1 {}",
    "errors unread": "unread 2 {}",
    "both unread": "unread 12 {}",
}


def run(shell: Shell, command: str, output: str) -> Result:
    """Run a command with one of the outputs."""
    (shell.folder / "unread.py").write_text(UNREAD)
    shell.ok(f'unread() {{ {sys.executable} "{shell.folder}/unread.py" "$@"; }}')
    return shell.run(OUTPUTS[output].format(command))


def is_reported(output: str) -> bool:
    """Whether a failure of this output changes the exit code 0."""
    return output in ("full output", "both full")


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_claim_is_granted_and_said_to_be(repo: Repo, output: str) -> None:
    (one, mine), (two, _) = repo.sessions(2)
    result = run(one, "coord claim droplet x", output)
    assert result.code == (NO_OUTPUT if is_reported(output) else DONE), result
    assert ("is kept" in result.err) == (output == "full output"), result
    assert [row["session"] for row in two.json("coord claims")["claims"]] == [mine]
    assert "damaged" not in two.ok("coord status")


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("command", ["claim droplet x", "claim droplet x --json", "release droplet x", "verify"])
def test_a_refusal_keeps_its_code(repo: Repo, command: str, output: str) -> None:
    (one, _), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x")
    if command == "verify":
        journal = next(repo.log.glob("*.jsonl"))
        journal.write_bytes(journal.read_bytes().replace(b"session", b"sessiom", 1))
    expected = two.run(f"coord {command}").code
    assert expected != DONE
    assert run(two, f"coord {command}", output).code == expected


@pytest.mark.parametrize("output", [name for name in OUTPUTS if "errors" not in name])
@pytest.mark.parametrize("command", ["inbox", "inbox --json", "inbox MESSAGE"])
def test_messages_that_were_not_shown_stay_unread(repo: Repo, command: str, output: str) -> None:
    (one, _), (two, other) = repo.sessions(2)
    message = one.json(f"coord send {other} hello 'look here'")["message"]
    result = run(two, f"coord {command.replace('MESSAGE', message)}", output)
    assert result.code == (NO_OUTPUT if is_reported(output) else DONE), result
    assert "look here" in two.ok("coord inbox")
    assert "look here" not in two.ok("coord inbox"), "it was shown now"


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("path", ["quick", "full"])
def test_a_hook_denies(repo: Repo, path: str, output: str) -> None:
    one, two = repo.shell(), repo.shell()
    for shell, conversation in ((one, "c1"), (two, "c2")):
        said = {"session_id": conversation, "cwd": str(repo.root), "hook_event_name": "PreToolUse"}
        tool = {"tool_name": "Write", "tool_input": {"file_path": str(repo.root / "a.py")}}
        (repo.home / f"{conversation}.json").write_text(json.dumps(said | tool))
        shell.ok(f"CLAUDE_CODE_SESSION_ID={conversation} coord start")
    one.ok("coord hook claude <~/c1.json")
    if path == "full":
        two.ok(f"rm -r {repo.folder}/.cache")
    assert run(two, "coord hook claude <~/c2.json", output).code == DENIED


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_hook_of_git_stops_a_commit(repo: Repo, output: str) -> None:
    (one, _), (two, _) = repo.sessions(2)
    two.ok("echo 1 >a.py; git add -A; git commit -qm first; coord install git; echo 2 >>a.py; git add -A")
    one.ok("coord claim file a.py")
    before = two.ok("git rev-parse HEAD")
    assert run(two, "git commit -m second", output).code != 0
    assert run(two, "coord git-hook pre-commit", output).code == 9
    assert two.ok("git rev-parse HEAD") == before


@pytest.mark.parametrize("command", ["completion bash", "demo", "--help", "help claim", "log", "board", "doctor"])
def test_the_output_of_any_command_can_fail(repo: Repo, command: str) -> None:
    one = repo.shell()
    result = run(one, f"coord {command}", "full output")
    assert result.code in (NO_OUTPUT, one.run(f"coord {command}").code), result
    assert result.err.count("could not be written") == 1, result
    assert "the system refused" not in result.err, result


def test_an_error_without_output_says_nothing_of_the_output(repo: Repo) -> None:
    one = repo.shell()
    result = run(one, "coord frobnicate", "full output")
    assert (result.code, result.err) == (2, "coord: there is no command 'frobnicate'. See: coord --help\n")


@pytest.mark.parametrize("command", ["--help", "status --help", "log", "log --json", "replay", "status", "report"])
def test_a_reader_that_stops_is_not_an_error(repo: Repo, command: str) -> None:
    shell, _ = repo.sessions(1)[0]
    result = run(shell, f"coord {command}", "output unread")
    assert (result.code, result.err) == (DONE, "")
