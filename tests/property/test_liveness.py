"""Attack 15: processes that end, become zombies, stop or are hidden; reused pids; containers; machines that boot;
conversations that a client resumes in another process. All of this also happens while a command runs.

The commands run inside the test, each in a process of a simulated machine (`tests.property.machines`), which knows the
truth. Promise 5 must hold:

- a session that is recorded or shown as dead is dead;
- where a death can be seen, the next command that writes records it, and the dead session blocks nobody;
- no claim of a live session goes to another session before it expires;
- a process acts as its own session, never as the session of a process that had the same pid before.
"""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from coord.cli.main import run
from coord.workspace.system import System
from eventlog.events import Instant, add_time, from_micros
from tests.property.machines import Machine, Namespace, Register, SimulatedProcess
from tests.support.attacks import Tally
from tests.support.in_process import NOON, SimulatedMachine, process
from tests.support.processes import Result
from tests.support.repositories import Repo
from tests.support.simulated_waits import name_sessions, simulate_waits

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
    """Something that runs commands: a shell, an agent's conversation, or a session without an anchor (`loose`)."""

    kind: str
    proc: SimulatedProcess
    env: dict[str, str]
    session: str = ""
    resumed: bool = False  # in another process, so that it can be another session


class Scene:
    """The machines, workers and sessions of one seed."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        repo.reset()
        self.repo, self.chance, self.now = repo, chance, NOON
        self.machines = [Machine("north", chance), Machine("south", chance)]
        self.workers: list[Worker] = []
        self.register = Register(self.machines)
        self.held: dict[str, tuple[str, Instant]] = {}  # the holder of each resource, and the end of its claim
        self.used: dict[str, Worker] = {}  # the worker of each session
        self.done: list[str] = []

    # --- actions ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        self.now = add_time(self.now, self.chance.choice((0, 0.5, 30, 61, 600)))
        kind = self.chance.choice(KINDS)
        machine = self.chance.choice((self.machines[0], *self.machines))
        self.done.append(f"{self.now} {kind}")
        living = [worker for worker in self.workers if worker.proc.alive]
        if kind == "command" and living:
            self.run_random_command(self.chance.choice(living))
        elif kind == "happens":
            machine.change_a_process()
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
        made = Worker(kind, self.new_process(kind), env)
        self.workers.append(made)
        self.run_random_command(made)

    def new_process(self, kind: str) -> SimulatedProcess:
        """Start a process for a worker, in a random namespace."""
        machine = self.chance.choice((self.machines[0], *self.machines))
        argv = ("claude",) if kind == "client" else ("-bash",)
        if len(machine.running) < 4 and self.chance.random() < 0.3:
            first = self.chance.choice((argv, ("tini",)))
            space = machine.container(self.chance.choice(("", "", "-container")), *first)
            if first == argv:
                return space.rows[1]
        # where the client is the first process, an orphan looks like a process that the client started
        space = self.chance.choice([space for space in machine.running if space.rows[1].argv != ("claude",)])
        space.make_room({worker.proc for worker in self.workers})
        return space.fork(1, 0, *argv)

    def resume(self, worker: Worker) -> None:
        """Continue a conversation in another process, whether or not the previous one still runs."""
        worker.proc, worker.resumed = self.new_process("client"), True
        self.run_random_command(worker)

    def death(self, row: SimulatedProcess, *, again: bool) -> None:
        """End a worker's process. With `again`, a process with the same arguments gets its pid at once."""
        space, machine = row.space, row.space.machine
        if row is machine.init:
            return
        if again or self.chance.random() < 0.5:
            space.reap(row)
        else:
            space.kill(row)
        if again and not space.ended:
            space.last_pid = row.pid - 1
            space.fork(row.parent, 0, *row.argv)

    # --- commands -------------------------------------------------------------------------------------------------

    def run_random_command(self, worker: Worker) -> None:
        """Run a random command as a worker. One without a session starts or continues one instead."""
        if not worker.session and worker.kind != "client":
            self.start_session(worker)
            return
        words = list(self.chance.choice(WORDS))
        if "" in words:
            words[1] = self.chance.choice(RESOURCES)
        env = worker.env | ({"COORD_SESSION": worker.session} if worker.kind == "loose" else {})
        result, before = self.type_command(worker, words, env)
        if result.code == 3 and worker.proc.alive and worker.kind != "client":
            ours = worker.session not in self.register.ended
            ours &= self.register.process_of[worker.session] is worker.proc
            assert not ours, f"a live worker has no session: {result}"
            worker.session = ""
        self.check_claim(words, result, before, worker.session)
        if words[0] == "end" and result.code == 0 and worker.kind != "client":
            worker.session = ""

    def start_session(self, worker: Worker) -> None:
        words = ["start", "--json", *(["--no-anchor"] if worker.kind == "loose" else [])]
        over = set(self.register.ended)
        olds = [name for name, by in self.used.items() if by.kind != "client"]  # an agent resumes its own session
        old = self.chance.choice([*olds, ""]) if self.chance.random() < 0.3 else ""
        result, _ = self.type_command(worker, [*words, *(["--continue", old] if old else [])], worker.env)
        assert result.code in ((0, 1) if old else (0,)), result
        if result.code == 0:
            assert not old or old in over or self.register.dead(old), f"{old} lives, and was continued"
            assert result.json["session"] == worker.session

    def type_command(self, worker: Worker, words: list[str], env: dict[str, str]) -> tuple[Result, set[str]]:
        """Run a command. Return its result, and the sessions that were surely dead both before and after it."""
        space = worker.proc.space
        space.hidden.discard(worker.proc.pid)  # a process can always see itself
        space.make_room({one.proc for one in self.workers})
        parent = worker.proc
        if self.chance.random() < 0.5:
            parent = space.fork(parent.pid, worker.proc.leader, "bash", "-c", "x")
        own = space.fork(parent.pid, worker.proc.leader, "python3", "/bin/coord")
        before = self.register.surely_dead(space)
        space.machine.running_command, space.machine.busy = own, self.chance.random() < 0.3
        self.done.append(f"{worker.kind} {worker.session} in {space.here} {worker.proc.pid}: {' '.join(words)}")
        result = self.run(space, own.pid, words, env)
        space.machine.running_command, space.machine.busy = None, False
        self.done[-1] += f" -> {result}"
        space.reap(own)
        before &= self.register.surely_dead(space)
        is_tied = parent.alive and self.register.process_of.get(worker.session, worker.proc) is not None
        author = self.register.read(self.repo.events())
        self.held = {what: holder for what, holder in self.held.items() if holder[0] not in self.register.ended}
        if author:
            self.check_author(worker, author, is_tied)
        elif words[0] == "whoami" and result.code == 0:
            assert worker.session == result.json["session"], f"is {result.json['session']}"
        unrecorded = before - self.register.ended - {author}
        assert not unrecorded or not author, f"dead and not recorded: {unrecorded}"
        self.check_status()
        return result, before

    def run(self, space: Namespace, pid: int, words: list[str], env: dict[str, str]) -> Result:
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
            machine.change_a_process()

    # --- checks ------------------------------------------------------------------------------------------

    def check_author(self, worker: Worker, session: str, is_tied: bool) -> None:
        """Check that the command acted as the worker's own session, tied to the worker's process."""
        if session != worker.session:
            moved = worker.session and self.register.machine_of[worker.session] != worker.proc.space.here.machine
            assert not worker.session or moved or worker.resumed, f"acted as {session}"
            assert session not in self.used, f"acted as {session}, which is another's"
            self.used[session] = worker
        worker.session, worker.resumed = session, False
        anchor = self.register.process_of[session]
        if worker.kind == "loose":
            assert anchor is None, f"{session} asked for no anchor"
        elif worker.proc.alive and is_tied:  # a worker that lost its process during the command is tied to none
            assert anchor is worker.proc, f"{session} is tied to another process than the one that ran the command"

    def check_status(self) -> None:
        """Check what `coord status` shows in a random namespace."""
        space = self.chance.choice([space for machine in self.machines for space in machine.running])
        result = self.run(space, 1, ["status", "--json"], {})
        assert result.code == 0, result
        gone = self.register.surely_dead(space)
        for row in result.json["sessions"]:
            assert row["status"] != "dead" or self.register.dead(row["id"]), f"{row['id']} lives, and is shown as dead"
            assert row["status"] not in ("live", "silent") or row["id"] not in gone, f"{row['id']} is dead, and shown"

    def check_claim(self, words: list[str], result: Result, before: set[str], me: str) -> None:
        """A grant takes nothing from another session, and a refusal names a session that may be alive."""
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
                assert one["session"] not in before, f"{one['session']} is dead, and blocks"
                assert one["until"] > said["at"], f"{one} has ended, and blocks"


