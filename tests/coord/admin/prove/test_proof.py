"""`coord doctor --prove` finds whether a client obeys the guard. A played client stands for the real ones."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coord.admin.prove.attempt import run_client
from coord.admin.prove.canary import claimed_canary
from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.guard.payload import parse_call, writes_in
from coord.workspace.config import Config
from coord.workspace.paths import find_workspace
from coord.workspace.system import System, wall_clock
from tests.support.installations import LOCAL
from tests.support.played_client import install_played_client
from tests.support.processes import Result, Shell, until
from tests.support.repositories import Repo, git

_BY_WORD = {client.word: client for client in CLIENTS}
CLAUDE = _BY_WORD["claude"]


@pytest.fixture
def shell(repo: Repo) -> Shell:
    """A shell that finds the played client, with coord's hooks in its settings."""
    made = repo.shell()
    made.ok(f"PATH={install_played_client(repo.home / 'played')}")
    made.ok("coord install claude")
    return made


def run(shell: Shell, plays: str, options: str = "--yes") -> Result:
    return shell.run(f"PLAYED={plays} coord doctor --prove claude --json {options}")


def prove(shell: Shell, plays: str, options: str = "--yes") -> dict[str, Any]:
    result = run(shell, plays, options)
    (proof,) = result.json["proofs"]
    assert (result.code == 0) == (proof["result"] == "denied")
    return dict(proof)


def commands(proof: dict[str, Any]) -> list[str]:
    return [step["command"] for step in proof["do"]]


# --- the client is run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plays", "result", "evidence"),
    [
        ("obeys", "denied", "a hook denied that"),
        ("deaf", "not_asked", "no hook of coord ran"),
        ("ignores", "ignored", "a hook denied the write, but the file was written"),
        ("bypasses", "denied", "then a shell command wrote the file"),
    ],
)
def test_the_result_is_what_the_client_does(shell: Shell, plays: str, result: str, evidence: str) -> None:
    proof = prove(shell, plays)
    assert (proof["result"], proof["by"], proof["not_run"]) == (result, "client", "")
    assert evidence in proof["evidence"]


def test_hooks_of_other_events_are_told_apart(shell: Shell, repo: Repo) -> None:
    path = repo.root / LOCAL
    settings = json.loads(path.read_text())
    del settings["hooks"]["PreToolUse"]
    path.write_text(json.dumps(settings))
    proof = prove(shell, "obeys")
    assert proof["result"] == "not_asked"
    assert "no hook ran before the write, only at other times" in proof["evidence"]


def test_a_failed_hook_is_named(shell: Shell, repo: Repo) -> None:
    path = repo.root / LOCAL
    path.write_text(path.read_text().replace('"coord hook', '"echo no json | coord hook'))
    proof = prove(shell, "obeys")
    assert proof["result"] == "not_asked"
    assert "the hook failed: " in proof["evidence"]


@pytest.mark.parametrize(
    ("plays", "reason"),
    [("refuses", "its model did not try to write the file"), ("fails", "Not logged in. Run /login")],
)
def test_if_the_client_proves_nothing_its_hook_is_called(shell: Shell, plays: str, reason: str) -> None:
    proof = prove(shell, plays)
    assert (proof["result"], proof["hook"], proof["by"]) == ("not_tried", "denied", "hook")
    assert reason in proof["not_run"]
    assert commands(proof)[-1] == "coord doctor --prove claude"


def test_a_missing_program_is_named(shell: Shell) -> None:
    shell.ok("PATH=$(dirname $(command -v coord)):/usr/bin:/bin")
    proof = prove(shell, "obeys")
    assert (proof["result"], proof["hook"], proof["not_run"]) == ("not_tried", "denied", "claude is not on the PATH")
    text = shell.run("coord doctor --prove claude --yes")
    assert (text.code, text.out.split("\n")[:2]) == (
        1,
        ["🟡 Claude Code: not tried (its hook denies)", "   claude is not on the PATH"],
    )


def test_an_untried_client_whose_hook_fails_is_named(shell: Shell, repo: Repo) -> None:
    path = repo.root / LOCAL
    path.write_text(path.read_text().replace('"coord hook', '"/gone/coord hook'))
    proof = prove(shell, "refuses")
    assert (proof["result"], proof["hook"]) == ("not_tried", "not_asked")
    text = shell.run("PLAYED=refuses coord doctor --prove claude --yes")
    assert "🔴 Claude Code: not tried (its hook does not deny)" in text.out


def test_a_client_that_does_not_end_is_killed(repo: Repo) -> None:
    path = install_played_client(repo.home / "played").partition(os.pathsep)[0] + "/claude"
    env = {"PLAYED": "hangs", "PATH": os.environ["PATH"], "HOME": str(repo.home)}
    system = System(env, str(repo.root), wall_clock, os.getpid())
    with claimed_canary(system, find_workspace(system, None), Config()) as canary:
        attempt = run_client(CLAUDE, path, canary, str(repo.root), timeout_s=0.2)
        assert attempt.failed == "it did not end within 0.2 s"


