"""Which paths lie inside the repository, and which shared folder is found from a folder, without running git."""

from pathlib import Path

import pytest

from coord.errors import CoordError
from coord.platform.git.repository import CONFIG, FOLDER
from coord.workspace.paths import Workspace, find_workspace, path_in_workspace, write_marker
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def repository(path: Path, *, initialised: bool = False) -> Path:
    (path / ".git").mkdir(parents=True)
    if initialised:
        shared(path)
    return path


def worktree(main: Path, path: Path) -> Path:
    """Another worktree of a repository."""
    git = main / ".git" / "worktrees" / path.name
    git.mkdir(parents=True)
    (git / "commondir").write_text("../..\n")
    path.mkdir()
    (path / ".git").write_text(f"gitdir: {git}\n")
    return path


def shared(path: Path) -> Path:
    (path / FOLDER).mkdir(parents=True)
    (path / FOLDER / CONFIG).touch()
    return path / FOLDER


def workspace(home: Path, cwd: Path) -> Workspace:
    machine = SimulatedMachine(Repo(cwd, home))
    return find_workspace(machine.system(100, {}), None)


def outside(here: Workspace, path: Path) -> bool:
    with pytest.raises(CoordError, match="is outside the repository") as refused:
        path_in_workspace(here, str(path))
    return refused.value.code == 2


def test_a_path_in_the_repository_is_named_from_its_root(home: Path) -> None:
    here = workspace(home, repository(home / "repo", initialised=True))
    assert path_in_workspace(here, f"{home}/repo/src/app.py") == "src/app.py"
    assert path_in_workspace(here, f"{home}/repo") == "."


def test_a_folder_whose_name_starts_like_the_root_is_outside(home: Path) -> None:
    here = workspace(home, repository(home / "repo", initialised=True))
    assert outside(here, home / "repo-2" / "app.py")
    assert outside(here, home / "app.py")


def test_another_worktrees_file_is_inside_another_repos_outside(home: Path) -> None:
    main = repository(home / "repo", initialised=True)
    here = workspace(home, main)
    other, twin = repository(home / "other"), worktree(main, home / "twin")
    assert outside(here, other / "app.py")
    assert path_in_workspace(here, str(twin / "app.py")) == "app.py"
    assert path_in_workspace(workspace(home, twin), str(main / "app.py")) == "app.py"


def test_all_worktrees_share_the_folder_of_the_main_one(home: Path) -> None:
    main = repository(home / "repo", initialised=True)
    twin = worktree(main, home / "twin")
    shared(twin)
    assert workspace(home, twin).folder == str(main / FOLDER)


def test_the_repositorys_folder_counts_else_the_nearest_above(home: Path) -> None:
    shared(home)
    (home / "plain" / "below").mkdir(parents=True)
    assert workspace(home, home / "plain" / "below").folder == str(home / FOLDER)
    repo = repository(home / "repo")
    assert workspace(home, repo).folder == str(home / FOLDER), "it has none of its own"
    (repo / "sub").mkdir()
    nested = shared(repo / "sub")
    assert workspace(home, repo / "sub").folder == str(nested)


def test_a_removed_folder_is_not_replaced_by_an_outer_one(home: Path) -> None:
    outer = repository(home / "outer", initialised=True)
    inner = repository(outer / "inner", initialised=True)
    (inner / ".git" / "HEAD").touch()
    write_marker(workspace(home, inner), "amber-otter-k3f9")
    assert workspace(home, inner).folder == str(inner / FOLDER)
    (inner / FOLDER / CONFIG).unlink()
    with pytest.raises(CoordError, match=f"{inner}/COORDINATION is gone"):
        workspace(home, inner)


def test_a_named_folder_is_used_from_the_worktree_of_the_command(home: Path) -> None:
    main = repository(home / "repo", initialised=True)
    twin = worktree(main, home / "twin")
    machine = SimulatedMachine(Repo(twin, home))
    here = find_workspace(machine.system(100, {}), str(main))
    assert (here.folder, here.root) == (str(main / FOLDER), str(twin))


def test_a_folder_that_was_moved_up_is_found_there(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("mkdir sub && cd sub && coord init --here && coord start")
    shell.ok("mv COORDINATION ..")
    shell.ok("coord status && coord whoami && coord claim droplet x")


def test_a_folder_of_another_user_is_named_but_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared(home)
    monkeypatch.setattr("coord.platform.git.naming.owner_of", lambda path: 1001 if path == str(folder) else 1000)
    monkeypatch.setattr("coord.platform.git.naming.user_id", lambda: 1000)
    cwd = repository(home / "repo")
    with pytest.raises(CoordError, match=f"{folder} belongs to another user.*--root or COORD_ROOT") as refused:
        workspace(home, cwd)
    assert refused.value.code == 4
    machine = SimulatedMachine(Repo(cwd, home))
    assert find_workspace(machine.system(100, {}), str(folder)).folder == str(folder)
