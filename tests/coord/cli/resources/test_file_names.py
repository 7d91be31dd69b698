"""Each resource has one name, however it is typed: below linked folders, in submodules and worktrees, with odd paths.
Invalid names are refused.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.processes import Shell, environment
from tests.support.repositories import Repo


@pytest.fixture
def linked(repo: Repo) -> Repo:
    """A repository where `link` is a link to its folder `src`, and `out` is a link to a folder outside."""
    (repo.root / "src" / "deep").mkdir(parents=True)
    (repo.root / "src" / "a.py").touch()
    (repo.root / "link").symlink_to("src")
    away = repo.root.parent / "away"
    away.mkdir()
    (away / "a.py").touch()
    (repo.root / "out").symlink_to(away)
    return repo


@pytest.mark.parametrize(
    "spelling", ["link/a.py", "./link/a.py", "{root}/link/a.py", "src/deep/../a.py", "link/deep/../a.py"]
)
def test_a_file_below_a_linked_folder_has_one_name(linked: Repo, spelling: str) -> None:
    machine = SimulatedMachine(linked)
    machine.start(100)
    machine.start(200)
    claimed = machine.run(100, "claim", "file", spelling.format(root=linked.root), "--json")
    assert claimed.json["resource"] == "file/src/a.py"
    assert machine.run(200, "claim", "file/src/a.py").code == 1
    assert machine.run(100, "release", "file", "src/a.py").code == 0


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("link", "src/"), ("link/", "src/"), ("link/deep", "src/deep/"), ("link/*.py", "src/*.py"), ("link/**", "src/**")],
)
def test_links_to_folders_are_resolved_in_names_and_patterns(linked: Repo, spelling: str, name: str) -> None:
    machine = SimulatedMachine(linked)
    machine.start(100)
    assert machine.run(100, "claim", "file", spelling, "--json").json["resource"] == f"file/{name}"


@pytest.mark.parametrize("spelling", ["out/a.py", "./out/a.py", "out/new.py", "out", "out/", "out/*", "../away/a.py"])
def test_a_link_out_of_the_repository_is_refused(linked: Repo, spelling: str) -> None:
    machine = SimulatedMachine(linked)
    machine.start(100)
    refused = machine.run(100, "claim", "file", spelling)
    assert (refused.code, refused.out) == (2, "")
    assert "outside the repository" in refused.err
    assert linked.of_type("claim.requested") == []


def test_a_file_has_the_same_name_inside_a_linked_folder(linked: Repo) -> None:
    shell = linked.shell()
    shell.start()
    claimed = shell.run("cd link && coord claim file ./a.py --json")
    assert claimed.json["resource"] == "file/src/a.py"


# --- the shared folder ---------------------------------------------------------------------------------------------


def submodule(repo: Repo) -> Shell:
    """A shell in the submodule `sub` of a repository. The submodule has a second worktree at `tree`."""
    inner = repo.root.parent / "inner"
    env = environment(repo.home)
    subprocess.run(["git", "init", "-q", str(inner)], env=env, check=True)
    subprocess.run(["git", "-C", str(inner), "commit", "-q", "--allow-empty", "-m", "x"], env=env, check=True)
    repo.shell().ok(f"git -c protocol.file.allow=always submodule --quiet add {inner} sub; git commit -qm sub")
    shell = repo.shell(repo.root / "sub")
    shell.ok(f"git worktree add -q {repo.root.parent / 'tree'} -b other")
    return shell


def test_the_worktrees_of_a_submodule_share_one_folder(bare_repo: Repo) -> None:
    shell = submodule(bare_repo)
    shell.ok("coord init")
    first = shell.start()
    other = bare_repo.shell(bare_repo.root.parent / "tree")
    second = other.start()
    status = other.ok("coord status")
    assert first in status
    assert second in status
    journals = {path.stem for path in (bare_repo.root / "sub" / "COORDINATION" / "log").glob("*.jsonl")}
    assert journals == {first, second}


@pytest.mark.parametrize("where", ["", "below"])
def test_init_in_a_linked_worktree_serves_all_worktrees(bare_repo: Repo, where: str) -> None:
    shell = bare_repo.shell()
    tree = bare_repo.root.parent / "tree"
    (bare_repo.root / "below").mkdir()
    shell.ok(f"git commit -q --allow-empty -m x; git worktree add -q {tree} -b other; mkdir {tree}/below")
    made = shell.run(f"cd {tree}/{where} && coord init --here --json")
    assert made.code == 0, made
    assert made.json["folder"] == str(bare_repo.root / where / "COORDINATION")
    assert not (tree / where / "COORDINATION").exists()
    assert shell.run(f"cd {tree}/{where} && coord start").code == 0


@pytest.mark.parametrize("name", ["x" * 120, "two\nlines"])
def test_a_repository_path_can_be_long_or_have_a_line_break(bare_repo: Repo, name: str) -> None:
    folder = bare_repo.root
    for _ in range(5 if len(name) > 100 else 1):
        folder = folder / name
    folder.mkdir(parents=True)
    machine = SimulatedMachine(Repo(folder, bare_repo.home))
    assert machine.run(100, "init", "--here").code == 0
    session = machine.start(100)
    assert machine.run(100, "heartbeat", "a", "b", "--json").json["session"] == session
    assert machine.run(100, "claim", "file", "a.py").code == 0
    assert [path.stem for path in (folder / "COORDINATION" / "log").glob("*.jsonl")] == [session]


# --- invalid names ------------------------------------------------------------------------------------------------


def test_a_pattern_has_at_most_twenty_wildcards(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    refused = machine.run(100, "claim", "file", "*a?" * 10 + "*")
    assert (refused.code, refused.out) == (2, "")
    assert "wildcards" in refused.err
    assert machine.run(100, "claim", "file", "*a?" * 10).code == 0


@pytest.mark.parametrize("name", ["a,b", "a/b", "all", "All", "everyone", "broadcast", "a\x1bb", "x" * 101])
def test_a_session_name_that_commands_cannot_use_is_refused(repo: Repo, name: str) -> None:
    machine = SimulatedMachine(repo)
    refused = machine.run(100, "start", "--name", name)
    assert (refused.code, refused.out) == (2, "")
    assert "is not a valid name" in refused.err
    assert repo.bytes() == {}


def test_claims_finds_a_path_and_a_type_and_name(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    (repo.root / "src").mkdir()
    assert machine.run(100, "claims", "deploy/prod").out == "Nobody holds deploy/prod.\n"
    assert machine.run(100, "claims", "src/new.py").out == "Nobody holds src/new.py.\n"
    machine.run(100, "claim", "deploy/prod")
    assert "deploy/prod - " in machine.run(100, "claims", "deploy/prod").out
    machine.run(100, "claim", "file", "later/a.py")
    assert "file/later/a.py - " in machine.run(100, "claims", "later/a.py").out


def test_the_root_option_accepts_a_link_to_the_repository(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(repo.root)
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    assert machine.run(100, "whoami", "--root", str(tmp_path / "alias"), "--json").json["session"] == session
    claimed = machine.run(100, "claim", "file", f"{tmp_path}/alias/a.py", "--json")
    assert claimed.json["resource"] == "file/a.py"


# --- names with wildcards ---------------------------------------------------------------------------------------------


def test_a_pattern_that_is_also_a_file_name_is_noted(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    (repo.root / "what?.md").touch()
    claimed = machine.run(100, "claim", "file", "what?.md")
    assert "Claimed: file/what?.md" in claimed.out
    assert "to claim only that file: coord claim 'file/what\uff1f.md'" in claimed.err
    only = machine.run(100, "claim", "file", "what\uff1f.md")
    assert (only.code, "does not exist" in only.err) == (0, False)
    assert machine.run(100, "claim", "file", "*.md").err == ""


def test_a_name_that_events_cannot_have_is_escaped_if_it_exists(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    (repo.root / "two\nlines").touch()
    assert machine.run(100, "claim", "file", "two\nlines", "--json").json["resource"] == "file/two\\x0alines"
    assert machine.run(100, "claim", "file", "no\nsuch").code == 2