def test_without_hooks_in_the_settings_they_are_installed_first(shell: Shell) -> None:
    shell.ok("coord uninstall claude")
    proof = prove(shell, "obeys")
    assert proof["result"] == "not_asked"
    assert commands(proof) == ["coord install claude", "coord doctor --prove claude"]


# --- what a proof leaves, and what it is independent of ---------------------------------------------------------------


def test_a_proof_leaves_nothing_in_the_log_and_the_cache(shell: Shell, repo: Repo) -> None:
    me = repo.shell().start()
    before = (repo.bytes(), (repo.folder / "STATUS_BOARD.md").read_bytes(), _names(repo.folder))
    for plays in ("obeys", "ignores", "fails"):
        prove(shell, plays)
    fired = {str(Path(".cache", "hooks", "fired-claude")), str(Path(".cache", "hooks"))}
    assert (repo.bytes(), (repo.folder / "STATUS_BOARD.md").read_bytes()) == before[:2]
    assert _names(repo.folder) - fired == before[2] - fired
    assert [row["id"] for row in shell.json("coord status")["sessions"]] == [me]


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.endswith((".tmp", ".new"))}


def test_a_killed_proof_leaves_a_folder_for_a_day(shell: Shell, repo: Repo) -> None:
    shell.begin("PLAYED=hangs exec coord doctor --prove claude --yes")
    cache = repo.folder / ".cache"
    until(lambda: [*cache.glob("proof-*/COORDINATION/log/*.jsonl")], "the claim of the canary")
    os.killpg(shell.pid, signal.SIGKILL)
    (left,) = cache.glob("proof-*")
    again = repo.shell()
    again.ok(f"PATH={repo.home / 'played'}:$PATH")
    assert prove(again, "obeys")["result"] == "denied"
    assert left.exists()
    os.utime(left, (0, 0))
    assert prove(again, "obeys")["result"] == "denied"
    assert [*cache.glob("proof-*")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_proof_ends_the_client_and_cleans_up(shell: Shell, repo: Repo, number: int) -> None:
    shell.begin("PLAYED=hangs exec coord doctor --prove claude --yes")
    cache = repo.folder / ".cache"
    until(lambda: len(_clients(repo)) == 1, "the client")
    os.kill(shell.pid, number)
    until(lambda: not _clients(repo), "the end of the client")
    until(lambda: [*cache.glob("proof-*")] == [], "the end of the scratch folder")


def _clients(repo: Repo) -> list[str]:
    """The played clients that run."""
    found = subprocess.run(["pgrep", "-f", f"{repo.home}/played/claude"], capture_output=True, check=False, text=True)
    return found.stdout.split()


def test_an_agent_cannot_start_another_one(shell: Shell) -> None:
    agent = "CLAUDECODE=1 CLAUDE_CODE_SESSION_ID=x PLAYED=obeys coord doctor --prove claude"
    result = shell.run(f"{agent} --yes")
    assert (result.code, result.out) == (1, "")
    assert "an agent cannot start another one" in result.err
    assert "✅ Claude Code: its hook denies the write" in shell.ok(f"{agent} --hook-only")


def test_a_linked_worktree_has_its_own_scratch_folder(shell: Shell, repo: Repo) -> None:
    git(repo, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "First")
    git(repo, "worktree", "add", "-q", "linked")
    shell.ok("cd linked && coord install claude")
    assert prove(shell, "obeys")["result"] == "denied"
    assert not (repo.root / "linked" / "COORDINATION" / ".cache").exists()
    assert repo.events() == []


def test_a_linked_cache_is_not_followed(shell: Shell, repo: Repo) -> None:
    shutil.rmtree(repo.folder / ".cache")
    (repo.folder / ".cache").symlink_to(repo.home)
    result = run(shell, "obeys")
    assert (result.code, result.out) == (1, "")
    assert not list(repo.home.glob("proof-*"))


def test_a_path_with_spaces_is_proved(shell: Shell, repo: Repo) -> None:
    git(repo, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "First")
    git(repo, "worktree", "add", "-q", "-b", "other", 'a "linked" tree')
    shell.ok("cd 'a \"linked\" tree' && coord install claude")
    assert prove(shell, "obeys")["result"] == "denied"
    assert prove(shell, "obeys", "--hook-only")["result"] == "denied"


@pytest.mark.parametrize("setting", ['guard = "off"', 'guard = "warn"', 'ignore = ["*"]'])
def test_settings_that_deny_nothing_are_named(shell: Shell, repo: Repo, setting: str) -> None:
    (repo.folder / "config.toml").write_text(setting + "\n")
    proof = prove(shell, "obeys")
    assert (proof["result"], proof["by"]) == ("not_tried", "hook")
    assert setting.partition(" ")[0] in proof["evidence"]


def test_explicit_claims_are_proved_in_check_mode_too(shell: Shell, repo: Repo) -> None:
    (repo.folder / "config.toml").write_text('guard = "check"\n')
    assert prove(shell, "obeys")["result"] == "denied"


# --- only the hook is called ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_the_installed_hook_is_called_as_its_client_would(repo: Repo, client: Client) -> None:
    shell = repo.shell()
    words = f"coord doctor --prove {client.word} --hook-only --json"
    assert shell.run(words).json["proofs"][0]["evidence"] == "its settings have no hooks of coord"
    shell.ok(f"coord install {client.word}")
    (proof,) = json.loads(shell.ok(words))["proofs"]
    assert (proof["client"], proof["result"], proof["by"]) == (client.name, "denied", "hook")
    _replace_hook(repo, client, " >/dev/null || true")
    (proof,) = shell.run(words).json["proofs"]
    assert proof["result"] == "ignored"
    _replace_hook(repo, client, " | exit 1")
    (proof,) = shell.run(words).json["proofs"]
    assert proof["result"] == "ignored"


def _replace_hook(repo: Repo, client: Client, text: str) -> None:
    """Add a text to the commands of a client's hooks."""
    for name in client.settings.values():
        path = repo.home / name[2:] if name.startswith("~/") else repo.root / name
        if path.exists():
            path.write_text(re.sub(rf"(hook {client.word}\b[\w ]*)[^\"]*\"", rf'\1{text}"', path.read_text()))


def test_hooks_that_do_not_find_coord_are_explained(shell: Shell) -> None:
    shell.ok("coord uninstall claude; coord install claude --project; C=$(command -v coord); PATH=/usr/bin:/bin")
    result = shell.run('"$C" doctor --prove claude --hook-only --json')
    (proof,) = result.json["proofs"]
    assert proof["result"] == "not_asked"
    assert commands(proof)[0] == "coord doctor"


def test_a_hook_that_calls_a_missing_program_does_not_ask(shell: Shell, repo: Repo) -> None:
    path = repo.root / LOCAL
    path.write_text(path.read_text().replace('"coord hook', '"/gone/coord hook'))
    proof = prove(shell, "obeys", "--hook-only")
    assert proof["result"] == "not_asked"
    assert "exit code 127" in proof["evidence"]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_the_example_of_a_record_is_a_write(repo: Repo, client: Client) -> None:
    path = repo.root / "canary.txt"
    text = client.example.replace("{cwd}", str(repo.root)).replace("{file}", str(path)).replace("{id}", "one")
    event = next(name for name, hook_event in client.hook_events.items() if hook_event == "before")
    call = parse_call(client, text.encode(), event)
    assert call is not None
    assert (call.hook_event, call.conversation) == ("before", "one")
    assert [write.path for write in writes_in(call, {})] == [str(path)]


# --- the command ------------------------------------------------------------------------------------------------------


def test_without_a_name_all_installed_clients_are_tried(shell: Shell) -> None:
    shell.ok("coord install gemini")
    proofs = json.loads(shell.ok("coord doctor --prove --hook-only --json"))["proofs"]
    assert [proof["client"] for proof in proofs] == ["claude-code", "gemini"]
    shell.ok("coord uninstall --all")
    result = shell.run("coord doctor --prove --hook-only")
    assert (result.code, result.out) == (1, "")
    assert "coord install CLIENT" in result.err


def test_a_model_is_asked_only_with_permission(shell: Shell) -> None:
    result = shell.run("PLAYED=obeys coord doctor --prove claude")
    assert result.code == 2
    assert "can cost money" in result.err
    assert "coord doctor --prove claude --yes" in result.err
    assert "coord doctor --prove claude --hook-only" in result.err


def test_a_person_at_a_terminal_is_asked_first(shell: Shell, repo: Repo) -> None:
    window = repo.terminal()
    window.run(f"export CLAUDECODE=1 PLAYED=obeys PATH={repo.home / 'played'}:$PATH")  # opened by an agent's client
    window.begin("coord doctor --prove claude; echo code-$?")
    window.sees("Continue? [y/N]")
    window.press("n", "Enter")
    assert "nothing was tried" in window.sees("code-1")
    window.begin("coord doctor --prove claude; echo code-$?")
    window.sees("Continue? [y/N]")
    window.press("y", "Enter")
    assert "✅ Claude Code: the guard works, the write was denied" in window.sees("code-0")


@pytest.mark.parametrize("words", ["claude", "--yes", "--hook-only", "--prove nobody --yes"])
def test_wrong_words_are_refused(shell: Shell, words: str) -> None:
    assert shell.run(f"coord doctor {words}").code == 2


def test_without_a_log_there_is_no_proof(bare_repo: Repo) -> None:
    assert bare_repo.shell().run("coord doctor --prove claude --yes").code == 4


def test_the_text_says_what_to_do(shell: Shell, repo: Repo) -> None:
    result = shell.run("PLAYED=deaf coord doctor --prove claude --yes")
    assert result.code == 1
    assert result.out.split("\n")[:4] == [
        "🔴 Claude Code: not asked",
        "   it wrote a claimed file, and no hook of coord ran",
        f"   → {CLAUDE.todo}",
        "   → check whether its settings disable hooks:",
    ]
    assert f"cat {shlex.quote(str(repo.root / LOCAL))}" in result.out
