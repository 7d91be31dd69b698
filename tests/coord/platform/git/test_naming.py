"""The names of files and worktrees in claims: which shared folder guards a file, and what the file is called there."""

from pathlib import Path

import pytest

from coord.platform.git import naming
from coord.platform.git.naming import (
    Checkout,
    claim_name,
    file_path,
    find_checkout,
    named_checkout,
    relative_name,
    root_of_worktree,
    spelled,
)
from coord.platform.git.repository import CONFIG, FOLDER
from coord.platform.host import owner_of, user_id
from tests.support.case import IgnoresCase


def repository(path: Path, *, log: bool = False) -> Path:
    (path / ".git").mkdir(parents=True)
    return shared(path) if log else path


def shared(path: Path) -> Path:
    (path / FOLDER).mkdir(parents=True)
    (path / FOLDER / CONFIG).touch()
    return path


def worktree(main: Path, path: Path) -> Path:
    """Another worktree of a repository."""
    git = main / ".git" / "worktrees" / path.name
    git.mkdir(parents=True)
    (git / "commondir").write_text("../..\n")
    (git / "gitdir").write_text(f"{path}/.git\n")
    path.mkdir(parents=True)
    (path / ".git").write_text(f"gitdir: {git}\n")
    return path


def checkout(directory: Path, named: str = "") -> Checkout:
    found = find_checkout(str(directory), named)
    assert found
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path.resolve()


# --- which log guards a file ----------------------------------------------------------------------------------------


def test_a_log_guards_a_nested_repository_without_a_log(home: Path) -> None:
    outer = repository(home / "outer", log=True)
    inner = repository(outer / "lib" / "inner")
    here = checkout(inner)
    assert (here.folder, here.root, here.worktree) == (str(outer / FOLDER), str(outer), "main")
    assert here.git == str(inner / ".git"), "the repository in which the file is committed"
    assert relative_name(here, str(inner / "a.py")) == "lib/inner/a.py"


def test_a_nested_repository_with_a_log_is_guarded_by_its_own(home: Path) -> None:
    outer = repository(home / "outer", log=True)
    inner = repository(outer / "inner", log=True)
    here = checkout(inner)
    assert (here.folder, relative_name(here, str(inner / "a.py"))) == (str(inner / FOLDER), "a.py")


def test_a_nested_repository_in_a_linked_worktree_is_guarded(home: Path) -> None:
    outer = repository(home / "outer", log=True)
    tree = worktree(outer, home / "tree")
    here = checkout(repository(tree / "inner"))
    assert (here.folder, here.root, here.worktree) == (str(outer / FOLDER), str(tree), "worktrees/tree")


def test_a_log_outside_git_guards_the_repositories_below(home: Path) -> None:
    shared(home)
    here = checkout(repository(home / "repo"))
    assert (here.folder, here.root, here.worktree) == (str(home / FOLDER), str(home), "main")


def test_a_named_log_names_files_from_its_own_root(home: Path) -> None:
    outer = repository(home / "outer", log=True)
    inner, tree = repository(outer / "inner", log=True), worktree(outer, home / "tree")
    folder = str(outer / FOLDER)
    for path, name in ((inner, "inner/a.py"), (tree, "a.py"), (outer / "src", "src/a.py")):
        assert relative_name(named_checkout(str(path), folder), str(path / "a.py")) == name
    away = repository(home / "away", log=True)
    assert relative_name(checkout(away, folder), str(away / "a.py")) == "", "it is not below the named folder"


def test_no_log_above_is_no_checkout(home: Path) -> None:
    assert find_checkout(str(repository(repository(home / "outer") / "inner"))) is None


ME, ROOT, OTHER, THIRD = 1000, 0, 1001, 1002


@pytest.mark.parametrize(
    ("owner_of_folder", "owner_of_repository", "used"),
    [(ME, ME, True), (ROOT, ME, True), (OTHER, ME, False), (OTHER, OTHER, True), (OTHER, THIRD, False)],
)
@pytest.mark.parametrize("in_git", [True, False])
def test_the_folder_of_another_user_is_not_used_from_below(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_git: bool,
    owner_of_folder: int,
    owner_of_repository: int,
    used: bool,
) -> None:
    shared(home)
    below = repository(home / "repo") if in_git else home / "plain"
    below.mkdir(exist_ok=True)
    owners = {str(home / FOLDER): owner_of_folder, str(below): owner_of_repository}
    monkeypatch.setattr(naming, "owner_of", owners.__getitem__)
    monkeypatch.setattr(naming, "user_id", lambda: ME)
    assert (find_checkout(str(below)) is not None) is used


