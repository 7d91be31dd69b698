"""Captured input of real clients for every hook event, and invalid input."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.clients.client import WORDS, client_named
from coord.guard.entry import ALLOWED
from coord.guard.payload import parse_call, writes_in
from tests.support.agents import Agents
from tests.support.repositories import Repo, run_hook

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "fixtures" / "hooks"
FILES = sorted(path.name for path in SAMPLES.glob("*-hooks.jsonl"))
PIDS = {word: 100 * number for number, word in enumerate(WORDS, 1)}
EVENT_KEYS = (
    *(("invocationNum", "PreInvocation"), ("error", "PostToolUse"), ("toolCall", "PreToolUse")),
    *(("hookName", "PermissionRequest"), ("agentName", "SubagentStart")),
)
"""The fields that identify the hook event of a payload that does not name it."""


def samples(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text().splitlines()]


def client_in(name: str) -> str:
    return name.partition("-")[0]


def event_of(said: dict[str, Any]) -> str:
    """The hook event of a payload, or of the command that gets it."""
    if "executionNum" in said:
        return "Stop"
    named = (event for key, event in EVENT_KEYS if key in said)
    return str(said["hook_event_name"]) if "hook_event_name" in said else next(named, "Stop")


@pytest.mark.parametrize("name", FILES)
def test_only_known_hook_events_of_a_sample_change_the_log(repo: Repo, name: str) -> None:
    word = client_in(name)
    agents, client = Agents(repo, {PIDS[word]: word}), client_named(word)
    assert client
    for said in samples(name):
        moved, event = json.loads(json.dumps(said).replace("/repo", str(repo.root))), event_of(said)
        before = len(repo.events())
        answer = agents.run_hook(PIDS[word], json.dumps(moved).encode(), event if client.named_events else "")
        assert answer.code == ALLOWED, said
        if event not in client.hook_events:
            assert answer.silent
            assert len(repo.events()) == before
    kinds = [event["event"]["type"] for event in repo.events()]
    assert kinds[0] == "session.started"
    hook_events = [client.hook_events.get(event_of(said)) for said in samples(name)]
    if "agent_start" in hook_events:
        assert kinds.count("agent.started") == kinds.count("agent.stopped") == 1
    if "end" in hook_events:
        assert kinds[-1] == "session.ended"


def test_the_ends_of_turns_without_a_stop_are_recognized() -> None:
    found = {}
    for name in ("claude-2.1.332-turn-hooks.jsonl", "codex-0.171.0-turn-hooks.jsonl"):
        client = client_named(client_in(name))
        assert client
        for said in samples(name):
            call = parse_call(client, json.dumps(said).encode())
            if call and call.hook_event == "turn_end":
                found[call.event] = call.transcript.rpartition(".")[2]
    assert found == dict.fromkeys(("StopFailure", "Notification", "Interrupt"), "jsonl")


@pytest.mark.parametrize("name", FILES)
def test_the_files_that_a_sample_writes_are_found(name: str) -> None:
    client = client_named(client_in(name))
    assert client
    written = []
    for said in samples(name):
        call = parse_call(client, json.dumps(said).encode(), event_of(said) if client.named_events else "")
        if call and call.hook_event == "before" and call.paths:
            written += [os.path.join(call.cwd, path) for path in call.paths]
    captured = {"/repo/denied.txt", "/repo/ok.txt"} if name.count(".") > 1 and "subagent" not in name else set()
    special = {"documented": {"/repo/ok.txt"}, "turn": {"/repo/p.py"}}
    assert set(written) == next((files for part, files in special.items() if part in name), captured)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("seed", range(3))
def test_a_sample_with_missing_or_unknown_fields_is_allowed(repo: Repo, name: str, seed: int) -> None:
    import random

    chance = random.Random(seed)
    word = client_in(name)
    agents, client = Agents(repo, {PIDS[word]: word}), client_named(word)
    assert client
    for said in samples(name):
        moved = json.loads(json.dumps(said).replace("/repo", str(repo.root)))
        for field in list(moved):
            if chance.random() < 0.2:
                moved[field] = chance.choice((None, 3, [], {}, "\x1b[2J", "x" * 3000, "../..", "\ud800"))
            if chance.random() < 0.1:
                del moved[field]
        moved["unheard_of"] = {"deep": [1, {"deeper": None}]}
        event = event_of(said) if client.named_events else ""
        assert agents.run_hook(PIDS[word], json.dumps(moved).encode(), event).code == ALLOWED


def test_all_files_of_a_patch_are_checked() -> None:
    client = client_named("codex")
    assert client
    patch = (
        "*** Begin Patch\n*** Add File: new one.txt\n+x\n*** Update File: src/a.py\n*** Move to: src/b.py\n\n-x\n+y\n"
        "*** Delete File: /repo/old.txt\n*** End Patch\n"
    )
    said = {
        "hook_event_name": "PreToolUse",
        "session_id": "s",
        "cwd": "/repo",
        "tool_name": "apply_patch",
        "tool_input": {"command": patch},
    }
    call = parse_call(client, json.dumps(said).encode())
    assert call
    assert call.paths == ["new one.txt", "src/a.py", "src/b.py", "/repo/old.txt"]
    assert writes_in(call, {}) == [], "there is no shared folder"


# --- in real processes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"{}" * 3,
        b'{"hook_event_name":"PreToolUse"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"hook_event_name":"PreToolUse","session_id":NaN}',
    ],
)
def test_invalid_input_gets_no_output(repo: Repo, data: bytes) -> None:
    for word in PIDS:
        done = run_hook(repo, word, data)
        assert (done.returncode, done.stdout, done.stderr) == (ALLOWED, b"", b"")


def test_an_input_of_ten_megabytes_is_read(repo: Repo) -> None:
    said = {
        "hook_event_name": "PreToolUse",
        "session_id": "s",
        "cwd": str(repo.root),
        "tool_name": "Write",
        "tool_input": {"file_path": str(repo.root / "big.txt"), "content": "x" * 10_000_000},
    }
    assert run_hook(repo, "claude", json.dumps(said).encode()).returncode == ALLOWED
    assert [event["event"]["resource"] for event in repo.of_type("claim.requested")] == ["file/big.txt"]
    other = json.dumps(said | {"session_id": "another"}).encode()
    assert run_hook(repo, "claude", other).returncode == 2


def start(repo: Repo, conversation: str) -> bytes:
    said = {"hook_event_name": "SessionStart", "session_id": conversation, "cwd": str(repo.root), "source": "startup"}
    return json.dumps(said).encode()


def test_a_hook_with_closed_standard_streams_exits_with_0(repo: Repo) -> None:
    shell = repo.shell()
    text = start(repo, "one").decode()
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        assert shell.run(f"printf %s '{text}' | coord hook claude {closed}").code == ALLOWED, closed
    assert shell.run(f"printf %s '{text}' | coord hook claude >/dev/full").code == ALLOWED
    failures = (repo.folder / ".cache" / "hooks" / "failures").read_text()
    assert "claude SessionStart" in failures


def test_messages_that_could_not_be_printed_stay_unread(repo: Repo) -> None:
    one, two = repo.shell(), repo.shell()
    two.start()
    session = "one"
    run_hook(repo, "claude", start(repo, session))
    two.ok("coord send broadcast hello")
    prompt = json.dumps({"hook_event_name": "UserPromptSubmit", "session_id": session, "cwd": str(repo.root)})
    assert one.run(f"printf %s '{prompt}' | coord hook claude >/dev/full").code == ALLOWED
    assert "hello" in one.ok(f"printf %s '{prompt}' | coord hook claude")


def test_outside_a_repository_a_hook_prints_nothing(repo: Repo, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for cwd in (str(elsewhere), "/", "/no/such/folder", ""):
        said = json.dumps({"hook_event_name": "SessionStart", "session_id": "s", "cwd": cwd, "source": "startup"})
        done = run_hook(repo, "claude", said.encode(), cwd=elsewhere)
        assert (done.returncode, done.stdout, done.stderr) == (ALLOWED, b"", b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_stops_no_agent(repo: Repo) -> None:
    for path in (repo.folder, repo.log):
        path.chmod(0o555)
    try:
        done = run_hook(repo, "claude", start(repo, "s"))
        assert (done.returncode, done.stderr) == (ALLOWED, b"")
    finally:
        for path in (repo.folder, repo.log):
            path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["no log", "a file for the log", "bad settings", "damaged journal", "no folder"])
def test_a_missing_or_damaged_folder_gives_no_output(repo: Repo, harm: str) -> None:
    run_hook(repo, "claude", start(repo, "s"))
    match harm:
        case "no log" | "a file for the log":
            repo.log.rename(repo.root / "away")
            if harm != "no log":
                repo.log.write_text("a file")
        case "bad settings":
            (repo.folder / "config.toml").write_text("guard = [")
        case "damaged journal":
            for path in repo.log.glob("*.jsonl"):
                path.write_bytes(path.read_bytes().replace(b"startup", b"stortup").replace(b'"n":1', b'"n":9'))
        case _:
            repo.folder.rename(repo.root / "away")
    said = {"session_id": "s", "cwd": str(repo.root), "tool_name": "Write", "tool_use_id": "t"}
    said["tool_input"] = {"file_path": str(repo.root / "a.py"), "content": "x"}  # type: ignore[assignment]
    for event in ("PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SessionEnd"):
        done = run_hook(repo, "claude", json.dumps(said | {"hook_event_name": event}).encode())
        assert (done.returncode, done.stderr) == (ALLOWED, b""), (event, done)


@pytest.mark.parametrize("words", ["", "nosuch", "claude --nosuch", "claude more", "--json"])
def test_invalid_arguments_of_a_hook_deny_nothing(repo: Repo, words: str) -> None:
    """Exit code 2 would deny every write of every agent."""
    assert repo.shell().run(f"coord hook {words} < /dev/null").code == ALLOWED
