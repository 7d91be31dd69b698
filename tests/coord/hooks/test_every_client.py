"""The hooks of every client, by its record: what is denied, what an agent is shown, and what is printed."""

import json
from typing import Any

import pytest

from coord.clients.client import WORDS, Client, client_named
from coord.clients.registry import CLIENTS, client_of
from coord.guard.entry import ALLOWED, DENIED
from coord.guard.payload import parse_call
from coord.platform.processes import Process
from tests.support.agents import Agents, payload
from tests.support.repositories import Repo, run_hook

ONE, OTHER, PERSON = 1000, 2000, 100


@pytest.fixture(params=WORDS)
def agents(repo: Repo, request: pytest.FixtureRequest) -> Agents:
    """Two agents of each client, and an agent of Claude Code that sends them messages."""
    return Agents(repo, {ONE: request.param, OTHER: request.param, PERSON: "claude"})


def client_in(agents: Agents) -> Client:
    client = client_named(agents.clients[ONE])
    assert client
    return client


def session(agents: Agents, pid: int) -> str:
    """The id of an agent's session."""
    started = agents.repo.of_type("session.started")
    return str(next(line["session"] for line in started if line["event"].get("client_session") == f"c{pid}"))


def has(client: Client, hook_event: str) -> bool:
    """Whether a client has hooks for a hook event, after which it shows its agent a text."""
    return hook_event in client.hook_events.values() and hook_event not in client.silent_events


def begin(agents: Agents, pid: int) -> str:
    """Start an agent and give it a prompt; what it is shown."""
    client = client_in(agents)
    starts = "start" in client.hook_events.values()
    shown = agents.starts(pid).context if starts else ""
    return shown + agents.hook(pid, "prompt", prompt="Go").context


def test_a_file_that_another_agent_edits_is_denied(agents: Agents) -> None:
    begin(agents, ONE)
    begin(agents, OTHER)
    assert agents.writes(ONE, "page.py").silent
    denied = agents.asks_to_write(OTHER, "page.py")
    assert denied.code == DENIED
    assert "page.py was not written" in denied.err
    assert session(agents, ONE) in denied.err
    assert agents.writes(OTHER, "other.py").silent


def test_an_agent_is_shown_its_session_at_its_first_hook(agents: Agents) -> None:
    shown = begin(agents, ONE)
    assert f"coord: you are session {session(agents, ONE)}" in shown
    assert "you are session" not in agents.hook(ONE, "prompt", prompt="Go on").context


def test_a_message_is_shown_once_where_the_client_shows_it(agents: Agents) -> None:
    client = client_in(agents)
    begin(agents, ONE)
    agents.starts(PERSON)
    agents.coord(PERSON, "send", session(agents, ONE), "Page", "It is mine.")
    shown = [agents.writes(ONE, f"a{number}.py").context for number in range(2)]
    shown += [agents.hook(ONE, "prompt", prompt="Go on").context for _ in range(2)]
    assert "\n".join(shown).count("It is mine.") == 1
    first_with_context = 0 if has(client, "after") else 2
    assert "It is mine." in shown[first_with_context]


def test_an_urgent_message_holds_the_agent_back_once(agents: Agents) -> None:
    client = client_in(agents)
    begin(agents, ONE)
    agents.starts(PERSON)
    agents.coord(PERSON, "send", session(agents, ONE), "Page", "Look.", "--urgency", "high")
    assert ("Look." in agents.hook(ONE, "stop").block_reason) == bool(client.stop_form)
    assert not agents.hook(ONE, "stop").block_reason