def test_the_folder_of_a_shared_repository_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "owner_of", lambda _: OTHER)
    monkeypatch.setattr(naming, "user_id", lambda: ME)
    main = repository(home / "repo", log=True)
    for directory in (main, main / "src", worktree(main, home / "tree")):
        assert checkout(directory).folder == str(main / FOLDER)


def test_a_link_belongs_to_the_user_who_made_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    assert owner_of(str(tmp_path / "link")) == user_id()
    assert owner_of(str(tmp_path / "missing")) == -1


# --- worktrees --------------------------------------------------------------------------------------------------------


def test_a_worktree_has_the_name_of_its_git_directory(home: Path) -> None:
    main = repository(home / "repo", log=True)
    tree = worktree(main, home / "tree")
    assert (checkout(main).worktree, checkout(tree).worktree) == ("main", "worktrees/tree")


def test_a_worktree_is_found_again_where_it_is_now(home: Path) -> None:
    main = repository(home / "repo", log=True)
    worktree(main, home / "tree")
    here = checkout(main)
    (home / "tree").rename(home / "moved")
    (main / ".git" / "worktrees" / "tree" / "gitdir").write_text(f"{home}/moved/.git\n")
    assert root_of_worktree(here, "worktrees/tree") == str(home / "moved")
    assert root_of_worktree(checkout(home / "moved"), "main") == str(main)
    assert root_of_worktree(here, "/older/path") == "/older/path"


@pytest.mark.parametrize("name", ["worktrees/none", "worktrees/..", "worktrees/../x", "worktrees/", "other/tree"])
def test_an_unknown_worktree_has_no_root(home: Path, name: str) -> None:
    assert root_of_worktree(checkout(repository(home / "repo", log=True)), name) == ""


# --- the name of a file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("src/app.py", "src/app.py"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("what?.md", "what\uff1f.md"),
        ("a*.py", "a\uff0a.py"),
        ("gro\u0308\u00dfe.py", "gr\u00f6\u00dfe.py"),
        ("two\nlines", "two\\x0alines"),
        ("\udce9.py", "\\xe9.py"),
        ("x\u2028y", "x\\xe2\\x80\\xa8y"),
    ],
)
def test_every_file_has_a_name_that_claims_can_have(name: str, said: str) -> None:
    assert claim_name(name) == said


def test_a_long_name_is_cut_and_differs_from_others() -> None:
    names = {claim_name(f"{'deep/' * 200}{letter}") for letter in "ab"}
    assert len(names) == 2
    assert all(len(name) < 500 for name in names)


def test_a_file_is_found_by_its_name_in_claims(home: Path) -> None:
    (home / "what?.md").touch()
    assert file_path(str(home), "what\uff1f.md") == str(home / "what?.md")
    (home / "a\uff1f.md").touch()
    assert file_path(str(home), "a\uff1f.md") == str(home / "a\uff1f.md")
    assert file_path(str(home), "b.md") == str(home / "b.md")


# --- file systems that ignore case ------------------------------------------------------------------------------------


def test_a_file_is_spelled_as_its_directory_lists_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "Src").mkdir()
    (home / "Src" / "README.md").touch()
    monkeypatch.setattr(naming, "os", IgnoresCase(home))
    for given in ("Src/README.md", "src/readme.md", "SRC/ReadMe.md"):
        assert spelled(str(home), given) == "Src/README.md"
    assert spelled(str(home), "src/new.py") == "Src/new.py"
    assert spelled(str(home), "src/*.py") == "Src/*.py"


def test_whether_case_counts_is_seen_at_the_git_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, root = shared(home / "plain"), repository(home / "repo", log=True)
    assert not checkout(plain).ignores_case
    assert not checkout(root).ignores_case
    monkeypatch.setattr(naming, "os", IgnoresCase(home))
    assert checkout(plain).ignores_case
    assert checkout(root).ignores_case


def test_where_case_counts_two_spellings_are_two_files(home: Path) -> None:
    root = repository(home / "repo", log=True)
    (root / "README.md").touch()
    assert not checkout(root).ignores_case
    assert relative_name(checkout(root), str(root / "readme.md")) == "readme.md"
    assert spelled(str(root), "readme.md") == "readme.md"
    (root / "readme.md").touch()
    assert spelled(str(root), "readme.md") == "readme.md"
