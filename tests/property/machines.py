"""Simulated machines for attack 15: processes start, fork, end, become zombies and are hidden; pids are reused;
containers start, and machines boot.

A `SimulatedProcess` is one process from its start to its end, and `alive` is the truth about it. A `Namespace` is a pid
namespace: the process table that a command in it gets, which may hide processes. Nothing here uses the code under test,
except its types.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from coord.platform.processes import Process
from projections.rules.liveness import ObserverHost, ProcessStatus

PIDS = 14  # few, so that each is soon reused


@dataclass(eq=False)
class SimulatedProcess:
    """One process, from its start to its end."""

    space: "Namespace"
    pid: int
    ticks: int
    parent: int
    leader: int
    argv: tuple[str, ...]
    state: str = "S"

    @property
    def alive(self) -> bool:
        """Whether the process is running or stopped."""
        return self.state not in ("Z", "gone")


@dataclass(eq=False)
class Namespace:
    """A pid namespace: the process table that a command in it sees."""

    machine: "Machine"
    here: ObserverHost
    chance: Random
    rows: dict[int, SimulatedProcess] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)  # pids that a command may not inspect
    ended: bool = False
    last_pid: int = 1

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        row = self.rows.get(pid)
        if row is None or pid in self.hidden:
            return None
        return Process(pid, row.parent, row.leader, row.ticks, row.state, row.argv)

    def start_or_status(self, pid: int) -> ProcessStatus:
        """See `ProcessTable.look`. If the machine is `busy`, its processes may change after each look of a command."""
        row = self.rows.get(pid)
        seen: ProcessStatus = "free" if row is None else row.ticks if row.alive else "zombie"
        if row is not None and pid in self.hidden:
            seen = "unknown"
        if self.machine.busy and self.chance.random() < 0.2:
            self.machine.change_a_process()
        return seen

    def fork(self, parent: int, leader: int, *argv: str) -> SimulatedProcess:
        """Start a process with the next free pid. With `leader` 0 it leads a process session of its own."""
        pid = self._free_pid()
        self.machine.ticks += self.chance.choice((1, 1, 2, 300))
        made = SimulatedProcess(self, pid, self.machine.ticks, parent, leader or pid, argv)
        self.machine.born.append(made)
        self.rows[pid] = made
        self.hidden.discard(pid)
        return made

    def _free_pid(self) -> int:
        if not self.rows:
            return 1
        while self.last_pid % PIDS + 1 in self.rows:
            self.last_pid = self.last_pid % PIDS + 1
        self.last_pid = self.last_pid % PIDS + 1
        return self.last_pid

    def make_room(self, sparing: set[SimulatedProcess]) -> None:
        """Remove processes, zombies first, until a few more can start. Those in `sparing` stay."""
        others = [row for row in self.rows.values() if row.pid != 1 and row not in sparing]
        for row in sorted(others, key=lambda row: row.alive):
            if len(self.rows) <= PIDS - 4:
                return
            self.reap(row)

    def kill(self, row: SimulatedProcess) -> None:
        """End a process: it becomes a zombie, and its children become children of init."""
        row.state = "Z"
        for child in self.rows.values():
            child.parent = 1 if child.parent == row.pid else child.parent
        if row.pid == 1:
            self.end()

    def reap(self, row: SimulatedProcess) -> None:
        """Remove a process, so that its pid is free."""
        if row.alive:
            self.kill(row)
        row.state = "gone"
        self.rows.pop(row.pid, None)
        self.hidden.discard(row.pid)

    def end(self) -> None:
        """End all processes, and the namespace with them."""
        for row in self.rows.values():
            row.state = "gone"
        self.rows.clear()
        self.ended = True


class Machine:
    """A machine that can boot and start containers."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name, self.chance = name, chance
        self.boots, self.ticks = 0, 0
        self.running_command: SimulatedProcess | None = None  # the process of the running command
        self.busy = False  # whether processes change while the command runs
        self.born: list[SimulatedProcess] = []
        self.spaces: list[Namespace] = []
        self.boot()

    def boot(self) -> None:
        """End all processes and start again. Ticks and pids start from the beginning, so they repeat those before."""
        for space in self.spaces:
            space.end()
        self.boots, self.ticks, self.spaces = self.boots + 1, 0, []
        self._space(1, "", "init")

    def container(self, host: str, *first: str) -> Namespace:
        """Start a container with a first process. `host` is appended to the machine's name."""
        used = {space.here.pid_namespace for space in self.running}
        number = next(n for n in range(1, 100) if f"pid:[{n}]" not in used)  # the lowest free number, like the kernel
        return self._space(number, host, *first)

    def _space(self, number: int, host: str, *first: str) -> Namespace:
        here = ObserverHost(self.name + host, f"{self.name}-boot-{self.boots}", f"pid:[{number}]")
        made = Namespace(self, here, self.chance)
        made.fork(0, 0, *first)
        self.spaces.append(made)
        return made

    @property
    def running(self) -> list[Namespace]:
        """The namespaces that still exist."""
        return [space for space in self.spaces if not space.ended]

    def change_a_process(self) -> None:
        """Change a random process in a random way."""
        space = self.chance.choice(self.running)
        row = self.chance.choice(list(space.rows.values()))
        kind = self.chance.choice(("fork", "fork", "kill", "reap", "stop", "stop", "hide", "hide", "show"))
        if self.running_command and (
            row is self.running_command or (row.pid == 1 and space is self.running_command.space)
        ):
            return  # this would end the running command
        if kind == "fork" and len(space.rows) < PIDS - 2:
            space.fork(row.pid if row.alive else 1, self.chance.choice((0, row.leader)), *row.argv)
        elif kind == "kill" and row.alive and row is not self.init:
            space.kill(row)
        elif kind == "reap" and row is not self.init:
            space.reap(row)
        elif kind == "stop" and row.alive:
            row.state = self.chance.choice("TtDSRI")
        elif kind == "hide" and not self.running_command:
            space.hidden.add(row.pid)
        elif kind == "show" and not self.running_command:
            space.hidden.clear()

    @property
    def init(self) -> SimulatedProcess:
        """The first process of the machine, which ends only when the machine boots."""
        return self.spaces[0].rows[1]


