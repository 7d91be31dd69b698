"""Attack 15: processes that end, stay as zombies, stop, hide; pids that are used again; containers; machines that boot;
conversations that their client resumes in another process; all of it also in the middle of a command.

The commands run inside the test, each in a process of a machine of `tests.property.machines`, which knows what is true.
Promise 5: whatever is recorded or shown as dead is dead; whoever is dead where that can be seen is recorded by the next
command that writes, and is in nobody's way; no claim of a live session goes to another before it has run out; and a
process acts as its own session, never as that of another which once had its pid.
"""

import contextlib
import io
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from coord.cli.main import run
from coord.platform.watch import Interrupted
from coord.workspace.system import System
from eventlog.events import Instant, add_time, from_micros
from tests.property.machines import Machine, Proc, Register, Space
from tests.support.attacks import Tally
from tests.support.in_process import NOON, Inside, process
from tests.support.processes import Result
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

STEPS = 24
RESOURCES = ("droplet/x", "droplet/y")
KINDS = (*("command",) * 10, *("happens",) * 4, *("death",) * 3, "again", "again", "worker", "resume", "resume", "boot")
WORDS: tuple[tuple[str, ...], ...] = (
    *(("claim", "", "--ttl", "4h", "--json"),) * 3,
    *(("claim", "", "--ttl", "60s", "--wait", "2m", "--json"),) * 2,
    ("release", "", "--json"),
    *(("heartbeat", "a", "b", "--json"),) * 2,
    ("whoami", "--json"),
    ("send", "broadcast", "Hello", "--json"),
    ("end", "--json"),
)


@dataclass(eq=False)
class Worker:
    """Who types commands: a shell, an agent's conversation, or one who is tied to no process."""

    kind: str
    proc: Proc
    env: dict[str, str]
    session: str = ""


