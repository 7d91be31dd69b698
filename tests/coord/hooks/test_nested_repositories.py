"""A log guards the files of nested repositories and submodules that have no log of their own, by the names that claims
have: relative to the root of the outer repository. Git is asked in the repository that a file is in.
"""

from pathlib import Path

import pytest

from coord.cli.main import run
from coord.guard.entry import ALLOWED, DENIED
from coord.hooks.git import staged
from tests.support.agents import Agents
from tests.support.in_process import process
from tests.support.repositories import Repo

CLAUDE, CODEX, PERSON = 100, 200, 900


@pytest.fixture
def agents(repo: Repo) -> Agents:
    """Claude and Codex in a repository with the nested repository `inner` and the submodule `sub`, each with `a.py`."""
    made = Agents(repo)
    made.machine.table.rows[PERSON] = process(PERSON, 1, PERSON, "-bash")
    one = "git init -q {0}; cd {0}; echo x > a.py; git add -A; git commit -qm first"
    made.shell(CLAUDE, one.format("../library"), hooks=False)
    made.shell(CLAUDE, "git -c protocol.file.allow=always submodule --quiet add ../library sub", hooks=False)
    made.shell(
        CLAUDE, f"echo inner/ > .gitignore; git add -A; git commit -qm first; {one.format('inner')}", hooks=False
    )
    made.starts(CLAUDE)
    made.starts(CODEX)
    return made


def commits(agents: Agents, where: str, files: str = "-a") -> None:
    """Commit in a repository as a person without hooks."""
    agents.shell(CLAUDE, f"git commit -qm more {files}", cwd=agents.root / where, hooks=False)


def git_hook(agents: Agents, name: str, where: str, **env: str) -> int:
    """Run a hook of git in a repository, as a person's commit does."""
    return run(("git-hook", name), agents.machine.system(PERSON, env).at(str(agents.root / where)))


@pytest.mark.parametrize("where", ["inner", "sub"])
def test_an_edit_in_a_nested_repository_is_guarded(agents: Agents, where: str) -> None:
    agents.writes(CLAUDE, "a.py", cwd=agents.root / where)
    assert list(agents.claims()) == [f"file/{where}/a.py"]
    denied = agents.writes(CODEX, f"{where}/a.py")
    assert (denied.code, f"{where}/a.py was not written" in denied.err) == (DENIED, True)
    assert agents.writes(CODEX, "a.py").code == ALLOWED, "the outer file of that name is another one"


@pytest.mark.parametrize("where", ["inner", "sub"])
def test_the_edit_ends_when_it_is_committed_there(agents: Agents, where: str) -> None:
    agents.writes(CLAUDE, f"{where}/a.py")
    agents.shell(CLAUDE, "git commit -q --allow-empty -m outer", hooks=False)
    assert agents.writes(CODEX, f"{where}/a.py").code == DENIED
    commits(agents, where)
    assert agents.writes(CODEX, f"{where}/a.py").code == ALLOWED


@pytest.mark.parametrize(("claimed", "where"), [("sub/a.py", "sub"), ("inner/", "inner"), ("**/a.py", "inner")])
def test_a_claim_by_name_holds_in_a_nested_repository(agents: Agents, claimed: str, where: str) -> None:
    assert agents.coord(CLAUDE, "claim", "file", claimed).code == 0
    assert agents.writes(CODEX, "a.py", cwd=agents.root / where).code == DENIED


def test_commands_in_a_nested_repository_use_the_outer_log(agents: Agents) -> None:
    system = agents.machine.system(CODEX, {"CODEX_THREAD_ID": "c200"}).at(str(agents.root / "inner"))
    assert run(("claim", "file", "./a.py"), system) == 0
    assert agents.claims() == {"file/inner/a.py": agents.session(CODEX)}


def test_a_shell_command_in_a_nested_repository_is_compared(agents: Agents) -> None:
    agents.writes(CODEX, "inner/a.py")
    answer = agents.shell(CLAUDE, "echo more >> a.py", cwd=agents.root / "inner")
    assert "inner/a.py" in answer.context
    assert len(agents.repo.of_type("claim.bypassed")) == 1


def test_a_commit_in_a_nested_repository_ends_own_edits(agents: Agents) -> None:
    agents.writes(CLAUDE, "inner/a.py")
    agents.shell(CLAUDE, "git commit -qam more", cwd=agents.root / "inner")
    assert agents.claims() == {}


@pytest.mark.parametrize("where", ["inner", "sub"])
def test_the_hooks_of_a_nested_repository_ask_the_outer_log(agents: Agents, where: str) -> None:
    agents.writes(CODEX, f"{where}/a.py")
    agents.hook(CODEX, "before", tool_name="Read")  # it is at work
    agents.shell(CLAUDE, "git add -A", cwd=agents.root / where, hooks=False)
    assert git_hook(agents, "pre-commit", where) == staged.DENIED
    commits(agents, where)
    assert git_hook(agents, "post-commit", where) == 0
    assert agents.claims() == {}