class Register:
    """The sessions that the journals contain, and the process that each one really depends on."""

    def __init__(self, machines: list[Machine]) -> None:
        self.machines = machines
        self.process_of: dict[str, SimulatedProcess | None] = {}  # the process that each session was tied to last
        self.machine_of: dict[str, str] = {}  # the machine of each session
        self.ended: set[str] = set()  # the sessions recorded as dead, ended or continued
        self.deaths, self._events_read = 0, 0

    def dead(self, session: str) -> bool:
        """Whether the process of a session has really ended."""
        row = self.process_of[session]
        return row is not None and not row.alive

    def surely_dead(self, space: Namespace) -> set[str]:
        """The sessions that a command in `space` must find dead."""
        return {name for name, row in self.process_of.items() if surely_dead(row, space)}

    def read(self, events: list[dict[str, Any]]) -> str:
        """Read the new events, check that sessions presumed dead are dead, and return the author of the events."""
        new, self._events_read = events[self._events_read :], len(events)
        for event in new:
            said, by = event["event"], event["session"]
            if said["type"] == "session.presumed_dead":
                assert self.dead(said["session"]), f"{said['session']} lives, and was presumed dead: {said}"
                self.ended.add(said["session"])
                self.deaths += 1
                continue
            self.ended.discard(by)
            if said["type"] == "session.started":
                self.process_of[by], self.machine_of[by] = self._proc(said.get("anchor")), said["machine"]
                self.ended |= {said["continues"]} if said.get("continues") else set()
            elif said["type"] == "session.ended":
                self.ended.add(by)
        (author,) = {event["session"] for event in new} or {""}
        return str(author)

    def _proc(self, anchor: dict[str, Any] | None) -> SimulatedProcess | None:
        """The process that an anchor names."""
        for row in (row for machine in self.machines for row in machine.born if anchor):
            here = row.space.here
            known = {"machine": here.machine, "boot": here.boot, "pid_namespace": here.pid_namespace}
            if anchor == known | {"pid": row.pid, "start_ticks": row.ticks}:
                return row
        assert not anchor, f"no process is {anchor}"
        return None


def surely_dead(row: SimulatedProcess | None, space: Namespace) -> bool:
    """Whether a process has ended and a command in `space` must see that (rule 9)."""
    if row is None or row.alive or row.space.here.machine != space.here.machine:
        return False
    if row.space.here.boot != space.here.boot:
        return True
    return row.space is space and row.pid not in space.hidden