class Scene:
    """What happens to one seed, and what is true of it."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        for folder in (repo.log, repo.folder / ".cache"):
            shutil.rmtree(folder, ignore_errors=True)
        (repo.root / ".git" / "coord").unlink(missing_ok=True)  # or the log of the seed before would be missed
        repo.log.mkdir()
        self.repo, self.chance, self.now = repo, chance, NOON
        self.machines = [Machine("north", chance), Machine("south", chance)]
        self.workers: list[Worker] = []
        self.register = Register(self.machines)
        self.held: dict[str, tuple[str, Instant]] = {}  # what was granted, and until when
        self.used: dict[str, Worker] = {}  # the sessions that somebody acted as
        self.done: list[str] = []

    # --- what happens ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        self.now = add_time(self.now, self.chance.choice((0, 0.5, 30, 61, 600)))
        kind = self.chance.choice(KINDS)
        machine = self.chance.choice((self.machines[0], *self.machines))
        self.done.append(f"{self.now} {kind}")
        living = [worker for worker in self.workers if worker.proc.alive]
        if kind == "command" and living:
            self.acts(self.chance.choice(living))
        elif kind == "happens":
            machine.something_happens()
        elif kind == "worker":
            self.worker()
        elif kind == "resume" and (clients := [worker for worker in self.workers if worker.kind == "client"]):
            self.resume(self.chance.choice(clients))
        elif kind == "boot" and self.chance.random() < 0.4:
            machine.boot()
        elif living and kind in ("death", "again"):
            self.death(self.chance.choice(living).proc, again=kind == "again")

    def worker(self) -> None:
        number = len(self.workers)
        kind = self.chance.choice(("shell", "shell", "client", "client", "loose"))
        env = {"CLAUDE_CODE_SESSION_ID": f"conversation-{number}"} if kind == "client" else {}
        made = Worker(kind, self.begun(kind), env)
        self.workers.append(made)
        self.acts(made)

    def begun(self, kind: str) -> Proc:
        """A process for a worker, somewhere."""
        machine = self.chance.choice((self.machines[0], *self.machines))
        argv = ("claude",) if kind == "client" else ("-bash",)
        if len(machine.running) < 4 and self.chance.random() < 0.3:
            first = self.chance.choice((argv, ("tini",)))
            space = machine.container(self.chance.choice(("", "", "-container")), *first)
            if first == argv:
                return space.rows[1]
        # what is left alone with a client, where that is the first process, looks just like what the client runs
        space = self.chance.choice([space for space in machine.running if space.rows[1].argv != ("claude",)])
        space.make_room({worker.proc for worker in self.workers})
        return space.fork(1, 0, *argv)

    def resume(self, worker: Worker) -> None:
        """A conversation goes on in another process, whether or not the one before still runs."""
        worker.proc = self.begun("client")
        self.acts(worker)

    def death(self, row: Proc, *, again: bool) -> None:
        """A worker's process ends; with `again` another gets its pid at once, as like it as can be."""
        space, machine = row.space, row.space.machine
        if row is machine.init:
            return
        if again or self.chance.random() < 0.5:
            space.reap(row)
        else:
            space.kill(row)
        if again and not space.over:
            space.last_pid = row.pid - 1
            space.fork(row.parent, 0, *row.argv)

    # --- commands -------------------------------------------------------------------------------------------------

    def acts(self, worker: Worker) -> None:
        """A worker gives a command; whoever is no session yet becomes one first, or goes on for another."""
        if not worker.session and worker.kind != "client":
            self.starts(worker)
            return
        words = list(self.chance.choice(WORDS))
        if "" in words:
            words[1] = self.chance.choice(RESOURCES)
        env = worker.env | ({"COORD_SESSION": worker.session} if worker.kind == "loose" else {})
        result, before = self.types(worker, words, env)
        if result.code == 3 and worker.proc.alive and worker.kind != "client":
            ours = worker.session not in self.register.over
            ours &= self.register.lives_with[worker.session] is worker.proc
            assert not ours, f"a live worker has no session: {result}"
            worker.session = ""
        self.check_claim(words, result, before, worker.session)
        if words[0] == "end" and result.code == 0 and worker.kind != "client":
            worker.session = ""

    def starts(self, worker: Worker) -> None:
        words = ["start", "--json", *(["--no-anchor"] if worker.kind == "loose" else [])]
        over = set(self.register.over)
        olds = [name for name, by in self.used.items() if by.kind != "client"]  # an agent comes back by itself
        old = self.chance.choice([*olds, ""]) if self.chance.random() < 0.3 else ""
        result, _ = self.types(worker, [*words, *(["--continue", old] if old else [])], worker.env)
        assert result.code in ((0, 1) if old else (0,)), result
        if result.code == 0:
            assert not old or old in over or self.register.dead(old), f"{old} lives, and was continued"
            assert result.json["session"] == worker.session

    def types(self, worker: Worker, words: list[str], env: dict[str, str]) -> tuple[Result, set[str]]:
        """Run a command; what it said, and who was surely over before and after it."""
        space = worker.proc.space
        space.hidden.discard(worker.proc.pid)  # one's own processes can be seen
        space.make_room({one.proc for one in self.workers})
        parent = worker.proc
        if self.chance.random() < 0.5:
            parent = space.fork(parent.pid, worker.proc.leader, "bash", "-c", "x")
        own = space.fork(parent.pid, worker.proc.leader, "python3", "/bin/coord")
        before = self.register.surely_over(space)
        space.machine.acting, space.machine.busy = own, self.chance.random() < 0.3
        self.done.append(f"{worker.kind} {worker.session} in {space.here} {worker.proc.pid}: {' '.join(words)}")
        result = self.run(space, own.pid, words, env)
        space.machine.acting, space.machine.busy = None, False
        self.done[-1] += f" -> {result}"
        space.reap(own)
        before &= self.register.surely_over(space)
        tied = parent.alive and self.register.lives_with.get(worker.session, worker.proc) is not None
        author = self.register.hear(self.repo.events())
        self.held = {what: holder for what, holder in self.held.items() if holder[0] not in self.register.over}
        if author:
            self.acted(worker, author, tied)
        elif words[0] == "whoami" and result.code == 0:
            assert worker.session == result.json["session"], f"is {result.json['session']}"
        left = before - self.register.over - {author}
        assert not left or not author, f"dead and not recorded: {left}"
        self.looks()
        return result, before

    def run(self, space: Space, pid: int, words: list[str], env: dict[str, str]) -> Result:
        out, err = io.StringIO(), io.StringIO()
        system = System(env, str(self.repo.root), lambda: self.now, pid, lambda: space.here, lambda: space)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(words, system)
        assert code in (0, 1, 3, 130), (words, code, err.getvalue())
        return Result(out.getvalue(), err.getvalue(), code)

    def while_waiting(self) -> None:
        """What happens while a command waits for a claim."""
        self.now = add_time(self.now, self.chance.choice((0.5, 30, 61)))
        for machine in self.machines:
            machine.something_happens()

    # --- what must be so ------------------------------------------------------------------------------------------

    def acted(self, worker: Worker, session: str, tied: bool) -> None:
        """The command acted as this session: it must be the worker's own, and tied to the worker's process."""
        if session != worker.session:
            moved = worker.session and self.register.began_on[worker.session] != worker.proc.space.here.machine
            assert not worker.session or moved, f"acted as {session}"
            assert session not in self.used, f"acted as {session}, which is another's"
            self.used[session] = worker
        worker.session = session
        anchor = self.register.lives_with[session]
        if worker.kind == "loose":
            assert anchor is None, f"{session} asked for no process"
        elif worker.proc.alive and tied:  # who lost its process in the middle of a command is tied to none
            assert anchor is worker.proc, f"{session} lives with another process than that which it acts in"

    def looks(self) -> None:
        """What somebody sees who only looks, somewhere."""
        space = self.chance.choice([space for machine in self.machines for space in machine.running])
        result = self.run(space, 1, ["status", "--json"], {})
        assert result.code == 0, result
        gone = self.register.surely_over(space)
        for row in result.json["sessions"]:
            assert row["status"] != "dead" or self.register.dead(row["id"]), f"{row['id']} lives, and is shown as dead"
            assert row["status"] not in ("live", "silent") or row["id"] not in gone, f"{row['id']} is dead, and shown"

    def check_claim(self, words: list[str], result: Result, before: set[str], me: str) -> None:
        """A grant takes nothing from another, a refusal is for the sake of somebody who may live."""
        if not result.out or words[0] not in ("claim", "release"):
            return
        resource, said = words[1], result.json
        holder, until = self.held.get(resource, ("", ""))
        if words[0] == "release":
            if result.code == 0 and holder == me:
                del self.held[resource]
        elif said["outcome"] in ("granted", "renewed"):
            start = from_micros(said["token"])
            assert holder in ("", me) or until <= start, f"{holder} has {resource} until {until}"
            self.held[resource] = me, said["until"]
        elif said["outcome"] == "refused":
            for one in said["obstacles"]:
                assert one["session"] not in before, f"{one['session']} is dead, and in the way"
                assert one["until"] > said["at"], f"{one} is over, and in the way"