@pytest.fixture
def scenes(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Callable[[Random], Scene]:
    """Build the scene of a seed, with predictable session ids and simulated waits, so that a seed repeats exactly."""

    def begin(chance: Random) -> Scene:
        name_sessions(monkeypatch, range(1000))
        scene = Scene(repo, chance)
        simulate_waits(monkeypatch, scene.while_waiting)
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
def test_only_the_dead_are_recorded_as_dead_in_a_few_cases(scenes: Callable[[Random], Scene], tally: Tally) -> None:
    play(scenes, tally, tally.seeds[:20])


def test_a_resumed_conversation_outlives_its_first_process(repo: Repo) -> None:
    machine, env = SimulatedMachine(repo), {"CLAUDE_CODE_SESSION_ID": "conversation"}
    machine.table.rows |= {pid: process(pid, 1, pid, "claude") for pid in (1000, 2000)}
    own = {
        pid: machine.run(pid, "claim", "droplet", f"x{pid}", "--json", **env).json["session"] for pid in (1000, 2000)
    }
    for pid in (2000, 1000, 2000):  # both run for a while, each as its own session
        assert machine.run(pid, "heartbeat", "a", "b", "--json", **env).json["session"] == own[pid]
    anchors = [event["event"]["anchor"]["pid"] for event in repo.of_type("session.started")]
    assert anchors == [1000, 2000]
    del machine.table.rows[1000]
    machine.start(100)
    assert machine.run(100, "claim", "droplet", "x1000", "--json").json["outcome"] == "granted"
    refused = machine.run(100, "claim", "droplet", "x2000", "--json").json
    assert (refused["outcome"], refused["obstacles"][0]["session"]) == ("refused", own[2000])


@pytest.mark.machine
@pytest.mark.attack(15)
@pytest.mark.parametrize("part", [0, 1])
def test_exactly_the_dead_sessions_are_recorded_as_dead(
    scenes: Callable[[Random], Scene], tally: Tally, part: int
) -> None:
    play(scenes, tally, tally.seeds[20 + part :: 2])
