"""Git's hooks: a commit or push of files that others hold is refused or recorded, and a failure never stops git."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord.hooks.git.staged import DENIED
from tests.support.in_process import SimulatedMachine, process
from tests.support.processes import Result, Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NAMES = ("plain.py", "two words.py", 'it\'s "quoted".py', "größe.py", "new\nline.py", "[a]*?.py", ":colon", "-dash")


class Work:
    """A repository with git's hooks, a user without a session, sessions, and agents."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.root = repo, repo.root
        self.user = repo.shell()
        self.agents: dict[str, Shell] = {}
        self.write("start.txt")
        self.user.ok("coord install git && git add -A && git commit -qm start && export GIT_EDITOR='printf own >'")
        self.user.ok("git config advice.detachedHead false")

    def write(self, name: str, text: str = "1\n", root: Path | None = None) -> None:
        path = (root or self.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def agent(self, name: str, text: str = "theirs\n", conversation: str = "c1", root: Path | None = None) -> None:
        """Write a file as an agent, with its hooks before and after."""
        cwd, shell = root or self.root, self.shell(conversation)
        said = {"session_id": conversation, "cwd": str(cwd), "tool_name": "Write", "tool_input": {"file_path": name}}
        for event in ("PreToolUse", "PostToolUse"):
            (self.repo.home / "said.json").write_text(json.dumps(said | {"hook_event_name": event}))
            shell.ok("coord hook claude < ~/said.json")
            if event == "PreToolUse":
                self.write(name, text, cwd)

    def stops(self, conversation: str = "c1", event: str = "Stop", **more: str) -> None:
        """Run the hook of an agent for its stop, or for another hook event."""
        said = {"session_id": conversation, "cwd": str(self.root), "hook_event_name": event} | more
        (self.repo.home / "said.json").write_text(json.dumps(said))
        self.shell(conversation).ok("coord hook claude < ~/said.json")

    def shell(self, conversation: str = "c1") -> Shell:
        """The shell of an agent's commands."""
        if conversation not in self.agents:
            shell = self.agents[conversation] = self.repo.shell()
            shell.ok(f"export CLAUDECODE=1 CLAUDE_CODE_SESSION_ID={conversation} GIT_EDITOR='printf own >'")
        return self.agents[conversation]

    def session(self, name: str) -> Shell:
        """A shell with a session."""
        shell = self.repo.shell()
        shell.start(f"--name {name}")
        shell.ok("export GIT_EDITOR='printf own >'")
        return shell

    def claims(self) -> list[str]:
        return sorted(row["resource"] for row in self.user.json("coord claims")["claims"])

    def last(self, revision: str = "HEAD") -> set[str]:
        """The files of a commit."""
        shown = self.user.ok(f"git show --format= --name-only --no-renames -z {revision}")
        return {name for name in shown.split("\0") if name}

    def delete_failures(self) -> None:
        """Delete the record of failed hooks."""
        (self.repo.folder / ".cache" / "hooks" / "failures").unlink(missing_ok=True)

    def failures(self) -> str:
        path = self.repo.folder / ".cache" / "hooks" / "failures"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def work(repo: Repo) -> Iterator[Work]:
    made = Work(repo)
    yield made
    assert not made.failures(), "a test in which a hook fails deletes the record"


def suggested(result: Result) -> str:
    """The command that a refusal suggests."""
    assert result.code != 0, result
    found = re.search(r"Commit only your own[^:\n]*:\n  (.*)\n", result.err)
    assert found, result
    return found[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_commit_of_others_files_is_refused_with_a_command(work: Work, name: str) -> None:
    work.agent(f"src/{name}")
    work.write(name)
    work.user.ok("git add -A")
    refused = work.user.run("git commit -m all")
    assert (refused.code, work.user.ok("git rev-list --count HEAD")) == (1, "1\n")
    assert "1 of the 2 files in this commit is not yours" in refused.err
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", refused.err)
    work.user.ok(suggested(refused))
    assert work.last() == {name}
    assert work.user.ok("git diff --cached --name-only -z") == f"src/{name}\0", "the others' file stays staged"


def test_a_refusal_names_the_holder_and_what_to_do(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/src/ --note 'rename the modules'")
    for name in ("src/a.py", "src/b.py", "src/c.py", "src/d.py", "own.py"):
        work.write(name)
    work.user.ok("git add -A")
    said = work.user.run("git commit -m all").err
    for part in ("4 of the 5 files", "backend has file/src/", "rename the modules", "src/a.py, src/b.py", "1 more"):
        assert part in said
    assert "coord claim file/src/ --wait 10m" in said
    assert "COORD_GUARD=off git commit" in said
    assert len(said) < 700


@pytest.mark.parametrize(
    "commit", ["-am all", "-m all --only start.txt theirs.py", "--amend -am all", "-m all -i start.txt"]
)
def test_every_form_of_git_commit_is_checked(work: Work, commit: str) -> None:
    work.agent("theirs.py")
    work.user.ok("git add -N theirs.py")
    work.write("start.txt", "2\n")
    if "-i" in commit:
        work.user.ok("git add theirs.py")
    command = suggested(work.user.run(f"git commit {commit}"))
    assert command == "git commit --only -- start.txt"
    work.user.ok(command)
    assert work.last() == {"start.txt"}


def test_in_a_subfolder_the_command_has_relative_paths(work: Work) -> None:
    work.agent("src/theirs.py")
    work.write("docs/own file.md")
    work.user.ok("git add -A && cd docs")
    work.write("docs/new.md")
    command = suggested(work.user.run("git commit -m all"))
    assert shlex.split(command) == ["git", "commit", "--only", "--", "own file.md"]
    work.user.ok(command)
    work.user.ok("git add new.md")
    work.user.ok("cd ../src")
    assert suggested(work.user.run("git commit -m all")) == "git commit --only -- ../docs/new.md"


def test_a_partly_staged_file_is_committed_as_staged(work: Work) -> None:
    work.agent("theirs.py")
    work.write("start.txt", "staged\n")
    work.user.ok("git add -A")
    work.write("start.txt", "staged\nnot yet\n")
    command = suggested(work.user.run("git commit -m all"))
    assert command == "git restore --staged -- theirs.py && git commit"
    work.user.ok(command)
    assert work.last() == {"start.txt"}
    assert work.user.ok("git show HEAD:start.txt") == "staged\n"


def test_a_file_removed_only_from_git_stays_removed(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("git add -A && git rm -q --cached start.txt")
    work.user.ok(suggested(work.user.run("git commit -m all")))
    assert work.user.ok("git ls-files start.txt") == ""
    assert (work.root / "start.txt").exists()


def test_a_moved_file_counts_under_its_old_and_new_name(work: Work) -> None:
    for name in ("moved.py", "gone.py", "own.py"):
        work.write(name, f"{name}\n" * 20)
    work.user.ok("git add -A && git commit -qm more")
    for name in ("moved.py", "gone.py"):
        work.agent(name)
    work.user.ok("git mv -f moved.py elsewhere.py && git rm -qf gone.py && git mv own.py mine.py")
    refused = work.user.run("git commit -m all")
    assert "2 of the 5 files" in refused.err
    work.user.ok(suggested(refused))
    assert work.last() == {"own.py", "mine.py", "elsewhere.py"}


@pytest.mark.parametrize("half", [False, True])
def test_the_first_commit_of_a_repository_is_checked(bare_repo: Repo, half: bool) -> None:
    person = bare_repo.shell()
    person.ok("coord init --private && coord install git && export GIT_EDITOR='printf own >'")
    backend = bare_repo.shell()
    backend.start("--name backend")
    backend.ok("coord claim file/theirs.py && echo 1 > theirs.py && echo 1 > own.py && echo 2 > half.py")
    person.ok(f"git add -A && {'echo 3 > half.py' if half else 'true'}")
    command = suggested(person.run("git commit -m all"))
    assert command.startswith("git rm --cached" if half else "git commit --only")
    person.ok(command)
    assert person.ok("git ls-tree --name-only HEAD") == "half.py\nown.py\n"
    assert (bare_repo.root / "theirs.py").read_text() == "1\n"


def test_the_command_names_the_smaller_set_of_files(work: Work) -> None:
    work.agent("theirs.py")
    for number in range(60):
        work.write(f"own{number}.py")
    work.user.ok("git add -A")
    assert suggested(work.user.run("git commit -m all")) == "git restore --staged -- theirs.py && git commit"
    work.user.ok("git commit -qm all --only -- own*.py")
    for number in range(60):
        work.write(f"own{number}.py", "2\n")
    command = suggested(work.user.run("git commit -am all"))
    assert command == "git add --update && git restore --staged -- theirs.py && git commit"
    work.user.ok(command)
    assert work.last() == {f"own{number}.py" for number in range(60)}


def test_the_command_for_all_tracked_files_keeps_staged_work(work: Work) -> None:
    for number in range(9):
        work.write(f"own{number}.py")
    work.write("theirs.py")
    work.user.ok("git add -A && git commit -qm first")
    work.agent("theirs.py", "staged\n")
    work.user.ok("git add theirs.py")
    work.write("theirs.py", "later\n")
    for number in range(9):
        work.write(f"own{number}.py", "2\n")
    work.user.ok(suggested(work.user.run("git commit -am all")))
    assert work.last() == {f"own{number}.py" for number in range(9)}
    assert work.user.ok("git show :theirs.py") == "staged\n"


def test_a_file_committed_by_hunks_is_not_committed_whole(work: Work) -> None:
    work.write("own.py", "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    work.write("theirs.py")
    work.user.ok("git add -A && git commit -qm first")
    work.agent("theirs.py")
    work.write("own.py", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n")
    result = work.user.run("printf 'y\\nn\\ny\\n' | git commit -pm all")
    assert suggested(result) == "git commit --patch -- own.py"


# --- whose files they are ---------------------------------------------------------------------------------------------


def test_a_commit_of_own_files_prints_nothing(work: Work) -> None:
    work.agent("a.py")
    agent = work.shell()
    done = agent.run("git add -A && git commit -qm mine")
    assert (done.code, done.both) == (0, "")
    backend = work.session("backend")
    backend.ok("coord claim file/src/")
    work.write("src/b.py")
    done = backend.run("git add -A && git commit -qm mine")
    assert (done.code, done.both) == (0, "")
    assert [name for name in work.repo.of_type("session.started") if name["event"].get("client") == "git"] == []


@pytest.mark.parametrize("who", ["none", "session"])
def test_a_user_can_commit_the_edits_of_a_stopped_agent(work: Work, who: str) -> None:
    person = work.user if who == "none" else work.session("ada")
    work.agent("a.py")
    person.ok("git add -A")
    assert person.run("git commit -qm all").code == 1, "the agent is working"
    work.stops()
    work.shell().ok("coord claim file/b.py && echo 1 > b.py && git add b.py")
    person.ok(suggested(person.run("git commit -qm all")))
    assert work.last() == {"a.py"}, "a claim by name does not end when the agent stops"


def test_an_agent_cannot_commit_edits_of_a_stopped_agent(work: Work) -> None:
    work.agent("a.py")
    work.agent("b.py", conversation="c2")
    work.stops()
    other, stranger, unknown = work.shell("c2"), work.shell("seen for the first time"), work.repo.shell()
    unknown.start("--client aider")
    for shell in (other, stranger, unknown):
        shell.ok("git add a.py")
        assert "not yours" in shell.run("git commit -qm all").err
    machine = SimulatedMachine(work.repo)
    assert machine.run(100, "git-hook", "pre-commit").code == 0
    machine.table.rows[200] = process(200, 1, 200, "gemini")
    assert machine.run(200, "git-hook", "pre-commit").code == DENIED, "its client sets no variable, but is an ancestor"


def test_an_agents_commit_of_another_agents_edit_is_refused(work: Work) -> None:
    work.agent("a.py", conversation="c1")
    work.agent("b.py", conversation="c2")
    agent = work.shell("c2")
    agent.ok(suggested(agent.run("git add -A && git commit -qm all")))
    assert work.last() == {"b.py"}


def test_a_subagent_commits_its_parents_edits_not_its_siblings(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    parent = {"CODEX_THREAD_ID": "root", "CODEX_SESSION_ID": "root"}
    child = {"CODEX_THREAD_ID": "child", "CODEX_SESSION_ID": "root"}
    sibling = {"CODEX_THREAD_ID": "sibling", "CODEX_SESSION_ID": "root"}
    shell = repo.shell()
    for name, env in (("parents.py", parent), ("siblings.py", sibling)):
        assert machine.run(100, "claim", f"file/{name}", **env).code == 0
        (repo.root / name).write_text("1\n")
    shell.ok("git add parents.py")
    assert machine.run(100, "git-hook", "pre-commit", **child).code == 0
    shell.ok("git add siblings.py")
    refused = machine.run(100, "git-hook", "pre-commit", **child)
    assert refused.code == DENIED
    assert "siblings.py" in refused.err
    assert "parents.py:" not in refused.err
    assert "another subagent of your session (sibling) has file/siblings.py" in refused.err
    assert "coord send" not in refused.err, "a session cannot ask itself"
    assert machine.run(100, "git-hook", "pre-commit", **parent).code == 0


def test_a_claim_in_another_worktree_counts_if_made_by_name(work: Work) -> None:
    side = work.root.parent / "side"
    work.user.ok(f"git worktree add -q {side}")
    work.agent("a.py", root=side)
    work.write("a.py")
    assert work.user.ok("git add -A && git commit -qm here") == ""
    work.write("b.py")
    work.agent("b.py")
    there = work.repo.shell(side)
    there.ok("export GIT_EDITOR='printf own >'")
    assert "a.py" in there.run("git add -A && git commit -m there").err
    work.write("c.py", root=side)
    there.ok(suggested(there.run("git add -A && git commit -m there")))
    assert work.last("side") == {"c.py"}
    work.session("backend").ok("coord claim file/d.py")
    work.write("d.py", root=side)
    assert "backend" in there.run("git add d.py && git commit -m there d.py").err


def test_a_dead_sessions_claim_refuses_no_commit(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/a.py && echo 1 > a.py")
    assert work.user.run("git add -A && git commit -m all").code == 1
    backend.kill()
    work.user.ok("git commit -m all")


def test_a_claim_on_an_ignored_file_refuses_no_commit(work: Work) -> None:
    work.session("backend").ok("coord claim file/package-lock.json && echo 1 > package-lock.json")
    work.user.ok("git add -A && git commit -m all")


@pytest.mark.parametrize("how", ["broken", "taken"])
def test_a_commit_of_files_whose_claim_was_lost_is_refused(work: Work, how: str) -> None:
    """Rule 7: the claim must still be active, and no conflicting grant younger."""
    backend, other = work.session("backend"), work.session("other")
    backend.ok("coord claim file/a.py && echo 1 > a.py && echo 1 > b.py && git add -A")
    other.ok("coord break file/a.py --reason 'it looked dead'")
    if how == "taken":
        other.ok("coord claim file/a.py")
        backend.ok("coord inbox")
    refused = backend.run("git commit -m mine")
    assert ("it looked dead" if how == "broken" else "other has file/a.py") in refused.err
    backend.ok(suggested(refused))
    assert work.last() == {"b.py"}
    if how == "broken":
        backend.ok("coord claim file/a.py && git commit -m 'claimed again'")


# --- the guard's settings ---------------------------------------------------------------------------------------------


def test_the_guard_modes_check_warn_and_off_apply_to_commits(work: Work) -> None:
    config = work.repo.folder / "config.toml"
    work.agent("a.py")
    work.user.ok("git add -A")
    config.write_text('guard = "check"\n')
    done = work.user.run("git commit -qm all")
    assert (done.code, done.both) == (0, "")
    work.session("backend").ok("coord claim file/b.py && echo 1 > b.py && git add -A")
    assert work.user.run("git commit -qm all").code == 1
    config.write_text('guard = "warn"\n')
    done = work.user.run("git commit -qm all")
    assert done.code == 0
    assert done.err.startswith("coord: note: 1 of the 2 files in this commit is not yours")
    assert "Commit only" not in done.err
    config.write_text('guard = "off"\n')
    work.write("b.py", "2\n")
    done = work.user.run("git commit -qam all")
    assert (done.code, done.both) == (0, "")


def test_a_commit_with_the_guard_off_is_recorded(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/src/")
    for name in ("src/a.py", "src/b.py"):
        work.write(name)
    work.agent("c.py")
    work.user.ok("git add -A && COORD_GUARD=off git commit -m all")
    found = work.repo.of_type("claim.bypassed")
    assert sorted(event["event"]["resource"] for event in found) == ["file/c.py", "file/src/"]
    assert {event["event"]["how"] for event in found} == {"git commit with COORD_GUARD=off"}
    assert "committed file/src/, which you hold, with COORD_GUARD=off" in backend.ok("coord inbox")
    (hello,) = [e for e in work.repo.of_type("session.started") if e["session"] == found[0]["session"]]
    assert hello["event"]["client"] == "git"
    assert any(event["session"] == found[0]["session"] for event in work.repo.of_type("session.ended"))


def test_a_bypass_by_a_session_is_recorded_under_its_name(work: Work) -> None:
    work.agent("c.py")
    backend = work.session("backend")
    backend.ok("git add -A && COORD_GUARD=off git commit -m all")
    (bypassed,) = work.repo.of_type("claim.bypassed")
    assert bypassed["session"] == backend.json("coord whoami")["session"]
    backend.ok("echo 2 > own.py && git add -A && COORD_GUARD=off git commit -m mine")
    assert len(work.repo.of_type("claim.bypassed")) == 1, "without a conflict nothing is bypassed"


def test_a_refusal_says_how_to_wait_for_or_ask_each_holder(work: Work) -> None:
    holders = {name: work.session(name) for name in ("one", "two", "three", "four")}
    for name, shell in holders.items():
        shell.ok(f"coord claim file/{name}.py && echo 1 > {name}.py && git add {name}.py")
    ids = {name: shell.json("coord whoami")["session"] for name, shell in holders.items()}
    said = work.user.run("git commit -m all").err
    assert "Or, after `coord start`, wait until each is free:\n" in said
    rows = [f"  coord claim file/{name}.py --wait 10m, or ask: coord send {ids[name]} " for name in ids]
    assert sum(row in said for row in rows) == 3
    assert "  and 1 more: coord claims\n" in said
    said = holders["one"].run("git commit -m all two.py").err
    assert "\nOr wait until it is free: coord claim file/two.py --wait 10m, or ask: coord send" in said


def test_a_user_cannot_commit_the_edits_of_a_live_subagent(work: Work) -> None:
    work.agent("c.py")
    work.stops(event="SubagentStart", agent_id="sub", agent_type="x")
    work.stops()
    work.user.ok("git add -A")
    assert work.user.run("git commit -qm early").code != 0
    work.stops(event="SubagentStop", agent_id="sub", agent_type="x")
    work.stops()
    work.user.ok("git commit -qm late")


def test_a_commit_with_an_agents_variables_is_the_agents(work: Work) -> None:
    work.agent("c.py")
    work.stops()
    work.user.ok("git add -A")
    assert work.user.run("GEMINI_CLI=1 git commit -qm agent").code != 0
    work.user.ok("git commit -qm person")


def test_the_session_of_a_git_hook_is_not_listed_as_gone(work: Work) -> None:
    work.agent("c.py")
    work.user.ok("git add -A && COORD_GUARD=off git commit -qm all")
    passing = {event["session"] for event in work.repo.of_type("session.ended")}
    assert [row["client"] for row in work.user.json("coord status")["sessions"]] == ["claude-code"]
    assert "GONE" not in work.user.ok("coord status")
    assert passing
    assert all(name in work.user.ok("coord log") for name in passing)


@pytest.mark.parametrize(
    ("number", "command"), [(5, "--only -- own0.py"), (12, "restore --staged -- src/a.py src/b.py && git")]
)
def test_the_suggested_command_works_for_few_and_many_files(work: Work, number: int, command: str) -> None:
    work.agent("src/a.py")
    work.agent("src/b.py")
    own = {f"own{each}.py" for each in range(number)}
    for name in own:
        work.write(name)
    work.user.ok("git add -A")
    refused = suggested(work.user.run("git commit -m all"))
    assert command in refused
    assert len(refused) < 100
    work.user.ok(refused)
    assert work.last() == own
    assert work.user.ok("git status --short src/").split() in (["A", "src/a.py", "A", "src/b.py"], ["??", "src/"])


def test_a_partly_staged_file_of_others_stays_as_staged(work: Work) -> None:
    work.agent("theirs.py", "staged\n")
    for number in range(9):
        work.write(f"own{number}.py")
    work.user.ok("git add -A")
    work.agent("theirs.py", "and more\n")
    work.user.ok(suggested(work.user.run("git commit -m all")))
    assert work.last() == {f"own{number}.py" for number in range(9)}
    assert work.user.ok("git show :theirs.py") == "staged\n"


def test_a_commit_with_only_includes_just_the_named_files(work: Work) -> None:
    names = [f"own{number:02}.py" for number in range(45)]
    for name in ("other.py", *names):
        work.write(name)
    work.user.ok("git add -A && git commit -qm more")
    work.agent("theirs.py")
    for name in ("other.py", *names):
        work.write(name, "2\n")
    work.user.ok("git add -A")
    work.user.ok(suggested(work.user.run("git commit -m all --only theirs.py own*.py")))
    assert work.last() == set(names)


def test_the_suggested_command_also_removes_files_from_git(work: Work) -> None:
    work.write("own.py")
    work.user.ok("git add -A && git commit -qm more")
    work.agent("theirs.py")
    work.user.ok("git add -A && git rm -q --cached start.txt && echo 2 > own.py")
    work.user.ok(suggested(work.user.run("git commit -am all")))
    assert work.last() == {"own.py", "start.txt"}
    assert work.user.ok("git ls-files start.txt") == ""


# --- after a commit ---------------------------------------------------------------------------------------------------


def test_a_commit_ends_the_automatic_claims_on_its_files(work: Work) -> None:
    work.agent("a.py")
    work.agent("b.py")
    agent = work.shell()
    agent.ok("coord claim file/named.py && git add a.py && git commit -qm a")
    assert work.claims() == ["file/b.py", "file/named.py"]
    work.user.ok("git add -A && COORD_GUARD=off git commit -qm b")
    assert work.claims() == ["file/named.py"]
    work.agent("a.py", "half\n")
    agent.ok("git add a.py && echo more >> a.py && git commit -qm half")
    assert "file/a.py" in work.claims(), "a part is not committed yet"
    agent.ok("git commit -qam whole")
    assert work.claims() == ["file/named.py"]


def test_a_commit_of_unclaimed_files_writes_nothing(work: Work) -> None:
    work.agent("a.py")
    before = work.repo.bytes()
    work.user.ok("echo 2 > start.txt && git commit -qam mine")
    assert work.repo.bytes() == before


# --- merges, picks, rebases, submodules -------------------------------------------------------------------------------


def _two_branches(work: Work) -> None:
    work.user.ok("git checkout -qb side && echo side > both.txt && echo side > side.txt && git add -A")
    work.user.ok("git commit -qm side && git checkout -q main && echo main > both.txt && git add -A")
    work.user.ok("git commit -qm main")


def test_a_merge_commits_only_what_was_committed_before(work: Work) -> None:
    _two_branches(work)
    work.session("backend").ok("coord claim file/side.txt")
    work.agent("theirs.py")
    assert work.user.run("git merge side").code == 1, "a conflict"
    work.user.ok("echo both > both.txt && git add -A")
    command = suggested(work.user.run("git commit -m merge"))
    assert command == "git restore --staged -- theirs.py && git commit"
    work.user.ok(command)
    assert work.user.ok("git rev-list --count --merges HEAD") == "1\n"
    assert "theirs.py" not in work.user.ok("git ls-files")
    assert work.user.ok("git show HEAD:side.txt") == "side\n"


def test_no_command_is_suggested_that_would_undo_a_merge(work: Work) -> None:
    _two_branches(work)
    work.session("backend").ok("coord claim file/both.txt")
    work.user.run("git merge side")
    refused = work.user.run("echo both > both.txt && git commit -am merge")
    assert refused.code == 1
    assert "A merge is committed as a whole" in refused.err
    work.user.ok("COORD_GUARD=off git commit -am merge")


def test_a_clean_merge_cherry_pick_and_rebase_are_allowed(work: Work) -> None:
    work.user.ok("git checkout -qb side && echo side > side.txt && git add -A && git commit -qm side")
    work.user.ok("git checkout -q main && echo main > main.txt && git add -A && git commit -qm main")
    work.agent("theirs.py")
    work.user.ok("git merge -q -m merge side && git checkout -q -b picks HEAD~1 && git cherry-pick side")
    work.user.ok("git rebase -q side && git commit -q --amend -m again")
    assert work.claims() == ["file/theirs.py"]


def test_after_a_conflict_the_suggested_command_works(work: Work) -> None:
    _two_branches(work)
    work.agent("theirs.py")
    assert work.user.run("git cherry-pick side").code == 1
    work.user.ok("echo both > both.txt && git add -A")
    work.user.ok(suggested(work.user.run("git commit -m picked")))
    assert work.last() == {"both.txt", "side.txt"}
    assert work.user.run("git checkout -q side && git rebase main").code != 0
    work.user.ok("echo again > both.txt && git add both.txt")
    refused = work.user.run("git commit -qam rebased")
    assert refused.code == 0, "theirs.py is in no commit and not tracked"
    work.user.ok("git rebase --continue")


def test_a_claim_on_a_submodule_holds_inside_and_outside(work: Work) -> None:
    library = work.root.parent / "library"
    work.user.ok(f"git init -q -b main {library} && git -C {library} commit -q --allow-empty -m first")
    work.user.ok(f"git -c protocol.file.allow=always submodule add -q {library} lib && git commit -qm lib")
    work.session("backend").ok("coord claim file/lib")
    inside = work.repo.shell(work.root / "lib")
    inside.ok("coord install git && echo 1 > a.py && git add -A")
    assert "a.py: " in inside.run("git commit -qm inside").err
    inside.ok("git commit -qm inside --no-verify")
    assert "lib: " in work.user.run("git commit -am lib").err


@pytest.mark.parametrize("claimed", ["file/lib/a.py", "file/lib/", "file/lib/*.py", "file/**"])
@pytest.mark.parametrize("removed", [False, True])
def test_a_new_commit_of_a_submodule_takes_what_is_in_it(work: Work, claimed: str, removed: bool) -> None:
    library = work.root.parent / "library"
    work.user.ok(f"git init -q -b main {library} && git -C {library} commit -q --allow-empty -m first")
    work.user.ok(f"git -c protocol.file.allow=always submodule add -q {library} lib && git commit -qm lib")
    work.session("backend").ok(f"coord claim '{claimed}'")
    work.user.ok("git rm -qf lib" if removed else "git -C lib commit -q --allow-empty -m second; git add lib")
    refused = work.user.run("git commit -m lib")
    assert refused.code == 1
    assert "lib" in refused.err
    work.user.ok("COORD_GUARD=off git commit -qm lib")
    assert {row["event"]["resource"] for row in work.repo.of_type("claim.bypassed")} <= {"file/lib/", claimed}


# --- before a push ----------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(work: Work) -> Path:
    """A repository to push to, which has all commits."""
    path = work.root.parent / "remote.git"
    work.user.ok(f"git init -q --bare {path} && git remote add origin {path} && git push -q -u origin main")
    return path


def test_a_push_of_files_that_others_claimed_is_refused(work: Work, remote: Path) -> None:
    work.write("src/a.py")
    work.write("b.py")
    work.user.ok("git add -A && git commit -qm more")
    backend = work.session("backend")
    backend.ok("coord claim file/src/ --note refactoring")
    refused = work.user.run("git push origin main")
    assert refused.code == 1
    for part in ("nothing was pushed", "src/a.py: ", "backend has", "refactoring", "COORD_GUARD=off git push"):
        assert part in refused.err
    assert "b.py" not in refused.err
    backend.ok("git push -q origin main")
    work.user.ok("git push -q origin main")
    work.user.ok("git checkout -q -b topic && git commit -q --allow-empty -m empty && git push -q origin topic")


def test_a_push_with_the_guard_off_is_recorded(work: Work, remote: Path) -> None:
    backend = work.session("backend")
    backend.ok("coord claim branch/main")
    work.user.ok("git commit -q --allow-empty -m more && COORD_GUARD=off git push -q origin main")
    (found,) = work.repo.of_type("claim.bypassed")
    assert found["event"]["resource"] == "branch/main"
    assert found["event"]["how"] == "git push with COORD_GUARD=off"
    assert "pushed a change to branch/main, which you hold, with COORD_GUARD=off" in backend.ok("coord inbox")
    assert "pushes a change to branch/main despite claim" in backend.ok("coord log")
    assert "bypasses backend's claim, and backend is told" in backend.ok("coord why branch/main")


@pytest.mark.parametrize("claimed", ["branch/main", "push/main", "push/origin", "push/origin/main"])
@pytest.mark.parametrize("refs", ["main", "main:main", "HEAD:refs/heads/main", "--delete main"])
def test_a_branch_or_a_push_can_be_claimed(work: Work, remote: Path, claimed: str, refs: str) -> None:
    work.user.ok(f"git -C {remote} config receive.denyDeleteCurrent ignore && git commit -q --allow-empty -m more")
    backend = work.session("backend")
    backend.ok(f"coord claim {claimed}")
    assert claimed in work.user.run(f"git push origin {refs}").err
    other = work.user.run("git push -q origin HEAD:refs/heads/other HEAD:refs/tags/v1")
    assert other.code == (1 if claimed == "push/origin" else 0)
    backend.ok(f"git push -q origin {refs}")


def test_automatic_claims_refuse_no_push(work: Work, remote: Path) -> None:
    work.user.ok("echo 2 > start.txt && git commit -qam mine")
    work.agent("start.txt")
    done = work.user.run("git push -q origin main")
    assert (done.code, done.both) == (0, "")


# --- a failing hook never stops git -----------------------------------------------------------------------------------


def _commit_all(work: Work) -> Result:
    work.write("own.py", work.user.ok("git rev-list --count HEAD"))
    work.user.ok("git add -A")
    return work.user.run("git commit -qm all")


def test_git_works_without_coord_and_in_a_bare_environment(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("git add -A")
    bare = "env -i HOME=$HOME PATH=/usr/bin:/bin git -c user.name=a -c user.email=a@b commit -qm all"
    assert "not yours" in work.user.run(bare).err, "coord is found by the path that the hook contains"
    hook = work.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(re.sub(r"command -v /[^\s)]+", "command -v /not/there/coord", hook.read_text()))
    done = work.user.run(bare)
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 127])
def test_a_failing_coord_stops_no_commit(work: Work, code: int) -> None:
    work.agent("theirs.py")
    work.user.ok(f"mkdir ~/bin && printf '#!/bin/sh\\nexit {code}\\n' > ~/bin/coord && chmod +x ~/bin/coord")
    work.user.ok("git add -A && PATH=~/bin:$PATH git commit -qm all")


def test_without_a_shared_folder_a_commit_prints_nothing(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("rm -rf COORDINATION .git/coord")
    done = _commit_all(work)
    assert (done.code, done.both) == (0, "")


def test_a_failure_of_a_git_hook_is_only_recorded(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("echo 'guard = 7' > COORDINATION/config.toml")
    done = _commit_all(work)
    assert (done.code, done.both) == (0, "")
    for name in ("pre-commit", "post-commit"):
        assert re.search(rf"^\d+ git {name} CoordError: .*config.toml", work.failures(), re.MULTILINE)
    work.delete_failures()


def test_a_missing_or_damaged_log_stops_no_commit(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("for name in COORDINATION/log/*.jsonl; do echo garbage > $name; done; rm -r COORDINATION/.cache")
    assert _commit_all(work).code == 0
    work.user.ok("rm -r COORDINATION/log")
    assert _commit_all(work).code == 0
    work.delete_failures()


def test_an_unknown_session_commits_and_a_failure_is_recorded(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("export COORD_SESSION=nobody-known-here")
    assert _commit_all(work).code == 0
    assert "git pre-commit CoordError: COORD_SESSION" in work.failures()
    work.delete_failures()


def test_a_held_lock_stops_no_commit(work: Work) -> None:
    work.agent("theirs.py")
    work.user.ok("git add -A && (flock 9; COORD_GUARD=off git commit -qm all) 9> COORDINATION/log/.lock")
    assert "git pre-commit" in work.failures()
    work.delete_failures()


def test_an_unknown_git_hook_is_a_usage_error(work: Work) -> None:
    assert work.user.run("coord git-hook pre-rebase").code == 2
    assert work.user.run("coord git-hook").code == 2