@pytest.fixture
def scenes(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Callable[[Random], Scene]:
    """Scenes in which chance names the sessions and says what happens while one waits: a seed is one run, always."""

    def begin(chance: Random) -> Scene:
        numbers = iter(range(1000))
        monkeypatch.setattr("coord.engine.transaction.new_id", lambda taken: f"session-{next(numbers):03}")
        scene = Scene(repo, chance)

        def wait_for(folder: str, poll: Callable[[], tuple[Any, str]], wall: object, caught: list[int]) -> Any:
            for _ in range(3):
                if (found := poll()[0]) is not None:
                    return found
                scene.while_waiting()
            raise Interrupted(signal.SIGINT)

        monkeypatch.setattr("coord.cli.commands.claims.claim.wait_for", wait_for)
        return scene

    return begin


def play(scenes: Callable[[Random], Scene], tally: Tally, seeds: range) -> None:
    for seed in seeds:
        scene = scenes(tally.chance(seed))
        try:
            for _ in range(3):
                scene.worker()
            for _ in range(STEPS):
                scene.step()
        except BaseException as error:
            error.add_note(f"seed {seed}:\n" + "\n".join(scene.done))
            raise
        tally.did("cases")
        tally.did("deaths recorded", scene.register.deaths)


@pytest.mark.attack(15)
def test_in_a_few_cases_exactly_the_dead_are_taken_for_dead(scenes: Callable[[Random], Scene], tally: Tally) -> None:
    play(scenes, tally, tally.seeds[:20])


def test_a_resumed_conversation_outlives_the_process_before(repo: Repo) -> None:
    machine, env = Inside(repo), {"CLAUDE_CODE_SESSION_ID": "conversation"}
    machine.table.rows |= {pid: process(pid, 1, pid, "claude") for pid in (1000, 2000)}
    session = machine.run(1000, "claim", "droplet", "x", "--json", **env).json["session"]
    for pid in (2000, 2000, 1000, 2000):  # both run for a while
        assert machine.run(pid, "heartbeat", "a", "b", "--json", **env).json["session"] == session
    anchors = [event["event"]["anchor"]["pid"] for event in repo.of_type("session.started")]
    assert anchors == [1000, 2000, 1000, 2000]
    del machine.table.rows[1000]
    machine.start(100)
    refused = machine.run(100, "claim", "droplet", "x", "--json").json
    assert (refused["outcome"], refused["obstacles"][0]["session"]) == ("refused", session)


@pytest.mark.machine
@pytest.mark.attack(15)
@pytest.mark.parametrize("part", [0, 1])
def test_only_the_dead_are_taken_for_dead_and_all_of_them(
    scenes: Callable[[Random], Scene], tally: Tally, part: int
) -> None:
    play(scenes, tally, tally.seeds[20 + part :: 2])
