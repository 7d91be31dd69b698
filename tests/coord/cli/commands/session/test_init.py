"""`coord init` in any kind of repository: it can be repeated, keeps changed files, and lists what git will show."""

import subprocess
from pathlib import Path

import pytest

from tests.support.processes import Shell, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


def git_sees(shell: Shell, cwd: str = ".") -> set[str]:
    """Return what git shows as new or changed."""
    return {line[3:] for line in shell.ok(f"git -C {cwd} status --porcelain -uall").splitlines()}


def work(shell: Shell) -> None:
    """Run commands that create every file a live session creates."""
    shell.ok("coord start; coord claim droplet x; coord send broadcast Hello; rm -rf COORDINATION/.cache; coord status")
    shell.ok("coord heartbeat a b; coord board --write")


def test_after_init_git_shows_only_the_listed_files(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    made = shell.json("coord init")
    listed = {f"COORDINATION/{name}" for name in made["written"]}
    assert {
        "COORDINATION/QUICK_START.md",
        "COORDINATION/config.toml",
        "COORDINATION/scripts/session-start.sh",
    } <= listed
    assert made["folder"] == str(bare_repo.folder)
    assert git_sees(shell) == listed
    work(shell)
    assert git_sees(shell) == listed
    shell.ok("git add -A && git commit -qm coord")
    shell.ok("coord heartbeat a b")
    assert git_sees(shell) == set()


def test_the_output_lists_the_written_files(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    said = shell.ok("coord init")
    for name in git_sees(shell):
        assert f"  {name}\n" in said
    assert "coord start" in said


def test_a_second_init_changes_nothing_and_says_so(repo: Repo) -> None:
    shell = repo.shell()
    before = {path: path.read_bytes() for path in repo.folder.rglob("*") if path.is_file()}
    said = shell.run("coord init")
    assert (said.code, said.err) == (0, "")
    assert "nothing was changed" in said.out
    assert {path: path.read_bytes() for path in repo.folder.rglob("*") if path.is_file()} == before


def test_a_changed_file_is_kept_and_force_saves_a_copy(repo: Repo) -> None:
    shell = repo.shell()
    ours = (repo.folder / "QUICK_START.md").read_bytes()
    (repo.folder / "QUICK_START.md").write_text("mine\n")
    (repo.folder / "scripts" / "session-start.sh").unlink()
    again = shell.json("coord init")
    assert again["kept"] == ["QUICK_START.md"]
    assert again["written"] == ["scripts/session-start.sh"]
    assert (repo.folder / "QUICK_START.md").read_text() == "mine\n"
    said = shell.ok("coord init --force")
    assert "COORDINATION/QUICK_START.md" in said
    assert (repo.folder / "QUICK_START.md").read_bytes() == ours
    assert (repo.folder / "QUICK_START.md.orig").read_text() == "mine\n"
    (repo.folder / "QUICK_START.md").write_text("mine again\n")
    shell.ok("coord init --force")
    kept = {path.read_text() for path in repo.folder.glob("QUICK_START.md.orig*")}
    assert kept == {"mine\n", "mine again\n"}  # neither is lost


def test_private_hides_everything_from_git(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    said = shell.ok("coord init --private")
    assert "hidden from git" in said
    assert git_sees(shell) == set()
    work(shell)
    assert git_sees(shell) == set()
    shell.ok("coord init --private; coord init --private")
    exclude = (bare_repo.root / ".git" / "info" / "exclude").read_text()
    assert exclude.count("COORDINATION") == 1


def test_private_after_a_commit_says_how_git_stops_tracking(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("coord init; git add -A; git commit -qm coord")
    said = shell.ok("coord init --private")
    command = said.split("git still tracks it: ")[1].split(",")[0]
    shell.ok(f"{command}; git commit -qm removed")
    assert git_sees(shell) == set()
    assert shell.ok("git ls-files COORDINATION") == ""


def test_private_works_in_a_worktree(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("git commit -q --allow-empty -m first && git worktree add -q ../tree")
    shell.ok("cd ../tree && coord init --private")
    assert git_sees(shell, "../tree") == set()
    assert git_sees(shell, "../repo") == set()


def test_track_shows_git_only_the_journals(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    made = shell.json("coord init --track")
    listed = {f"COORDINATION/{name}" for name in made["written"]}
    assert git_sees(shell) == listed
    work(shell)
    journals = {f"COORDINATION/log/{name}" for name in bare_repo.bytes()}
    assert len(journals) == 1
    assert git_sees(shell) == listed | journals


def test_a_later_track_replaces_an_unchanged_gitignore(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    assert not any(name.endswith(".jsonl") for name in git_sees(shell))
    shell.ok("coord end; coord init --track")
    assert any(name.endswith(".jsonl") for name in git_sees(shell))


def exclude_of(repo: Repo) -> Path:
    return repo.root / ".git" / "info" / "exclude"


def test_init_adds_the_live_files_to_gits_own_list_once(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("coord init; coord init; coord start; coord start --new")
    assert exclude_of(bare_repo).read_text().count("/COORDINATION/log/\n") == 1
    (bare_repo.folder / ".gitignore").unlink()
    assert git_sees(shell).isdisjoint({"COORDINATION/STATUS_BOARD.md", "COORDINATION/.cache/checkpoint"})


def test_a_start_protects_a_folder_of_an_older_version(repo: Repo) -> None:
    for start in ("coord start", "coord start --new", "coord start"):
        exclude_of(repo).unlink(missing_ok=True)
        repo.shell().ok(start)
        assert "/COORDINATION/log/\n" in exclude_of(repo).read_text()
    exclude_of(repo).unlink()
    shell = repo.shell()
    shell.ok("CLAUDECODE=1 CLAUDE_CODE_SESSION_ID=c1 coord heartbeat building app")
    assert "/COORDINATION/log/\n" in exclude_of(repo).read_text(), "a new conversation starts its session by itself"


def test_a_list_that_cannot_be_written_is_reported(bare_repo: Repo) -> None:
    exclude_of(bare_repo).unlink()
    exclude_of(bare_repo).symlink_to("/dev/null")
    shell = bare_repo.shell()
    result = shell.run("coord init")
    assert result.code == 0
    assert ".git/info/exclude could not be written" in result.err
    assert shell.start()


def test_track_is_refused_while_sessions_are_live(repo: Repo) -> None:
    shell = repo.shell()
    session = shell.start("--name ada")
    before = {path: path.read_bytes() for path in repo.folder.glob("*") if path.is_file()}
    refused = shell.run("coord init --track")
    assert refused.code == 1
    assert "Nothing was changed" in refused.err
    assert f"coord end --session {session}" in refused.err
    assert {path: path.read_bytes() for path in repo.folder.glob("*") if path.is_file()} == before
    shell.ok(f"coord end --session {session}; coord init --track")
    assert f"COORDINATION/log/{session}.jsonl" in git_sees(shell)


def test_tracking_ends_with_the_command_that_init_prints(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start; coord end; coord init --track; git add -A; git commit -qm archive")
    said = shell.ok("coord init")
    (command,) = (line for line in said.splitlines() if "coord init --force" in line)
    shell.ok(command.partition(": ")[2])
    shell.ok("git commit -qm untracked; git add -A; coord start --new")
    assert not any(name.endswith(".jsonl") for name in git_sees(shell))
    assert list(repo.log.glob("*.jsonl"))
    assert "Git tracks the log" not in shell.ok("coord init")


def test_track_ends_private(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("coord init --private; coord init --track")
    assert "COORDINATION/config.toml" in git_sees(shell)


def test_track_keeps_a_changed_gitignore_and_says_so(repo: Repo) -> None:
    shell = repo.shell()
    (repo.folder / ".gitignore").write_text("/log/\n# mine\n")
    said = shell.ok("coord init --track")
    assert (repo.folder / ".gitignore").read_text() == "/log/\n# mine\n"
    assert "COORDINATION/.gitignore" in said
    assert "--force" in said


def test_here_uses_this_folder_and_commands_find_it(bare_repo: Repo) -> None:
    (bare_repo.root / "part" / "deep").mkdir(parents=True)
    shell = bare_repo.shell(bare_repo.root / "part" / "deep")
    shell.ok("cd ..; coord init --here; cd deep")
    assert (bare_repo.root / "part" / "COORDINATION" / "config.toml").is_file()
    assert not bare_repo.folder.exists()
    assert shell.start()
    assert list((bare_repo.root / "part" / "COORDINATION" / "log").glob("*.jsonl"))
    assert git_sees(shell, str(bare_repo.root)) >= {"part/COORDINATION/config.toml"}


def test_init_in_a_subfolder_uses_the_repositorys_root(bare_repo: Repo) -> None:
    (bare_repo.root / "part").mkdir()
    shell = bare_repo.shell(bare_repo.root / "part")
    shell.ok("coord init")
    assert (bare_repo.folder / "config.toml").is_file()
    assert shell.start()


def test_outside_git_init_uses_the_current_folder(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "plain" / "deep"
    folder.mkdir(parents=True)
    home.mkdir()
    shell = Shell(folder, home)
    try:
        said = shell.ok("cd ..; coord init; cd deep")
        assert "Git" not in said
        assert shell.start()
        assert list((tmp_path / "plain" / "COORDINATION" / "log").glob("*.jsonl"))
        shell.ok("coord claim file deep/x.py; coord claims ./x.py | grep file/deep/x.py")
    finally:
        shell.close()


def test_all_worktrees_share_one_folder_and_its_names(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("mkdir src; touch src/app.py; git add -A; git commit -qm first; git worktree add -q ../tree")
    shell.ok("cd ../tree/src && coord init && cd ../../repo")
    assert (bare_repo.folder / "config.toml").is_file()
    assert not (bare_repo.root.parent / "tree" / "COORDINATION").exists()
    one, two = shell, bare_repo.shell(bare_repo.root.parent / "tree" / "src")
    first, second = one.start(), two.start()
    one.ok("coord claim file src/app.py")
    refused = two.run("coord claim file ./app.py")
    assert refused.code == 1
    assert first in refused.out
    assert second in one.ok("coord status")
    assert len(bare_repo.bytes()) == 2
    started = {e["session"]: e["event"]["worktree"] for e in bare_repo.of_type("session.started")}
    assert started == {first: str(bare_repo.root), second: str(bare_repo.root.parent / "tree")}


def test_a_worktree_of_a_bare_repository_works(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok("git commit -q --allow-empty -m first; git clone -q --bare . ../bare.git")
    shell.ok("git -C ../bare.git worktree add -q ../one main; git -C ../bare.git worktree add -q ../two -b two")
    shell.ok("cd ../one; coord init")
    first = shell.start()
    other = bare_repo.shell(bare_repo.root.parent / "two")
    other.start()
    assert first in other.ok("coord status")


def test_a_submodule_uses_the_outer_log_until_it_has_its_own(bare_repo: Repo) -> None:
    inner = bare_repo.root.parent / "inner"
    env = environment(bare_repo.home)
    subprocess.run(["git", "init", "-q", str(inner)], env=env, check=True)
    subprocess.run(["git", "-C", str(inner), "commit", "-q", "--allow-empty", "-m", "x"], env=env, check=True)
    shell = bare_repo.shell()
    shell.ok(f"git -c protocol.file.allow=always submodule --quiet add {inner} sub; git commit -qm sub; coord init")
    outer = shell.start()
    below = bare_repo.shell(bare_repo.root / "sub")
    assert outer in below.ok("coord status")
    below.ok("coord init")
    assert (bare_repo.root / "sub" / "COORDINATION" / "config.toml").is_file()
    assert below.start() != outer
    assert outer not in below.ok("coord status")


@pytest.mark.parametrize("how", ["--root {root}", "--root {root}/COORDINATION", "COORD_ROOT"])
def test_root_and_coord_root_name_the_folder_from_elsewhere(repo: Repo, how: str) -> None:
    elsewhere = repo.root.parent / "elsewhere"
    elsewhere.mkdir()
    shell = repo.shell(elsewhere)
    if how == "COORD_ROOT":
        shell.ok(f"export COORD_ROOT={repo.root}")
        how = ""
    started = shell.json(f"coord start {how.format(root=repo.root)}")["session"]
    assert started in shell.ok(f"coord status {how.format(root=repo.root)}")
    assert list(repo.bytes()) == [f"{started}.jsonl"]


def test_a_fresh_clone_has_an_empty_undamaged_log(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("git add -A && git commit --quiet -m x && git clone --quiet . ../fresh && cd ../fresh")
    assert "none: `coord start` starts one" in shell.ok("coord status")
    assert "coord start" in shell.run("coord heartbeat a b").err
    shell.ok("coord start --name ada")
    assert "ada (" in shell.ok("coord status")


def test_two_concurrent_inits_both_succeed(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    for _ in range(3):
        shell.ok("(coord init & first=$!; coord init & second=$!; coord init && wait $first && wait $second)")
        shell.ok('coord doctor --json; test ! -e COORDINATION/.cache || test -z "$(ls COORDINATION/.cache)"')
        shell.ok("rm -r COORDINATION")
