"""Changes by shell commands are found by comparing files before and after a command. The same files of the same git
directory are compared, whatever folder the command ends in.
"""

from pathlib import Path
from typing import Any

import pytest

from coord.hooks.messages import LATER_CHARS
from tests.support.agents import Agents
from tests.support.repositories import Repo

CLAUDE, CODEX = 100, 200


@pytest.fixture
def agents(repo: Repo) -> Agents:
    """Claude and Codex in one repository that has a second worktree; Codex holds `src/a.py` in the first."""
    made = Agents(repo)
    made.shell(CLAUDE, "mkdir src; echo x > src/a.py; echo x > b.py; git add -A; git commit -qm first", hooks=False)
    made.shell(CLAUDE, "git worktree add -q ../other", hooks=False)
    made.starts(CLAUDE)
    made.starts(CODEX)
    made.writes(CODEX, "src/a.py", "of another session\n")
    made.shell(CLAUDE, "true")
    return made


def other(agents: Agents) -> Path:
    """The second worktree."""
    return agents.root.parent / "other"


def moves(agents: Agents, command: str, to: Path, at: Path | None = None, use: str = "use-1") -> Any:
    """Run a shell command as Claude that ends in another folder than it began in."""
    used = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": use}
    agents.hook(CLAUDE, "before", cwd=str(at or agents.root), **used)
    agents.shell(CLAUDE, command, cwd=at, hooks=False)
    return agents.hook(CLAUDE, "after", cwd=str(to), **used)


def running(folder: Path) -> list[str]:
    """The traces of running shell commands, and of the folders in which they began."""
    return [str(path) for path in (folder / ".cache" / "hooks").rglob("shell-*")]


def test_ending_in_another_worktree_is_not_a_change(agents: Agents) -> None:
    answer = moves(agents, "cd ../other", other(agents))
    assert answer.silent
    assert agents.repo.of_type("claim.bypassed") == []
    assert running(agents.repo.folder) == []


def test_the_full_path_compares_where_the_command_began(agents: Agents) -> None:
    agents.machine.wait(60)  # a heartbeat is due
    before = agents.full_paths
    moves(agents, "cd ../other", other(agents))
    assert agents.full_paths == before + 1
    assert agents.repo.of_type("claim.bypassed") == []


def test_a_change_in_the_worktree_that_was_left_is_found(agents: Agents) -> None:
    answer = moves(agents, "echo mine > src/a.py; cd ../other", other(agents))
    assert "src/a.py" in answer.context
    (event,) = agents.repo.of_type("claim.bypassed")
    assert event["event"]["resource"] == "file/src/a.py"


def test_a_command_that_changes_many_files_names_or_counts_all(agents: Agents) -> None:
    for number in range(30):
        agents.writes(CODEX, f"a-folder-with-a-long-name/file-{number}.py")
    agents.shell(CLAUDE, "true")
    answer = agents.shell(CLAUDE, "for f in a-folder-with-a-long-name/*; do echo mine >> $f; done")
    assert len(agents.repo.of_type("claim.bypassed")) == 30
    assert len(answer.context) <= LATER_CHARS
    assert "30 files" in answer.context
    named = answer.context.count("file-")
    assert f"and {30 - named} more (coord log)" in answer.context
    assert "undo the changes, or ask" in answer.context


def test_claims_here_do_not_affect_another_repository(agents: Agents, tmp_path: Path) -> None:
    second = Repo(tmp_path / "second", agents.repo.home)
    agents.shell(CLAUDE, f"git init -q {second.root} && cd {second.root} && coord init", hooks=False)
    answer = agents.writes(CLAUDE, str(second.root / "src" / "a.py"))
    assert answer.silent, "another session holds a file of this name, but in the first repository"


def test_without_an_index_commands_are_still_compared(agents: Agents) -> None:
    (agents.repo.folder / ".cache" / "guard").unlink()
    answer = agents.shell(CLAUDE, "echo mine > src/a.py")
    assert "src/a.py" in answer.context


