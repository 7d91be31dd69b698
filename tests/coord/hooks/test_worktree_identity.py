"""A worktree is what git knows it by: it stays the same when it is moved, and at each path at which it is mounted.
Claims in older journals contain its path.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from coord.guard.entry import ALLOWED, DENIED
from coord.platform.git.naming import Checkout
from projections.rules.conflicts import are_different_worktrees
from tests.support.agents import Agents
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo

CLAUDE, CODEX = 100, 200


@pytest.fixture
def agents(repo: Repo) -> Agents:
    """Claude and Codex in a repository with the committed file `a.py`, and with a second worktree, `other`."""
    made = Agents(repo)
    made.shell(CLAUDE, "echo x > a.py; git add -A; git commit -qm first; git worktree add -q ../other", hooks=False)
    made.starts(CLAUDE)
    made.starts(CODEX)
    return made


def moved(agents: Agents, name: str = "moved") -> Path:
    """Move the repository, and run all hooks from there."""
    new = agents.root.parent / name
    agents.root.rename(new)
    agents.root = agents.repo.root = new
    return new


def test_an_edit_is_guarded_after_the_repository_was_moved(agents: Agents) -> None:
    agents.writes(CLAUDE, "a.py")
    new = moved(agents)
    assert agents.writes(CODEX, "a.py").code == DENIED
    subprocess.run(["git", "commit", "-qam", "more"], cwd=new, env=environment(agents.repo.home), check=True)
    assert agents.writes(CODEX, "a.py").code == ALLOWED, "git is asked where the repository is now"


def test_an_edit_is_guarded_after_its_worktree_was_moved(agents: Agents) -> None:
    side, new = agents.root.parent / "other", agents.root.parent / "new"
    agents.writes(CLAUDE, "a.py", cwd=side)
    assert agents.repo.of_type("claim.requested")[-1]["event"]["worktree"] == "worktrees/other"
    agents.shell(CLAUDE, f"git worktree move ../other {new}", hooks=False)
    assert agents.writes(CODEX, "a.py", cwd=new).code == DENIED
    answer = agents.writes(CODEX, "a.py")
    assert answer.code == ALLOWED
    assert f"in another worktree ({new})" in answer.context, "the warning names the path where it is now"
    agents.shell(CLAUDE, "git commit -qam more", cwd=new, hooks=False)
    assert agents.writes(CODEX, "a.py", cwd=new).code == ALLOWED


def test_the_warning_of_a_removed_worktree_shows_its_name(agents: Agents) -> None:
    agents.writes(CLAUDE, "a.py", cwd=agents.root.parent / "other")
    agents.shell(CLAUDE, "git worktree remove --force ../other", hooks=False)
    assert "in another worktree (worktrees/other)" in agents.writes(CODEX, "a.py").context


def test_an_edit_in_a_worktree_out_of_reach_does_not_end(agents: Agents) -> None:
    side, new = agents.root.parent / "other", agents.root.parent / "new"
    agents.writes(CLAUDE, "a.py", cwd=side)
    side.rename(new)  # git does not know where it is now
    agents.machine.wait(3600)
    agents.writes(CODEX, "b.py")
    assert agents.claims()["file/a.py"] == agents.session(CLAUDE)
    assert agents.writes(CODEX, "a.py", cwd=new).code == DENIED
    agents.shell(CLAUDE, "git worktree repair && git commit -qam more", cwd=new, hooks=False)
    assert agents.writes(CODEX, "a.py", cwd=new).code == ALLOWED


def test_an_edit_in_a_removed_worktree_ends(agents: Agents) -> None:
    agents.writes(CLAUDE, "a.py", cwd=agents.root.parent / "other")
    agents.shell(CLAUDE, "git worktree remove --force ../other", hooks=False)
    agents.machine.wait(3600)
    agents.writes(CODEX, "b.py")
    assert "file/a.py" not in agents.claims()


def test_a_session_is_the_same_by_each_path_of_its_folder(agents: Agents) -> None:
    agents.writes(CLAUDE, "a.py")
    before, old = agents.session(CLAUDE), agents.root
    old.symlink_to(moved(agents))  # the path in its journal still leads to the folder
    agents.writes(CLAUDE, "a.py")
    assert agents.session(CLAUDE) == before


def test_a_session_in_a_copy_of_its_folder_is_another_one(agents: Agents) -> None:
    agents.writes(CLAUDE, "a.py")
    before, copy = agents.session(CLAUDE), agents.root.parent / "copy"
    shutil.copytree(agents.root, copy, symlinks=True)
    agents.root = agents.repo.root = copy
    agents.writes(CLAUDE, "a.py")
    assert agents.session(CLAUDE) != before


def _mounts() -> bool:
    unshare = shutil.which("unshare")
    return bool(unshare) and subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _mounts(), reason="no folder can be mounted here")
def test_an_edit_is_guarded_where_the_repository_is_mounted_too(repo: Repo) -> None:
    """A dev container sees the repository at another path than its host."""
    (repo.root / "a.py").touch()
    mounted = repo.root.parent / "mounted"
    mounted.mkdir()

    def said(conversation: str, root: Path) -> str:
        path = repo.home / conversation
        call = {"session_id": conversation, "cwd": str(root), "hook_event_name": "PreToolUse", "tool_name": "Write"}
        path.write_text(json.dumps(call | {"tool_input": {"file_path": str(root / "a.py")}}))
        return f"'{COORD}' hook claude < '{path}'"

    script = (
        f"mount --bind '{repo.root}' '{mounted}' && {said('c1', repo.root)} && "
        f"echo x >> '{repo.root}/a.py' && {said('c2', mounted)}"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=repo.root,
        env=environment(repo.home),
        capture_output=True,
        text=True,
    )
    assert done.returncode == DENIED, done
    assert "a.py was not written, because it is claimed" in done.stderr


@pytest.mark.parametrize(
    ("a", "b", "different"),
    [
        ("main", "worktrees/w", True),
        ("main", "main", False),
        ("", "main", False),
        ("/w/one", "/w/two", True),
        ("/w/one", "main", True),
        ("worktrees/w", "C:\\w", True),
    ],
)
def test_rule_1_worktrees_differ_if_their_names_do(a: str, b: str, different: bool) -> None:
    assert are_different_worktrees(a, b) is are_different_worktrees(b, a) is different


def by_path(patch: pytest.MonkeyPatch) -> None:
    """Let hooks name worktrees by their paths, as older versions did."""
    patch.setattr(Checkout, "worktree", property(lambda here: here.root))


def test_an_edit_in_an_older_journal_is_guarded_and_ends(agents: Agents) -> None:
    with pytest.MonkeyPatch.context() as older:
        by_path(older)
        agents.writes(CLAUDE, "a.py")
    assert agents.repo.of_type("claim.requested")[-1]["event"]["worktree"] == str(agents.root)
    assert agents.writes(CODEX, "a.py").code == DENIED
    agents.shell(CLAUDE, "git commit -qam more", hooks=False)
    assert agents.writes(CODEX, "a.py").code == ALLOWED
    assert agents.claims() == {"file/a.py": agents.session(CODEX)}


def test_edits_in_older_journals_are_in_their_own_worktrees(agents: Agents) -> None:
    """After an upgrade, nobody is denied its own file because of an edit in another worktree."""
    side = agents.root.parent / "other"
    with pytest.MonkeyPatch.context() as older:
        by_path(older)
        assert agents.writes(CLAUDE, "a.py").code == agents.writes(CODEX, "a.py", cwd=side).code == ALLOWED
    assert agents.writes(CLAUDE, "a.py").code == agents.writes(CODEX, "a.py", cwd=side).code == ALLOWED
    assert agents.writes(CODEX, "a.py").code == agents.writes(CLAUDE, "a.py", cwd=side).code == DENIED
    agents.shell(CLAUDE, "git commit -qam more", hooks=False)
    assert agents.writes(CODEX, "a.py").code == ALLOWED
    assert agents.writes(CLAUDE, "a.py", cwd=side).code == DENIED
    assert not [row for row in agents.board()["needs"] if row["kind"] == "lost"]


def test_an_older_edit_in_a_worktree_that_is_gone_is_guarded(agents: Agents) -> None:
    """The path no longer tells which worktree it was, so the file is guarded in all of them."""
    with pytest.MonkeyPatch.context() as older:
        by_path(older)
        agents.writes(CLAUDE, "a.py")
    moved(agents)
    assert agents.writes(CODEX, "a.py").code == DENIED
