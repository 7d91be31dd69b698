"""The guard denies a write if and only if another agent has uncommitted work in the same file.

Three agents of three clients, one of them with subagents, edit a repository and a second worktree of it. They write,
commit, undo, stop, end and return at random; their user commits and undoes as well; and time passes. A small model
tracks who has uncommitted work in which file.
"""

import random
from pathlib import Path

import pytest

from coord.cli.main import run
from coord.guard.entry import ALLOWED, DENIED
from tests.support.agents import Agents
from tests.support.in_process import process
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

EDITS, SEEDS = 250, 4  # a thousand edits in all
FILES = ("a.py", "b.py", "src/c.py", "src/deep/d e.py", "ünïcode.md", "new.txt")
CLAUDE, CODEX, GEMINI, PERSON = 100, 200, 300, 900
Who = tuple[int, str]


class Tree:
    """The agents, and the model: who has uncommitted work in which file of which worktree."""

    def __init__(self, repo: Repo, seed: int) -> None:
        self.agents, self.chance = Agents(repo), random.Random(seed)
        self.agents.machine.table.rows[PERSON] = process(PERSON, 1, PERSON, "-bash")
        self.roots = (repo.root, repo.root.parent / "other")
        self.user("for f in a.py b.py 'ünïcode.md'; do echo 0 > $f; done; git add -A; git commit -qm first")
        self.user("git worktree add -q ../other")
        self.work: dict[tuple[Path, str], set[Who]] = {}
        self.sub: list[str] = []  # the running subagents of Claude
        self.edits = self.denied = self.number = 0
        for pid in self.agents.clients:
            self.agents.starts(pid)

    def user(self, command: str, root: Path | None = None) -> None:
        self.agents.shell(CLAUDE, command, cwd=root, hooks=False)

    def actor(self) -> Who:
        pid = self.chance.choice((CLAUDE, CLAUDE, CODEX, GEMINI))
        return pid, self.chance.choice(("", *self.sub)) if pid == CLAUDE else ""

    def blockers(self, me: Who, place: tuple[Path, str]) -> set[Who]:
        """Those whose uncommitted work blocks my write: neither my own work, nor that of my session or my subagent."""
        return {who for who in self.work.get(place, set()) if who[0] != me[0] or (who[1] and me[1] and who[1] != me[1])}

    # --- the steps

    def write(self) -> None:
        me, root, name = self.actor(), self.chance.choice(self.roots), self.chance.choice(FILES)
        self.number += 1
        answer = self.agents.writes(me[0], name, f"{self.number}\n", cwd=root, agent_id=me[1])
        in_the_way = self.blockers(me, (root, name))
        said = f"edit {self.number}: {me} writes {name} in {root.name}, where {in_the_way} is at work: {answer}"
        assert answer.code == (DENIED if in_the_way else ALLOWED), said
        self.edits += 1
        self.denied += answer.code == DENIED
        if answer.code == ALLOWED:
            self.work.setdefault((root, name), set()).add(me)

    def commit(self) -> None:
        """An agent in its shell, or the user, commits some files."""
        root = self.chance.choice(self.roots)
        names = [name for at, name in self.work if at == root and self.chance.random() < 0.5]
        if names:
            listed = " ".join(f"'{name}'" for name in names)
            self.by_someone(f"git add -- {listed} && git commit -qm more -- {listed}", root)
            self.forget(root, names)

    def commit_before_the_write(self) -> None:
        """The user commits a file after the guard allowed a write and before the agent writes; or the agent never
        writes, and the file is free once it is committed. (For a session with subagents, the guard cannot tell that
        the write will not happen.)
        """
        mine = [(who, *place) for place, whose in self.work.items() for who in whose if len(whose) == 1]
        if not mine:
            return
        (pid, agent), root, name = self.chance.choice(sorted(mine))
        is_written, late = self.chance.random() < 0.5, self.chance.random() < 0.5
        is_written = is_written or (pid == CLAUDE and bool(self.sub))
        self.number += 1
        assert self.agents.asks_to_write(pid, name, cwd=str(root), agent_id=agent).code == ALLOWED
        self.agents.machine.wait(60 if late or not is_written else 1)
        self.user(f"git add -- '{name}' && git commit -qm meanwhile -- '{name}'", root)
        assert run(("git-hook", "post-commit"), self.agents.machine.system(PERSON, {}).at(str(root))) == 0
        self.forget(root, [name])
        if is_written:
            (root / name).write_text(f"{self.number}\n")
            self.agents.has_written(pid, name, cwd=str(root), agent_id=agent)
            self.work[root, name] = {(pid, agent)}

    def undo(self) -> None:
        """Undo the changes of one file, or delete it if it was never committed."""
        root, name = self.chance.choice(self.roots), self.chance.choice(FILES)
        if (root, name) in self.work:
            self.by_someone(f"git checkout -q HEAD -- '{name}' 2>/dev/null || rm '{name}'", root)
            self.forget(root, [name])

    def by_someone(self, command: str, root: Path) -> None:
        pid = self.actor()[0]
        if self.chance.random() < 0.5:
            self.agents.shell(pid, command, cwd=root)
        else:
            self.user(command, root)

    def forget(self, root: Path, names: list[str]) -> None:
        for name in names:
            self.work.pop((root, name), None)

    def stop(self) -> None:
        self.agents.hook(self.actor()[0], "stop")

    def end(self) -> None:
        """An agent ends or is killed, and its conversation resumes in a new process. Its claims end with it, unless
        nobody noticed its death; then the claims of its subagents become its own.
        """
        pid = self.actor()[0]
        self.number += 1
        how = self.chance.choice(("end", "noticed", "unnoticed"))
        if how == "end":
            self.agents.hook(pid, "end", reason="other")
        self.agents.runs(pid, self.agents.clients[pid], start_ticks=pid * 10 + self.number)
        if how == "noticed":
            other = next(other for other in self.agents.clients if other != pid)
            self.agents.coord(other, "heartbeat")
        for place, whose in self.work.items():
            mine = {(pid, "")} if how == "unnoticed" and any(who[0] == pid for who in whose) else set()
            self.work[place] = {who for who in whose if who[0] != pid} | mine
        if pid == CLAUDE:
            self.sub = []
        self.agents.starts(pid, "resume")

    def subagent(self) -> None:
        if len(self.sub) < 2:
            self.number += 1
            self.sub.append(f"agent{self.number}")
            self.agents.hook(CLAUDE, "agent_start", agent_id=self.sub[-1], agent_type="helper")
            return
        gone = self.sub.pop(0)
        self.agents.hook(CLAUDE, "agent_stop", agent_id=gone)
        for place, whose in self.work.items():
            self.work[place] = {(CLAUDE, "") if who == (CLAUDE, gone) else who for who in whose}

    def time(self) -> None:
        self.agents.machine.wait(self.chance.choice((1, 35, 700, 1300, 4000)))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_write_is_denied_iff_another_has_uncommitted_work(repo: Repo, seed: int) -> None:
    tree = Tree(repo, seed)
    steps = [tree.write] * 12 + [tree.commit] * 3 + [tree.undo] * 2 + [tree.commit_before_the_write]
    steps += [tree.stop, tree.end, tree.subagent, tree.time, tree.time]
    while tree.edits < EDITS:
        tree.chance.choice(steps)()
    assert tree.denied > EDITS / 20, "too few writes met another agent's work"
    assert not [event for event in repo.events() if event["event"]["type"] == "claim.broken"]