def test_a_submodules_new_commit_takes_claimed_files_along(agents: Agents) -> None:
    agents.shell(CLAUDE, "echo more >> a.py; git commit -qam more", cwd=agents.root / "sub", hooks=False)
    agents.shell(CLAUDE, "git add sub", hooks=False)
    agents.writes(CODEX, "sub/a.py")
    assert git_hook(agents, "pre-commit", ".") == 0, "the commit contains no uncommitted edit"
    agents.coord(CODEX, "claim", "file", "sub/a.py")
    assert git_hook(agents, "pre-commit", ".") == staged.DENIED


# --- nested repositories with a log of their own, and a log that is named ---------------------------------------------


def with_own_log(agents: Agents) -> Path:
    inner = agents.root / "inner"
    assert run(("init",), agents.machine.system(PERSON, {}).at(str(inner))) == 0
    return inner


@pytest.mark.parametrize("name", ["inner/a.py", "inner/", "inner/*.py"])
def test_a_claim_that_would_protect_nothing_is_refused(agents: Agents, name: str) -> None:
    inner = with_own_log(agents)
    refused = agents.coord(CLAUDE, "claim", "file", name)
    assert (refused.code, refused.out) == (2, "")
    assert f"cd {inner} && coord claim " in refused.err
    assert agents.coord(CLAUDE, "claim", "file", "**").code == 0, "it guards all else"
    assert agents.writes(CODEX, "inner/a.py").code == ALLOWED


def test_a_named_log_is_claimed_and_guarded_by_one_name(agents: Agents) -> None:
    with_own_log(agents)
    agents.env = {"COORD_ROOT": str(agents.root)}
    assert agents.machine.run(CODEX, "claim", "file", "inner/a.py", CODEX_THREAD_ID="c200", **agents.env).code == 0
    assert agents.writes(CLAUDE, "a.py", cwd=agents.root / "inner").code == DENIED
    agents.shell(CLAUDE, "echo more >> a.py; git add -A", cwd=agents.root / "inner", hooks=False)
    assert git_hook(agents, "pre-commit", "inner", **agents.env) == staged.DENIED


def test_a_named_log_does_not_guard_files_outside_its_root(agents: Agents) -> None:
    agents.env = {"COORD_ROOT": str(agents.root)}
    library = agents.root.parent / "library"
    agents.coord(CODEX, "claim", "file", "a.py")
    assert agents.writes(CLAUDE, "a.py", cwd=library).code == ALLOWED
    agents.shell(CLAUDE, "echo more >> a.py; git add -A", cwd=library, hooks=False)
    assert git_hook(agents, "pre-commit", "../library", **agents.env) == 0


def test_the_log_of_the_outer_repository_is_not_uninstalled(agents: Agents) -> None:
    for pid in (CLAUDE, CODEX):
        agents.hook(pid, "end", reason="other")
    system = agents.machine.system(PERSON, {"HOME": str(agents.repo.home)}).at(str(agents.root / "inner"))
    assert run(("uninstall", "--all", "--log"), system) == 0
    assert agents.repo.log.is_dir()


# --- a log for a part of the repository -------------------------------------------------------------------------------


def test_a_commit_is_checked_with_the_log_of_each_part(agents: Agents) -> None:
    part = agents.root / "services"
    part.mkdir()
    assert run(("init", "--here"), agents.machine.system(PERSON, {}).at(str(part))) == 0
    here = agents.machine.system(CODEX, {"CODEX_THREAD_ID": "c200"}).at(str(part))
    assert run(("claim", "file", "./a.py"), here) == 0
    (part / "a.py").touch()
    assert agents.writes(CLAUDE, "services/a.py").code == DENIED
    assert agents.coord(CLAUDE, "claim", "file", "services/a.py").code == 2, "another log guards it"
    agents.shell(CLAUDE, "git add services/a.py", hooks=False)
    assert git_hook(agents, "pre-commit", ".") == staged.DENIED
    assert run(("release", "file", "./a.py"), here) == 0
    assert git_hook(agents, "pre-commit", ".") == 0
    assert agents.coord(CODEX, "claim", "file", "**").code == 0
    assert git_hook(agents, "pre-commit", ".") == 0, "the outer log does not guard it"


def test_a_relative_coord_root_means_one_folder(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is relative to the working directory of the hook, not to the folder of the file."""
    monkeypatch.chdir(agents.root)
    agents.env = {"COORD_ROOT": "."}
    for path in ("a.py", "inner/a.py"):
        assert agents.writes(CLAUDE, path).code == ALLOWED
        assert agents.writes(CODEX, path).code == DENIED
