"""The hooks of git: a commit with files of others is refused or recorded, and a failure never stops git."""

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
    """A repository with the hooks, a person who is no session, a session, and agents."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.root = repo, repo.root
        self.person = repo.shell()
        self.agents: dict[str, Shell] = {}
        self.write("start.txt")
        self.person.ok("coord install git && git add -A && git commit -qm start && export GIT_EDITOR='printf own >'")
        self.person.ok("git config advice.detachedHead false")

    def write(self, name: str, text: str = "1\n", root: Path | None = None) -> None:
        path = (root or self.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def agent(self, name: str, text: str = "theirs\n", conversation: str = "c1", root: Path | None = None) -> None:
        """An agent writes a file, and its hooks say so."""
        cwd, shell = root or self.root, self.shell(conversation)
        said = {"session_id": conversation, "cwd": str(cwd), "tool_name": "Write", "tool_input": {"file_path": name}}
        for event in ("PreToolUse", "PostToolUse"):
            (self.repo.home / "said.json").write_text(json.dumps(said | {"hook_event_name": event}))
            shell.ok("coord hook claude < ~/said.json")
            if event == "PreToolUse":
                self.write(name, text, cwd)

    def stops(self, conversation: str = "c1", event: str = "Stop", **more: str) -> None:
        """An agent stops, and waits for its person; or something else happens to it."""
        said = {"session_id": conversation, "cwd": str(self.root), "hook_event_name": event} | more
        (self.repo.home / "said.json").write_text(json.dumps(said))
        self.shell(conversation).ok("coord hook claude < ~/said.json")

    def shell(self, conversation: str = "c1") -> Shell:
        """The shell in which an agent runs its commands."""
        if conversation not in self.agents:
            shell = self.agents[conversation] = self.repo.shell()
            shell.ok(f"export CLAUDECODE=1 CLAUDE_CODE_SESSION_ID={conversation} GIT_EDITOR='printf own >'")
        return self.agents[conversation]

    def session(self, name: str) -> Shell:
        """A shell that is a session."""
        shell = self.repo.shell()
        shell.start(f"--name {name}")
        shell.ok("export GIT_EDITOR='printf own >'")
        return shell

    def claims(self) -> list[str]:
        return sorted(row["resource"] for row in self.person.json("coord claims")["claims"])

    def last(self, revision: str = "HEAD") -> set[str]:
        """The files of a commit."""
        shown = self.person.ok(f"git show --format= --name-only --no-renames -z {revision}")
        return {name for name in shown.split("\0") if name}

    def forgive(self) -> None:
        """Forget what failed."""
        (self.repo.folder / ".cache" / "hooks" / "failures").unlink(missing_ok=True)

    def failures(self) -> str:
        path = self.repo.folder / ".cache" / "hooks" / "failures"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def work(repo: Repo) -> Iterator[Work]:
    made = Work(repo)
    yield made
    assert not made.failures(), "a test that makes the guard fail takes the trace away"


def offered(result: Result) -> str:
    """The command that a refusal offers."""
    assert result.code != 0, result
    found = re.search(r"Commit only your own:\n  (.*)\n", result.err)
    assert found, result
    return found[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_is_refused_and_the_offer_commits_only_ones_own(work: Work, name: str) -> None:
    if "\n" in name or "*" in name:  # no claim is on such a file alone
        work.session("backend").ok("coord claim file/src/")
        work.write(f"src/{name}")
    else:
        work.agent(f"src/{name}")
    work.write(name)
    work.person.ok("git add -A")
    refused = work.person.run("git commit -m all")
    assert (refused.code, work.person.ok("git rev-list --count HEAD")) == (1, "1\n")
    assert "1 of the 2 files in this commit is not yours" in refused.err
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", refused.err)
    work.person.ok(offered(refused))
    assert work.last() == {name}
    assert work.person.ok("git diff --cached --name-only -z") == f"src/{name}\0", "what is theirs stays staged"


def test_who_it_is_and_what_to_do_is_said(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/src/ --note 'rename the modules'")
    for name in ("src/a.py", "src/b.py", "src/c.py", "src/d.py", "own.py"):
        work.write(name)
    work.person.ok("git add -A")
    said = work.person.run("git commit -m all").err
    for part in ("4 of the 5 files", "(backend) has file/src/", "rename the modules", "src/a.py, src/b.py", "1 more"):
        assert part in said
    assert "coord claim file/src/ --wait 10m" in said
    assert "COORD_GUARD=off git commit" in said
    assert len(said) < 700


@pytest.mark.parametrize(
    "commit", ["-am all", "-m all --only start.txt theirs.py", "--amend -am all", "-m all -i start.txt"]
)
def test_every_way_to_commit_is_looked_at(work: Work, commit: str) -> None:
    work.agent("theirs.py")
    work.person.ok("git add -N theirs.py")
    work.write("start.txt", "2\n")
    if "-i" in commit:
        work.person.ok("git add theirs.py")
    command = offered(work.person.run(f"git commit {commit}"))
    assert command == "git commit --only -- start.txt"
    work.person.ok(command)
    assert work.last() == {"start.txt"}


def test_in_a_subfolder_the_command_is_one_for_that_folder(work: Work) -> None:
    work.agent("src/theirs.py")
    work.write("docs/own file.md")
    work.person.ok("git add -A && cd docs")
    work.write("docs/new.md")
    command = offered(work.person.run("git commit -m all"))
    assert shlex.split(command) == ["git", "commit", "--only", "--", "own file.md"]
    work.person.ok(command)
    work.person.ok("git add new.md")
    work.person.ok("cd ../src")
    assert offered(work.person.run("git commit -m all")) == "git commit --only -- ../docs/new.md"


def test_what_is_staged_in_part_is_committed_in_part(work: Work) -> None:
    work.agent("theirs.py")
    work.write("start.txt", "staged\n")
    work.person.ok("git add -A")
    work.write("start.txt", "staged\nnot yet\n")
    command = offered(work.person.run("git commit -m all"))
    assert command == "git restore --staged -- theirs.py && git commit"
    work.person.ok(command)
    assert work.last() == {"start.txt"}
    assert work.person.ok("git show HEAD:start.txt") == "staged\n"


def test_a_file_that_leaves_git_and_stays_is_not_put_back(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("git add -A && git rm -q --cached start.txt")
    work.person.ok(offered(work.person.run("git commit -m all")))
    assert work.person.ok("git ls-files start.txt") == ""
    assert (work.root / "start.txt").exists()


def test_files_that_are_moved_or_deleted_count_by_both_names(work: Work) -> None:
    for name in ("moved.py", "gone.py", "own.py"):
        work.write(name, f"{name}\n" * 20)
    work.person.ok("git add -A && git commit -qm more")
    for name in ("moved.py", "gone.py"):
        work.agent(name)
    work.person.ok("git mv -f moved.py elsewhere.py && git rm -qf gone.py && git mv own.py mine.py")
    refused = work.person.run("git commit -m all")
    assert "2 of the 5 files" in refused.err
    work.person.ok(offered(refused))
    assert work.last() == {"own.py", "mine.py", "elsewhere.py"}


@pytest.mark.parametrize("half", [False, True])
def test_the_first_commit_of_all(bare_repo: Repo, half: bool) -> None:
    person = bare_repo.shell()
    person.ok("coord init --private && coord install git && export GIT_EDITOR='printf own >'")
    backend = bare_repo.shell()
    backend.start("--name backend")
    backend.ok("coord claim file/theirs.py && echo 1 > theirs.py && echo 1 > own.py && echo 2 > half.py")
    person.ok(f"git add -A && {'echo 3 > half.py' if half else 'true'}")
    command = offered(person.run("git commit -m all"))
    assert command.startswith("git rm --cached" if half else "git commit --only")
    person.ok(command)
    assert person.ok("git ls-tree --name-only HEAD") == "half.py\nown.py\n"
    assert (bare_repo.root / "theirs.py").read_text() == "1\n"


def test_of_many_files_the_fewer_are_named(work: Work) -> None:
    work.agent("theirs.py")
    for number in range(60):
        work.write(f"own{number}.py")
    work.person.ok("git add -A")
    assert offered(work.person.run("git commit -m all")) == "git restore --staged -- theirs.py && git commit"
    work.person.ok("git commit -qm all --only -- own*.py")
    for number in range(60):
        work.write(f"own{number}.py", "2\n")
    command = offered(work.person.run("git commit -am all"))
    assert command == "git add --update && git restore --staged -- theirs.py && git commit"
    work.person.ok(command)
    assert work.last() == {f"own{number}.py" for number in range(60)}


def test_the_offer_for_all_tracked_loses_nothing_others_staged(work: Work) -> None:
    for number in range(9):
        work.write(f"own{number}.py")
    work.write("theirs.py")
    work.person.ok("git add -A && git commit -qm first")
    work.agent("theirs.py", "staged\n")
    work.person.ok("git add theirs.py")
    work.write("theirs.py", "later\n")
    for number in range(9):
        work.write(f"own{number}.py", "2\n")
    work.person.ok(offered(work.person.run("git commit -am all")))
    assert work.last() == {f"own{number}.py" for number in range(9)}
    assert work.person.ok("git show :theirs.py") == "staged\n"


def test_parts_that_were_chosen_are_not_committed_whole(work: Work) -> None:
    work.write("own.py", "1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    work.write("theirs.py")
    work.person.ok("git add -A && git commit -qm first")
    work.agent("theirs.py")
    work.write("own.py", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n")
    result = work.person.run("printf 'y\\nn\\ny\\n' | git commit -pm all")
    assert offered(result) == "git commit --patch -- own.py"


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_ones_own_passes_without_a_word(work: Work) -> None:
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
def test_a_person_commits_what_a_stopped_agent_left(work: Work, who: str) -> None:
    person = work.person if who == "none" else work.session("ada")
    work.agent("a.py")
    person.ok("git add -A")
    assert person.run("git commit -qm all").code == 1, "it is at work"
    work.stops()
    work.shell().ok("coord claim file/b.py && echo 1 > b.py && git add b.py")
    person.ok(offered(person.run("git commit -qm all")))
    assert work.last() == {"a.py"}, "what was claimed by name was claimed for longer"


def test_an_agent_is_no_person(work: Work) -> None:
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
    assert machine.run(200, "git-hook", "pre-commit").code == DENIED, "its client is above it, and sets no variable"


def test_an_agents_commit_is_held_back_for_another_agents_edit(work: Work) -> None:
    work.agent("a.py", conversation="c1")
    work.agent("b.py", conversation="c2")
    agent = work.shell("c2")
    agent.ok(offered(agent.run("git add -A && git commit -qm all")))
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
    assert machine.run(100, "git-hook", "pre-commit", **parent).code == 0


def test_a_claim_in_another_worktree_counts_if_made_by_name(work: Work) -> None:
    side = work.root.parent / "side"
    work.person.ok(f"git worktree add -q {side}")
    work.agent("a.py", root=side)
    work.write("a.py")
    assert work.person.ok("git add -A && git commit -qm here") == ""
    work.write("b.py")
    work.agent("b.py")
    there = work.repo.shell(side)
    there.ok("export GIT_EDITOR='printf own >'")
    assert "a.py" in there.run("git add -A && git commit -m there").err
    work.write("c.py", root=side)
    there.ok(offered(there.run("git add -A && git commit -m there")))
    assert work.last("side") == {"c.py"}
    work.session("backend").ok("coord claim file/d.py")
    work.write("d.py", root=side)
    assert "backend" in there.run("git add d.py && git commit -m there d.py").err


def test_a_session_that_is_dead_holds_nobody_up(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/a.py && echo 1 > a.py")
    assert work.person.run("git add -A && git commit -m all").code == 1
    backend.kill()
    work.person.ok("git commit -m all")


def test_what_nobody_guards_is_nobodys(work: Work) -> None:
    work.session("backend").ok("coord claim file/package-lock.json && echo 1 > package-lock.json")
    work.person.ok("git add -A && git commit -m all")


@pytest.mark.parametrize("how", ["broken", "taken"])
def test_what_is_no_longer_ones_own_is_not_committed_unseen(work: Work, how: str) -> None:
    """Rule 7: the claim must still be active, and no conflicting grant younger."""
    backend, other = work.session("backend"), work.session("other")
    backend.ok("coord claim file/a.py && echo 1 > a.py && echo 1 > b.py && git add -A")
    other.ok("coord break file/a.py --reason 'it looked dead'")
    if how == "taken":
        other.ok("coord claim file/a.py")
        backend.ok("coord inbox")
    refused = backend.run("git commit -m mine")
    assert ("it looked dead" if how == "broken" else "(other) has file/a.py") in refused.err
    backend.ok(offered(refused))
    assert work.last() == {"b.py"}
    if how == "broken":
        backend.ok("coord claim file/a.py && git commit -m 'it is mine again'")


# --- the guard's settings ---------------------------------------------------------------------------------------------


def test_the_guard_can_warn_be_off_or_mind_named_claims_alone(work: Work) -> None:
    config = work.repo.folder / "config.toml"
    work.agent("a.py")
    work.person.ok("git add -A")
    config.write_text('guard = "check"\n')
    done = work.person.run("git commit -qm all")
    assert (done.code, done.both) == (0, "")
    work.session("backend").ok("coord claim file/b.py && echo 1 > b.py && git add -A")
    assert work.person.run("git commit -qm all").code == 1
    config.write_text('guard = "warn"\n')
    done = work.person.run("git commit -qm all")
    assert done.code == 0
    assert done.err.startswith("coord: note: 1 of the 2 files in this commit is not yours")
    assert "Commit only" not in done.err
    config.write_text('guard = "off"\n')
    work.write("b.py", "2\n")
    done = work.person.run("git commit -qam all")
    assert (done.code, done.both) == (0, "")


def test_who_goes_on_all_the_same_does_it_on_the_record(work: Work) -> None:
    backend = work.session("backend")
    backend.ok("coord claim file/src/")
    for name in ("src/a.py", "src/b.py"):
        work.write(name)
    work.agent("c.py")
    work.person.ok("git add -A && COORD_GUARD=off git commit -m all")
    found = work.repo.of_type("claim.bypassed")
    assert sorted(event["event"]["resource"] for event in found) == ["file/c.py", "file/src/"]
    assert {event["event"]["how"] for event in found} == {"git commit with COORD_GUARD=off"}
    assert "committed file/src/, which you hold, with COORD_GUARD=off" in backend.ok("coord inbox")
    (hello,) = [e for e in work.repo.of_type("session.started") if e["session"] == found[0]["session"]]
    assert hello["event"]["client"] == "git"
    assert any(event["session"] == found[0]["session"] for event in work.repo.of_type("session.ended"))


def test_a_session_goes_on_under_its_own_name(work: Work) -> None:
    work.agent("c.py")
    backend = work.session("backend")
    backend.ok("git add -A && COORD_GUARD=off git commit -m all")
    (bypassed,) = work.repo.of_type("claim.bypassed")
    assert bypassed["session"] == backend.json("coord whoami")["session"]
    backend.ok("echo 2 > own.py && git add -A && COORD_GUARD=off git commit -m mine")
    assert len(work.repo.of_type("claim.bypassed")) == 1, "where nothing is in the way, nothing is gone round"


def test_what_each_holder_has_can_be_waited_for_and_asked_for(work: Work) -> None:
    holders = {name: work.session(name) for name in ("one", "two", "three", "four")}
    for name, shell in holders.items():
        shell.ok(f"coord claim file/{name}.py && echo 1 > {name}.py && git add {name}.py")
    ids = {name: shell.json("coord whoami")["session"] for name, shell in holders.items()}
    said = work.person.run("git commit -m all").err
    assert "Or, after `coord start`, wait until each is free:\n" in said
    ways = [f"  coord claim file/{name}.py --wait 10m, or ask: coord send {ids[name]} " for name in ids]
    assert sum(way in said for way in ways) == 3
    assert "  and 1 more: coord claims\n" in said
    said = holders["one"].run("git commit -m all two.py").err
    assert "\nOr wait until it is free: coord claim file/two.py --wait 10m, or ask: coord send" in said


def test_a_person_may_not_commit_what_a_subagent_still_writes(work: Work) -> None:
    work.agent("c.py")
    work.stops(event="SubagentStart", agent_id="sub", agent_type="x")
    work.stops()
    work.person.ok("git add -A")
    assert work.person.run("git commit -qm early").code != 0
    work.stops(event="SubagentStop", agent_id="sub", agent_type="x")
    work.stops()
    work.person.ok("git commit -qm late")


def test_whoever_has_an_agents_variables_is_no_person(work: Work) -> None:
    work.agent("c.py")
    work.stops()
    work.person.ok("git add -A")
    assert work.person.run("GEMINI_CLI=1 git commit -qm agent").code != 0
    work.person.ok("git commit -qm person")


def test_a_session_of_one_git_call_is_not_shown_among_the_gone(work: Work) -> None:
    work.agent("c.py")
    work.person.ok("git add -A && COORD_GUARD=off git commit -qm all")
    passing = {event["session"] for event in work.repo.of_type("session.ended")}
    assert [row["client"] for row in work.person.json("coord status")["sessions"]] == ["claude-code"]
    assert "GONE" not in work.person.ok("coord status")
    assert passing
    assert all(name in work.person.ok("coord log") for name in passing)


@pytest.mark.parametrize(
    ("number", "command"), [(5, "--only -- own0.py"), (12, "restore --staged -- src/a.py src/b.py && git")]
)
def test_the_offered_command_is_the_same_for_few_and_for_many(work: Work, number: int, command: str) -> None:
    work.agent("src/a.py")
    work.agent("src/b.py")
    own = {f"own{each}.py" for each in range(number)}
    for name in own:
        work.write(name)
    work.person.ok("git add -A")
    refused = offered(work.person.run("git commit -m all"))
    assert command in refused
    assert len(refused) < 100
    work.person.ok(refused)
    assert work.last() == own
    assert work.person.ok("git status --short src/").split() in (["A", "src/a.py", "A", "src/b.py"], ["??", "src/"])


def test_what_others_have_staged_in_part_stays_as_it_is_staged(work: Work) -> None:
    work.agent("theirs.py", "staged\n")
    for number in range(9):
        work.write(f"own{number}.py")
    work.person.ok("git add -A")
    work.agent("theirs.py", "and more\n")
    work.person.ok(offered(work.person.run("git commit -m all")))
    assert work.last() == {f"own{number}.py" for number in range(9)}
    assert work.person.ok("git show :theirs.py") == "staged\n"


def test_a_commit_by_name_takes_nothing_that_was_not_named(work: Work) -> None:
    names = [f"own{number:02}.py" for number in range(45)]
    for name in ("other.py", *names):
        work.write(name)
    work.person.ok("git add -A && git commit -qm more")
    work.agent("theirs.py")
    for name in ("other.py", *names):
        work.write(name, "2\n")
    work.person.ok("git add -A")
    work.person.ok(offered(work.person.run("git commit -m all --only theirs.py own*.py")))
    assert work.last() == set(names)


def test_the_offered_command_also_removes_files_from_git(work: Work) -> None:
    work.write("own.py")
    work.person.ok("git add -A && git commit -qm more")
    work.agent("theirs.py")
    work.person.ok("git add -A && git rm -q --cached start.txt && echo 2 > own.py")
    work.person.ok(offered(work.person.run("git commit -am all")))
    assert work.last() == {"own.py", "start.txt"}
    assert work.person.ok("git ls-files start.txt") == ""


# --- after a commit ---------------------------------------------------------------------------------------------------


def test_a_commit_ends_the_automatic_claims_of_what_is_in_it(work: Work) -> None:
    work.agent("a.py")
    work.agent("b.py")
    agent = work.shell()
    agent.ok("coord claim file/named.py && git add a.py && git commit -qm a")
    assert work.claims() == ["file/b.py", "file/named.py"]
    work.person.ok("git add -A && COORD_GUARD=off git commit -qm b")
    assert work.claims() == ["file/named.py"]
    work.agent("a.py", "half\n")
    agent.ok("git add a.py && echo more >> a.py && git commit -qm half")
    assert "file/a.py" in work.claims(), "some of it is not committed yet"
    agent.ok("git commit -qam whole")
    assert work.claims() == ["file/named.py"]


def test_a_commit_of_other_files_writes_nothing(work: Work) -> None:
    work.agent("a.py")
    before = work.repo.bytes()
    work.person.ok("echo 2 > start.txt && git commit -qam mine")
    assert work.repo.bytes() == before


# --- merges, picks, rebases, submodules -------------------------------------------------------------------------------


def _two_branches(work: Work) -> None:
    work.person.ok("git checkout -qb side && echo side > both.txt && echo side > side.txt && git add -A")
    work.person.ok("git commit -qm side && git checkout -q main && echo main > both.txt && git add -A")
    work.person.ok("git commit -qm main")


def test_a_merge_brings_what_was_committed_and_nothing_else(work: Work) -> None:
    _two_branches(work)
    work.session("backend").ok("coord claim file/side.txt")
    work.agent("theirs.py")
    assert work.person.run("git merge side").code == 1, "a conflict"
    work.person.ok("echo both > both.txt && git add -A")
    command = offered(work.person.run("git commit -m merge"))
    assert command == "git restore --staged -- theirs.py && git commit"
    work.person.ok(command)
    assert work.person.ok("git rev-list --count --merges HEAD") == "1\n"
    assert "theirs.py" not in work.person.ok("git ls-files")
    assert work.person.ok("git show HEAD:side.txt") == "side\n"


def test_a_merge_into_what_another_holds_offers_no_loss(work: Work) -> None:
    _two_branches(work)
    work.session("backend").ok("coord claim file/both.txt")
    work.person.run("git merge side")
    refused = work.person.run("echo both > both.txt && git commit -am merge")
    assert refused.code == 1
    assert "A merge is committed as a whole" in refused.err
    work.person.ok("COORD_GUARD=off git commit -am merge")


def test_a_merge_without_conflicts_a_pick_and_a_rebase_pass(work: Work) -> None:
    work.person.ok("git checkout -qb side && echo side > side.txt && git add -A && git commit -qm side")
    work.person.ok("git checkout -q main && echo main > main.txt && git add -A && git commit -qm main")
    work.agent("theirs.py")
    work.person.ok("git merge -q -m merge side && git checkout -q -b picks HEAD~1 && git cherry-pick side")
    work.person.ok("git rebase -q side && git commit -q --amend -m again")
    assert work.claims() == ["file/theirs.py"]


def test_a_pick_with_conflicts_offers_what_git_can_do_then(work: Work) -> None:
    _two_branches(work)
    work.agent("theirs.py")
    assert work.person.run("git cherry-pick side").code == 1
    work.person.ok("echo both > both.txt && git add -A")
    work.person.ok(offered(work.person.run("git commit -m picked")))
    assert work.last() == {"both.txt", "side.txt"}
    assert work.person.run("git checkout -q side && git rebase main").code != 0
    work.person.ok("echo again > both.txt && git add both.txt")
    refused = work.person.run("git commit -qam rebased")
    assert refused.code == 0, "theirs.py is in no commit and not tracked"
    work.person.ok("git rebase --continue")


def test_a_submodule_is_a_repository_of_its_own(work: Work) -> None:
    library = work.root.parent / "library"
    work.person.ok(f"git init -q -b main {library} && git -C {library} commit -q --allow-empty -m first")
    work.person.ok(f"git -c protocol.file.allow=always submodule add -q {library} lib && git commit -qm lib")
    work.session("backend").ok("coord claim file/lib")
    inside = work.repo.shell(work.root / "lib")
    inside.ok("coord install git && echo 1 > a.py && git add -A && git commit -qm inside")
    assert "lib: " in work.person.run("git commit -am lib").err


# --- before a push ----------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(work: Work) -> Path:
    """A repository to push to, which has what is committed."""
    path = work.root.parent / "remote.git"
    work.person.ok(f"git init -q --bare {path} && git remote add origin {path} && git push -q -u origin main")
    return path


def test_a_push_is_held_back_for_what_others_claimed_by_name(work: Work, remote: Path) -> None:
    work.write("src/a.py")
    work.write("b.py")
    work.person.ok("git add -A && git commit -qm more")
    backend = work.session("backend")
    backend.ok("coord claim file/src/ --note refactoring")
    refused = work.person.run("git push origin main")
    assert refused.code == 1
    for part in ("nothing was pushed", "src/a.py: ", "(backend)", "refactoring", "COORD_GUARD=off git push"):
        assert part in refused.err
    assert "b.py" not in refused.err
    backend.ok("git push -q origin main")
    work.person.ok("git push -q origin main")
    work.person.ok("git checkout -q -b topic && git commit -q --allow-empty -m empty && git push -q origin topic")


def test_a_push_with_the_guard_off_is_on_the_record(work: Work, remote: Path) -> None:
    backend = work.session("backend")
    backend.ok("coord claim branch/main")
    work.person.ok("git commit -q --allow-empty -m more && COORD_GUARD=off git push -q origin main")
    (found,) = work.repo.of_type("claim.bypassed")
    assert found["event"]["resource"] == "branch/main"
    assert found["event"]["how"] == "git push with COORD_GUARD=off"
    assert "pushed a change to branch/main, which you hold, with COORD_GUARD=off" in backend.ok("coord inbox")
    assert "pushes a change to branch/main despite claim" in backend.ok("coord log")
    assert "bypasses backend's claim, and backend is told" in backend.ok("coord why branch/main")


@pytest.mark.parametrize("claimed", ["branch/main", "push/main", "push/origin", "push/origin/main"])
@pytest.mark.parametrize("refs", ["main", "main:main", "HEAD:refs/heads/main", "--delete main"])
def test_a_branch_or_a_push_can_be_claimed(work: Work, remote: Path, claimed: str, refs: str) -> None:
    work.person.ok(f"git -C {remote} config receive.denyDeleteCurrent ignore && git commit -q --allow-empty -m more")
    backend = work.session("backend")
    backend.ok(f"coord claim {claimed}")
    assert claimed in work.person.run(f"git push origin {refs}").err
    other = work.person.run("git push -q origin HEAD:refs/heads/other HEAD:refs/tags/v1")
    assert other.code == (1 if claimed == "push/origin" else 0)
    backend.ok(f"git push -q origin {refs}")


def test_edits_are_in_no_pushs_way(work: Work, remote: Path) -> None:
    work.person.ok("echo 2 > start.txt && git commit -qam mine")
    work.agent("start.txt")
    done = work.person.run("git push -q origin main")
    assert (done.code, done.both) == (0, "")


# --- git is never broken ----------------------------------------------------------------------------------------------


def _sweep(work: Work) -> Result:
    work.write("own.py", work.person.ok("git rev-list --count HEAD"))
    work.person.ok("git add -A")
    return work.person.run("git commit -qm all")


def test_without_coord_and_in_a_bare_environment_git_goes_on(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("git add -A")
    bare = "env -i HOME=$HOME PATH=/usr/bin:/bin git -c user.name=a -c user.email=a@b commit -qm all"
    assert "not yours" in work.person.run(bare).err, "by the path that was written down"
    hook = work.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(re.sub(r"command -v /[^\s)]+", "command -v /not/there/coord", hook.read_text()))
    done = work.person.run(bare)
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 127])
def test_a_coord_that_fails_lets_git_go_on(work: Work, code: int) -> None:
    work.agent("theirs.py")
    work.person.ok(f"mkdir ~/bin && printf '#!/bin/sh\\nexit {code}\\n' > ~/bin/coord && chmod +x ~/bin/coord")
    work.person.ok("git add -A && PATH=~/bin:$PATH git commit -qm all")


def test_without_a_shared_folder_nothing_is_said(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("rm -rf COORDINATION .git/coord")
    done = _sweep(work)
    assert (done.code, done.both) == (0, "")


def test_what_fails_in_us_is_written_down_and_nothing_more(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("echo 'guard = 7' > COORDINATION/config.toml")
    done = _sweep(work)
    assert (done.code, done.both) == (0, "")
    for name in ("pre-commit", "post-commit"):
        assert re.search(rf"^\d+ git {name} CoordError: .*config.toml", work.failures(), re.MULTILINE)
    work.forgive()


def test_a_log_that_is_gone_or_damaged_is_no_cause(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("for name in COORDINATION/log/*.jsonl; do echo garbage > $name; done; rm -r COORDINATION/.cache")
    assert _sweep(work).code == 0
    work.person.ok("rm -r COORDINATION/log")
    assert _sweep(work).code == 0
    work.forgive()


def test_who_cannot_be_told_is_let_go_and_it_is_written_down(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("export COORD_SESSION=nobody-known-here")
    assert _sweep(work).code == 0
    assert "git pre-commit CoordError: COORD_SESSION" in work.failures()
    work.forgive()


def test_a_lock_that_is_held_holds_up_no_commit(work: Work) -> None:
    work.agent("theirs.py")
    work.person.ok("git add -A && (flock 9; COORD_GUARD=off git commit -qm all) 9> COORDINATION/log/.lock")
    assert "git pre-commit" in work.failures()
    work.forgive()


def test_a_hook_that_is_none_of_ours_is_wrong_usage(work: Work) -> None:
    assert work.person.run("coord git-hook pre-rebase").code == 2
    assert work.person.run("coord git-hook").code == 2
