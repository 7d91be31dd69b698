"""The guard's decisions about writes, when its index may be used, and that failures never deny a write."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.clients.registry import CLIENTS
from coord.engine.guard_index import guard_rows
from coord.engine.snapshot import Snapshot
from coord.guard import index
from coord.guard.decision import decide_request, is_ignored, needed_claim
from coord.guard.entry import ALLOWED, DENIED
from coord.guard.index import read_index
from coord.guard.view import GuardRow, RequestedWrite
from coord.platform.processes import Process
from coord.platform.records import LightRecord
from coord.workspace.config import Config
from coord.workspace.paths import find_workspace
from eventlog.codec import MAX_LINE, NO_HASH, encode_line
from eventlog.events import VERSION, Event, SessionStarted, add_time
from projections.rules.claims import find_obstacles
from projections.rules.fold import fold
from projections.rules.liveness import ObserverHost
from projections.rules.resources import covers
from projections.rules.state import ClaimRequest, State
from tests.support import agents
from tests.support.agents import Agents
from tests.support.histories import Story
from tests.support.processes import environment
from tests.support.repositories import Repo

_PARTS = st.sampled_from(["dist", "uv.lock", "a.gen.py", "src", "x"])
_NAMES = st.lists(_PARTS, min_size=1, max_size=4).map("/".join)
_PATTERNS = st.sampled_from(
    ["dist/", "dist", "uv.lock", "*.lock", "*.gen.py", "?", "*/", "**", "src/*", "src/**", "src/dist/", "**/x"]
)
EDIT_S = Config().edit_minutes * 60
QUICK_PATH = set(
    """coord coord.__main__ coord.clients coord.clients.claude coord.clients.client
    coord.guard coord.guard.decision coord.guard.entry coord.guard.hook_state coord.guard.index coord.guard.payload
    coord.guard.view
    coord.platform coord.platform.code_version coord.platform.git coord.platform.git.naming
    coord.platform.git.repository coord.platform.host coord.platform.json_reader coord.platform.records
    coord.platform.replace_file
    eventlog eventlog.digest eventlog.local eventlog.local.files
    projections projections.rules projections.rules.conflicts projections.rules.resources""".split()
)
"""The import budget of the quick path: all modules of this project that it may import."""
SLOW = {
    *("msgspec", "click", "typing", "dataclasses", "pathlib", "datetime", "json", "re", "functools", "collections"),
    *("subprocess", "coord.platform.git.command", "projections.rules.claims"),
}
"""Modules that take long to load, of which each is likely to be imported by mistake."""


@given(_NAMES, st.lists(_PATTERNS, max_size=3))
def test_an_ignored_name_is_what_its_pattern_covers_anywhere(name: str, patterns: list[str]) -> None:
    meant = [(f"file/{p}", f"file/**/{p}" if "/" not in p.rstrip("/") else "") for p in patterns]
    by_rule = any(covers(start, f"file/{name}") for starts in meant for start in starts if start)
    assert is_ignored(f"file/{name}", patterns) == by_rule


def test_only_files_are_ignored() -> None:
    assert not is_ignored("branch/uv.lock", ["uv.lock", "*"])


class Scene(Agents):
    """A repository where the conversations c100, c200, c300 of three Claude sessions are about to write files."""

    def __init__(self, repo: Repo) -> None:
        super().__init__(repo, {100: "claude", 200: "claude", 300: "claude"})

    def asks(self, shell: int, path: str, **more: Any) -> tuple[int, str]:
        """Return what the guard answers to a write."""
        answer = self.asks_to_write(shell, path, **more)
        return answer.code, answer.err


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def test_the_first_write_claims_and_the_next_only_asks_the_index(scene: Scene) -> None:
    assert scene.asks(100, "src/app.py") == (ALLOWED, "")
    (claim,) = scene.coord(100, "claims", "--json").json["claims"]
    assert (claim["resource"], claim["automatic"]) == ("file/src/app.py", True)
    for _ in range(3):
        assert scene.asks(100, "src/app.py") == (ALLOWED, "")
    assert scene.full_paths == 1
    assert len(scene.coord(100, "claims", "--json").json["claims"]) == 1


def test_a_denial_says_who_until_when_why_and_what_to_do(scene: Scene) -> None:
    scene.coord(100, "heartbeat", "rewriting", "the parser")
    name = scene.coord(100, "whoami", "--json").json["session"]
    scene.coord(100, "claim", "file", "src/", "1", "--note", "new grammar")
    scene.asks(200, "notes.md")
    ways = scene.full_paths
    code, text = scene.asks(200, "src/app.py")
    assert code == DENIED
    for part in (name, "file/src/", "UTC until ", "since", "new grammar", "rewriting the parser", "--wait"):
        assert part in text
    assert scene.full_paths == ways, "the index says it"
    assert not any(
        claim["resource"] == "file/src/app.py" for claim in scene.coord(200, "claims", "--json").json["claims"]
    )


@pytest.mark.parametrize("tool", ["Write", "Edit", "MultiEdit", "NotebookEdit"])
def test_every_tool_that_writes_is_asked_about(scene: Scene, tool: str) -> None:
    scene.asks(100, "a.ipynb")
    named = {CLIENTS[0].files[tool]: str(scene.root / "a.ipynb")}
    assert scene.asks(200, "", tool_name=tool, tool_input=named)[0] == DENIED
    assert scene.asks(200, "", tool_name="Read", tool_input=named) == (ALLOWED, "")
    assert scene.asks(200, "", hook_event_name="PostToolUse", tool_name=tool, tool_input=named) == (ALLOWED, "")


def test_an_expired_automatic_claim_denies_nobody(scene: Scene) -> None:
    scene.asks(100, "a.py")
    scene.machine.wait(EDIT_S / 2 + 1)
    scene.asks(100, "a.py")
    assert len(scene.repo.of_type("claim.requested")) == 2
    scene.machine.wait(EDIT_S - 1)
    assert scene.asks(200, "a.py")[0] == DENIED, "the second write renewed it"
    scene.machine.wait(2)
    assert scene.asks(200, "a.py") == (ALLOWED, "")
    assert scene.asks(100, "a.py")[0] == DENIED


def test_an_expired_claim_by_name_denies_nobody(scene: Scene) -> None:
    scene.coord(100, "claim", "file", "a.py", "1")
    scene.asks(200, "b.py")
    scene.machine.wait(3599)
    assert scene.asks(200, "a.py")[0] == DENIED
    scene.machine.wait(2)
    assert scene.asks(200, "a.py") == (ALLOWED, "")


def test_nobody_is_denied_for_the_dead(scene: Scene) -> None:
    session = scene.machine.start(100)
    scene.machine.run(100, "claim", "file", "a.py", "4")
    scene.asks(200, "b.py")
    assert scene.asks(200, "a.py")[0] == DENIED
    del scene.machine.table.rows[100]
    assert scene.asks(200, "a.py") == (ALLOWED, "")
    assert "dead" in scene.machine.run(200, "status", "--json").out
    assert session


def test_subagents_of_one_session_deny_each_other(scene: Scene) -> None:
    assert scene.asks(100, "a.py", agent_id="one") == (ALLOWED, "")
    for path in ("the full path", "the quick path"):
        code, text = scene.asks(100, "a.py", agent_id="two")
        assert code == DENIED, path
        assert "another subagent of your session (one) has file/a.py" in text, path
        assert "coord send" not in text, path
    assert scene.asks(100, "a.py", agent_id="one") == (ALLOWED, "")


def test_a_write_in_one_worktree_is_free_in_another_unless_named(repo: Repo) -> None:
    scene = Scene(repo)
    repo.shell().ok("git commit --allow-empty -m x && git worktree add -q ../other")
    other = str(repo.root.parent / "other" / "a.py")
    assert scene.asks(100, "a.py") == (ALLOWED, "")
    assert scene.asks(200, other) == (ALLOWED, "")
    assert scene.asks(200, str(repo.root / "a.py"))[0] == DENIED
    scene.coord(100, "claim", "file", "b.py", "1")
    assert scene.asks(200, str(Path(other).with_name("b.py")))[0] == DENIED


def test_files_outside_shared_folders_are_not_guarded(scene: Scene, tmp_path: Path) -> None:
    for path in ("/etc/hosts", str(tmp_path / "elsewhere.txt"), "a\0b"):
        assert scene.asks(100, path) == (ALLOWED, "")
    assert scene.full_paths == 0


def test_an_incomplete_or_outdated_index_is_not_used(scene: Scene) -> None:
    scene.asks(100, "a.py")
    path = scene.machine.repo.folder / ".cache" / index.NAME
    whole, rng = path.read_bytes(), random.Random(5)
    for _ in range(60):
        spot = rng.randrange(len(whole))
        path.write_bytes(whole[:spot] + bytes([whole[spot] ^ 1 << rng.randrange(8)]) + whole[spot + 1 :])
        assert read_index(str(path.parent)) is None, f"byte {spot}"
    for cut in (0, 10, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert scene.asks(200, "a.py")[0] == DENIED, "the full path knows it too"
    path.unlink()
    assert scene.asks(200, "a.py")[0] == DENIED
    assert read_index(str(path.parent)), "and it was made anew"
    ways = scene.full_paths
    with (scene.machine.repo.log / "another-one.jsonl").open("xb"):
        scene.asks(200, "a.py")
    assert scene.full_paths == ways + 1


@pytest.mark.parametrize("what", ["code", "machine", "client", "archive"])
def test_an_index_of_another_program_or_machine_is_not_used(
    scene: Scene, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.machine.start(100)
    scene.asks(100, "a.py")
    ways = scene.full_paths
    assert scene.asks(100, "a.py") == (ALLOWED, "")
    assert scene.full_paths == ways
    match what:
        case "code":
            monkeypatch.setattr(index, "code_version", lambda: "another")
        case "machine":
            monkeypatch.setattr(agents, "HERE", ObserverHost("machine-2", "boot-1", "pid:[1]"))
        case "client":
            scene.machine.table.rows[100] = Process(100, 1, 100, 7, "S", ("-bash",))
        case "archive":
            (scene.machine.repo.log / "ended").mkdir()
    scene.asks(100, "a.py")
    assert scene.full_paths == ways + 1


@pytest.mark.parametrize("name", ["stray", "Not a name"])
@pytest.mark.parametrize(
    "data", [b"", b"junk\n", b"stray", b"x" * (MAX_LINE + 1)], ids=["empty", "line", "tear", "long"]
)
def test_a_stray_file_stops_the_quick_path_until_the_next_write(scene: Scene, name: str, data: bytes) -> None:
    stray = scene.repo.log / f"{name}.jsonl"
    scene.asks(100, "a.py")
    stray.write_bytes(data)
    _takes_the_quick_path_after_a_command(scene)
    stray.write_bytes(data + b"more")
    _takes_the_quick_path_after_a_command(scene)
    stray.unlink()
    _takes_the_quick_path_after_a_command(scene)


@pytest.mark.parametrize("what", ["torn", "damaged", "too long", "gone", "folder", "link", "archived"])
def test_a_changed_journal_stops_the_quick_path_until_a_write(scene: Scene, what: str) -> None:
    scene.asks(100, "a.py")
    journal = scene.repo.log / f"{scene.machine.start(300)}.jsonl"
    data = journal.read_bytes()
    if what in ("gone", "folder", "link"):
        journal.unlink()
    match what:
        case "torn":
            journal.write_bytes(data + b'{"v":1,')
        case "damaged":
            journal.write_bytes(data + b"junk\n")
        case "too long":
            journal.write_bytes(data + b"x" * (MAX_LINE + 1))
        case "folder":
            journal.mkdir()
        case "link":
            journal.symlink_to("elsewhere")
        case "archived":
            (scene.repo.log / "ended").mkdir()
            journal.rename(scene.repo.log / "ended" / journal.name)
    _takes_the_quick_path_after_a_command(scene)


def test_events_from_the_future_stop_the_quick_path(repo: Repo) -> None:
    scene = Scene(repo)
    scene.asks(100, "a.py")
    said = SessionStarted(machine="machine-9", folder="/there")
    far = Event(v=VERSION, at=add_time(scene.machine.now, 300), session="far-away", n=1, payload=said)
    (scene.repo.log / "far-away.jsonl").write_bytes(encode_line(far, NO_HASH)[0])
    scene.coord(100, "heartbeat", "building", "api")
    ways = scene.full_paths
    scene.asks(100, "a.py")
    assert scene.full_paths == ways + 1, "its events count as soon as time has come nearer"


def _takes_the_quick_path_after_a_command(scene: Scene) -> None:
    scene.coord(100, "heartbeat", "building", "api")
    ways = scene.full_paths
    assert scene.asks(100, "a.py") == (ALLOWED, "")
    assert scene.full_paths == ways


def test_a_waiting_session_is_denied_now_and_comes_first_later() -> None:
    story = Story("holder", "waiter", "other")
    story.asks(1, "holder", "file/a.py", mode="shared")
    story.asks(2, "waiter", "file/a.py", told="waiting", wait_s=600)
    state = fold(State(), story.events)
    rows = guard_rows(state, Config(), [*state.claims.values(), *state.waits.values()])

    def answer_to(session: str, path: str) -> str:
        write: Any = LightRecord(resource=f"file/{path}", worktree="", agent="")
        return decide_request(rows, needed_claim(write, session), 0, "claim")[0]

    assert answer_to("waiter", "a.py") == "deny"
    assert answer_to("waiter", "b.py") == "claim"
    del rows[0]
    assert answer_to("waiter", "a.py") == "claim", "there is nothing in its way, and nothing that it has"
    assert answer_to("other", "a.py") == "deny"


def test_invalid_input_allows_the_call(repo: Repo) -> None:
    shell = repo.shell()
    for text in (
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"tool_input":7,"hook_event_name":"PreToolUse","tool_name":"Write"}',
    ):
        assert shell.run(f"printf %s '{text}' | coord hook claude").code == ALLOWED, text
    assert shell.run("coord hook claude < /dev/null").err == ""
    assert shell.run("coord hook claude <&-").code == ALLOWED
    assert shell.run("printf '{' | coord hook claude").both == "", "a hook never bothers an agent with its troubles"
    assert "claude input" in (repo.folder / ".cache" / "hooks" / "failures").read_text()


def test_a_hook_in_its_own_process(repo: Repo) -> None:
    shell = repo.shell()

    def said(conversation: str) -> str:
        named = {"file_path": str(repo.root / "a.py")}
        text = {"hook_event_name": "PreToolUse", "session_id": conversation, "tool_name": "Edit", "tool_input": named}
        return f"printf %s '{json.dumps(text)}' | coord hook claude"

    for _ in range(2):
        allowed = shell.run(said("one"))
        assert (allowed.both, allowed.code) == ("", ALLOWED)
    refused = shell.run(said("two"))
    assert (refused.out, refused.code) == ("", DENIED)
    assert "a.py was not written" in refused.err
    assert shell.run("cd / && " + said("two")).code == DENIED, "the file counts, not the folder it runs in"


@pytest.mark.parametrize(
    ("event", "tool"),
    [("PreToolUse", "Write"), ("PostToolUse", "Write"), ("PreToolUse", "Bash"), ("PostToolUse", "Bash")],
)
def test_the_quick_path_imports_only_these_modules(repo: Repo, event: str, tool: str) -> None:
    named = {"file_path": str(repo.root / "a.py"), "command": "true"}
    code = (
        "import os, sys; sys.argv = ['coord', 'hook', 'claude']; os._exit = lambda code: print(*sys.modules)\n"
        "import coord.__main__; coord.__main__.main()"
    )

    def loaded(event: str, tool: str) -> list[str]:
        said = {"hook_event_name": event, "session_id": "c", "tool_name": tool, "tool_input": named}
        said["transcript_path"] = "/t.jsonl"
        return subprocess.run(
            [sys.executable, "-P", "-c", code],
            input=json.dumps(said | {"cwd": str(repo.root), "tool_use_id": "t"}),
            env=environment(repo.home, CLAUDE_PROJECT_DIR=str(repo.root), CLAUDECODE="1"),
            cwd=repo.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    for _ in range(2):  # the first write is a claim, and the first hook after it says what the agent does
        loaded("PreToolUse", "Write")
        loaded("PostToolUse", "Write")
    loaded("PreToolUse", tool)
    modules = set(loaded(event, tool))
    ours = {name for name in modules if name.partition(".")[0] in ("coord", "eventlog", "projections")}
    details = {"coord.guard.call_details"} if (event, tool) == ("PostToolUse", "Bash") else set()
    commands = {"coord.guard.shell_commands"} if (event, tool) != ("PreToolUse", "Write") else set()
    assert ours == QUICK_PATH | details | commands
    assert not modules & SLOW
    assert len(modules) <= 75


@pytest.mark.parametrize("seed", range(25))
def test_a_write_is_allowed_iff_the_rules_would_grant_it(repo: Repo, seed: int) -> None:
    """Rules 1 and 2, for any history: who is allowed by the index would be granted or renewed by the judge."""
    rng, scene = random.Random(seed), Scene(repo)
    names = ["a.py", "src/b.py", "src/c.py", "src/", "**/*.py"]
    for _ in range(12):
        shell, name = rng.choice((100, 200, 300)), rng.choice(names)
        match rng.randrange(4):
            case 0:
                scene.coord(shell, "claim", "file", name, "--ttl", "5m", *rng.choice(((), ("--shared",))))
            case 1:
                scene.coord(shell, "release", "file", name)
            case 2:
                scene.machine.wait(rng.choice((1, 200, 700)))
            case _:
                _check(scene, shell, rng.choice(names[:3]), rng.choice(("", "one")))


def _check(scene: Scene, shell: int, path: str, agent: str) -> None:
    system = scene.machine.system(shell, {})
    workspace = find_workspace(system, None)
    code, _ = scene.asks(shell, path, agent_id=agent)
    ways = scene.full_paths
    again, _ = scene.asks(shell, path, agent_id=agent)
    assert again == code
    assert scene.full_paths == ways, "after the full path, the index is up to date"
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up()
    session = next(s.id for s in snapshot.state.sessions.values() if s.client_session == f"c{shell}")
    fields = dict.fromkeys(("id", "note", "asked_at"), "") | {"ttl_s": 1, "automatic": True, "mode": "exclusive"}
    ask = ClaimRequest(session=session, agent=agent, resource=f"file/{path}", worktree="main", **fields)  # type: ignore[arg-type]
    obstacles = find_obstacles(snapshot.state, ask)
    mine = any(claim.session == session for claim in snapshot.state.claims.values())
    assert (code == DENIED) == bool(obstacles) or (code == ALLOWED and mine), (code, obstacles)


def test_the_type_checker_knows_the_fields_of_light_records() -> None:
    """Each comment below is itself an error of mypy's, an unused one, if mypy does not see the fields."""
    row = GuardRow.read({"id": "amber/1"})
    assert row.id == "amber/1"
    with pytest.raises(AttributeError):
        row.owner  # type: ignore[attr-defined] # noqa: B018
    assert vars(RequestedWrite(session=1)) == {"session": 1}  # type: ignore[call-arg, arg-type]


def test_a_command_that_changes_no_claim_copies_their_tables(scene: Scene) -> None:
    scene.asks(100, "a.py")
    cache = str(scene.machine.repo.folder / ".cache")
    scene.coord(100, "heartbeat", "working", "x")
    before = read_index(cache)
    scene.coord(100, "heartbeat", "working", "y")
    after = read_index(cache)
    assert before
    assert after
    assert after[0]["requests_id"] == before[0]["requests_id"] != ""
    assert after[1][2:] == before[1][2:] != [b"", b""]
    scene.coord(100, "claim", "file", "b.py", "1")
    changed = read_index(cache)
    assert changed
    assert changed[0]["requests_id"] != after[0]["requests_id"]
    assert b"b.py" in changed[1][2]