@pytest.mark.parametrize(
    ("word", "said", "hook_event"),
    [
        ("cursor", {"hook_event_name": "stop", "status": "completed"}, "stop"),
        ("cursor", {"hook_event_name": "stop", "status": "aborted"}, "turn_end"),
        ("cursor", {"hook_event_name": "stop", "status": "error"}, "turn_end"),
        ("antigravity", {"terminationReason": "NO_TOOL_CALL"}, "stop"),
        ("antigravity", {}, "stop"),
        ("antigravity", {"terminationReason": "USER_CANCELED"}, "turn_end"),
        ("droid", {"hook_event_name": "Notification", "notification_type": "permission_prompt"}, "asks"),
        ("droid", {"hook_event_name": "Notification", "notification_type": "idle_prompt"}, "turn_end"),
        ("droid", {"hook_event_name": "Notification", "notification_type": "auth_success"}, None),
        ("opencode", {"hook_event_name": "TurnEnd"}, "turn_end"),
    ],
)
def test_an_interrupted_turn_is_not_a_stop(word: str, said: dict[str, str], hook_event: str | None) -> None:
    """Only an agent that wants to stop can be made to continue."""
    client = client_named(word)
    assert client
    data = json.dumps({client.keys["conversation"]: "c", **said}).encode()
    called = parse_call(client, data, "Stop" if client.named_events else "")
    assert (called.hook_event if called else None) == hook_event


# --- what is printed, in real processes -------------------------------------------------------------------------------


def call(client: Client, repo: Repo, conversation: str, hook_event: str, path: str, **more: Any) -> tuple[bytes, str]:
    """The input of a hook of a client, and the name of the hook event for its command."""
    name = next(name for name, event in client.hook_events.items() if event == hook_event)
    tool, keys = next(iter(client.files.items()), ("", ""))
    given: dict[str, Any] = {"tool_name": tool, "tool_input": {keys.partition("|")[0]: path}}
    if not tool:
        tool, keys = next(iter(client.patches.items()))
        patch = f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n"
        given = {"tool_name": tool, "tool_input": {keys.partition("|")[0]: patch}}
    said = {"hook_event_name": name, "session_id": conversation, "cwd": str(repo.root), **given, **more}
    return json.dumps(payload(client, said)).encode(), name if client.named_events else ""


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_a_denial_is_printed_as_the_client_expects_it(repo: Repo, client: Client) -> None:
    data, event = call(client, repo, "one", "before", str(repo.root / "page.py"))
    allowed = run_hook(repo, client.word, data, event=event)
    assert (allowed.returncode, allowed.stderr) == (ALLOWED, b"")
    assert bool(allowed.stdout) == bool(client.allowed_form)
    denied = run_hook(repo, client.word, data.replace(b'"one"', b'"other"'), event=event)
    assert denied.returncode == (client.denial_code if client.denial_form else DENIED)
    assert b"page.py was not written" in denied.stderr
    if client.denial_form:
        document = json.loads(denied.stdout)
        assert document.keys() == client.denial_form.keys()
        assert any("page.py was not written" in str(value) for value in document.values())


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["in", "out"])
def test_a_client_that_denies_without_an_answer_gets_one(repo: Repo, folder: str) -> None:
    """Antigravity denies a tool without an answer. It is never given a permission outside its workspace."""
    client = client_named("antigravity")
    assert client
    path = repo.root / "page.py" if folder == "in" else repo.root.parent / "elsewhere.py"
    data, event = call(client, repo, "one", "before", str(path))
    decision = {"in": "allow", "out": "ask"}[folder]
    assert json.loads(run_hook(repo, "antigravity", data, event=event).stdout) == {"decision": decision}
    for invalid in (b"", b"{", b"{}", b"[]", data.replace(b"TargetFile", b"Unknown")):
        done = run_hook(repo, "antigravity", invalid, event=event)
        assert (done.returncode, json.loads(done.stdout)) == (ALLOWED, {"decision": "ask"})
    for other in ("PreInvocation", "PostToolUse", "Stop"):
        assert run_hook(repo, "antigravity", b"{", event=other).stdout == b""


@pytest.mark.slow
def test_a_byte_order_mark_before_the_input_is_ignored(repo: Repo) -> None:
    client = client_named("cursor")
    assert client
    data, _ = call(client, repo, "one", "before", str(repo.root / "page.py"))
    assert run_hook(repo, "cursor", b"\xef\xbb\xbf" + data).returncode == ALLOWED
    assert len(repo.of_type("claim.requested")) == 1


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_a_client_is_recognized_by_its_program_alone(client: Client) -> None:
    for name in (client.command, *client.programs):
        assert client_of(Process(7, 1, 7, 1, "S", (f"/usr/bin/{name}",))) == client
    assert client_of(Process(7, 1, 7, 1, "S", ("/usr/bin/python3", "/srv/app.py"))) is None