def test_without_an_index_a_prompt_still_ends_commands(agents: Agents) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "sleep 1"}, "tool_use_id": "use-1"}
    agents.hook(CLAUDE, "before", **used)
    assert running(agents.repo.folder)
    (agents.repo.folder / ".cache" / "guard").unlink()
    agents.hook(CLAUDE, "prompt")
    assert not running(agents.repo.folder)


def test_a_change_by_the_holder_meanwhile_is_not_a_bypass(agents: Agents) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "cd ../other"}, "tool_use_id": "use-1"}
    agents.hook(CLAUDE, "before", **used)
    agents.writes(CODEX, "src/a.py", "its next version, longer\n")
    assert agents.hook(CLAUDE, "after", cwd=str(other(agents)), **used).silent
    assert agents.repo.of_type("claim.bypassed") == []


def test_git_init_in_a_command_is_not_a_bypass(agents: Agents) -> None:
    answer = moves(agents, "git init -q .", agents.root / "src", at=agents.root / "src")
    assert answer.silent
    assert agents.repo.of_type("claim.bypassed") == []


def test_a_commit_in_the_worktree_that_was_left_ends_the_edit(agents: Agents) -> None:
    agents.writes(CLAUDE, "b.py")
    moves(agents, "git commit -qm two b.py; cd ../other", other(agents))
    assert "file/b.py" not in agents.claims()


def test_a_commit_in_the_other_worktree_ends_the_edit_there(agents: Agents) -> None:
    agents.writes(CLAUDE, "b.py", cwd=other(agents))
    moves(agents, "cd ../other; git commit -qm two b.py", other(agents))
    assert "file/b.py" not in agents.claims()


# --- from one shared folder to another --------------------------------------------------------------------------------


@pytest.fixture
def second(agents: Agents, tmp_path: Path) -> Repo:
    """Another repository with a shared folder, in which Claude has a session too. Claude was started in the first."""
    made = Repo(tmp_path / "second", agents.repo.home)
    agents.shell(CLAUDE, f"git init -q {made.root} && cd {made.root} && coord init", hooks=False)
    agents.env = {"CLAUDE_PROJECT_DIR": str(agents.root)}
    agents.shell(CLAUDE, "true", cwd=made.root)
    agents.shell(CLAUDE, "true", cwd=made.root)
    assert running(made.folder) == running(agents.repo.folder) == []
    return made


def test_a_command_may_end_in_another_repository(agents: Agents, second: Repo) -> None:
    assert moves(agents, f"cd {second.root}", second.root).silent
    assert running(agents.repo.folder) == running(second.folder) == []


def test_a_change_in_the_repository_that_was_left_is_found(agents: Agents, second: Repo) -> None:
    answer = moves(agents, f"echo mine > src/a.py; cd {second.root}", second.root)
    assert "src/a.py" in answer.context
    assert len(agents.repo.of_type("claim.bypassed")) == 1


def test_a_command_that_returns_ends_where_it_began(agents: Agents, second: Repo) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "cd"}, "tool_use_id": "use-2"}
    agents.hook(CLAUDE, "before", cwd=str(second.root), **used)
    assert running(second.folder)
    assert agents.hook(CLAUDE, "after", cwd=str(agents.root), **used).silent
    assert running(agents.repo.folder) == running(second.folder) == []


def test_a_command_may_end_outside_of_every_repository(agents: Agents, second: Repo, tmp_path: Path) -> None:
    moves(agents, f"echo mine > src/a.py; cd {tmp_path}", tmp_path)
    assert len(agents.repo.of_type("claim.bypassed")) == 1
    assert running(agents.repo.folder) == []


def test_a_prompt_deletes_the_note_of_an_interrupted_command(agents: Agents, second: Repo) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "sleep 600"}, "tool_use_id": "use-3"}
    agents.hook(CLAUDE, "before", cwd=str(second.root), **used)
    agents.hook(CLAUDE, "prompt", cwd=str(second.root))
    assert running(agents.repo.folder) == running(second.folder) == []
