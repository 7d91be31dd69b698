"""Machines that exist only in a test: processes that begin, fork, end, stay as zombies, hide; pids that are used again;
containers, and machines that boot. For attack 15.

What is true is known here, without asking anything of ours: a `Proc` is one process from its birth to its end, and
`alive` says whether it still runs. What a command can see of it is another matter: a `Space`, which is one pid
namespace, is the process table that it is given.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from coord.platform.processes import Process
from projections.rules.liveness import ObserverHost, ProcessStatus

PIDS = 14  # so few that each is soon used again


@dataclass(eq=False)
class Proc:
    """One process, from its birth to its end."""

    space: "Space"
    pid: int
    ticks: int
    parent: int
    leader: int
    argv: tuple[str, ...]
    state: str = "S"

    @property
    def alive(self) -> bool:
        """Whether it runs, or could if it were let: a stopped process lives."""
        return self.state not in ("Z", "gone")


@dataclass(eq=False)
class Space:
    """A pid namespace: what a command in it sees of the processes in it."""

    machine: "Machine"
    here: ObserverHost
    chance: Random
    rows: dict[int, Proc] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)  # pids that may not be looked at
    over: bool = False
    last_pid: int = 1

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        row = self.rows.get(pid)
        if row is None or pid in self.hidden:
            return None
        return Process(pid, row.parent, row.leader, row.ticks, row.state, row.argv)

    def start_or_status(self, pid: int) -> ProcessStatus:
        """See `ProcessTable.start_or_status`. Now and then something happens between two readings of a command."""
        row = self.rows.get(pid)
        seen: ProcessStatus = "free" if row is None else row.ticks if row.alive else "zombie"
        if row is not None and pid in self.hidden:
            seen = "unknown"
        if self.machine.busy and self.chance.random() < 0.2:
            self.machine.something_happens()
        return seen

    def fork(self, parent: int, leader: int, *argv: str) -> Proc:
        """A new process, with the next pid that is free; `leader` 0 makes it lead a process session of its own."""
        pid = self._free_pid()
        self.machine.ticks += self.chance.choice((1, 1, 2, 300))
        made = Proc(self, pid, self.machine.ticks, parent, leader or pid, argv)
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

    def make_room(self, sparing: set[Proc]) -> None:
        """Let processes go, zombies first, until a few more can begin."""
        others = [row for row in self.rows.values() if row.pid != 1 and row not in sparing]
        for row in sorted(others, key=lambda row: row.alive):
            if len(self.rows) <= PIDS - 4:
                return
            self.reap(row)

    def kill(self, row: Proc) -> None:
        """End a process; whoever it had are init's now. It stays as a zombie until its parent looks."""
        row.state = "Z"
        for child in self.rows.values():
            child.parent = 1 if child.parent == row.pid else child.parent
        if row.pid == 1:
            self.end()

    def reap(self, row: Proc) -> None:
        """Take a process away altogether: its pid is free."""
        if row.alive:
            self.kill(row)
        row.state = "gone"
        self.rows.pop(row.pid, None)
        self.hidden.discard(row.pid)

    def end(self) -> None:
        """All processes end, and the namespace with them."""
        for row in self.rows.values():
            row.state = "gone"
        self.rows.clear()
        self.over = True


class Machine:
    """A machine, its boots and its containers."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name, self.chance = name, chance
        self.boots, self.ticks = 0, 0
        self.acting: Proc | None = None  # the command that runs
        self.busy = False  # whether something happens while it runs
        self.born: list[Proc] = []
        self.spaces: list[Space] = []
        self.boot()

    def boot(self) -> None:
        """All processes end; ticks and pids begin again, so that they are those of the boot before."""
        for space in self.spaces:
            space.end()
        self.boots, self.ticks, self.spaces = self.boots + 1, 0, []
        self._space(1, "", "init")

    def container(self, host: str, *first: str) -> Space:
        """A container with a process that is the first in it; `host` is added to the machine's name."""
        used = {space.here.pid_namespace for space in self.running}
        number = next(n for n in range(1, 100) if f"pid:[{n}]" not in used)  # as the kernel does: the lowest is next
        return self._space(number, host, *first)

    def _space(self, number: int, host: str, *first: str) -> Space:
        here = ObserverHost(self.name + host, f"{self.name}-boot-{self.boots}", f"pid:[{number}]")
        made = Space(self, here, self.chance)
        made.fork(0, 0, *first)
        self.spaces.append(made)
        return made

    @property
    def running(self) -> list[Space]:
        """The namespaces that are not over."""
        return [space for space in self.spaces if not space.over]

    def something_happens(self) -> None:
        """Something that happens to a process, to any of them."""
        space = self.chance.choice(self.running)
        row = self.chance.choice(list(space.rows.values()))
        kind = self.chance.choice(("fork", "fork", "kill", "reap", "stop", "stop", "hide", "hide", "show"))
        if self.acting and (row is self.acting or (row.pid == 1 and space is self.acting.space)):
            return  # that would be the end of the command too
        if kind == "fork" and len(space.rows) < PIDS - 2:
            space.fork(row.pid if row.alive else 1, self.chance.choice((0, row.leader)), *row.argv)
        elif kind == "kill" and row.alive and row is not self.init:
            space.kill(row)
        elif kind == "reap" and row is not self.init:
            space.reap(row)
        elif kind == "stop" and row.alive:
            row.state = self.chance.choice("TtDSRI")
        elif kind == "hide" and not self.acting:
            space.hidden.add(row.pid)
        elif kind == "show" and not self.acting:
            space.hidden.clear()

    @property
    def init(self) -> Proc:
        """The process that ends with the boot only."""
        return self.spaces[0].rows[1]


class Register:
    """The sessions as their journals tell of them, and the processes that they truly live with."""

    def __init__(self, machines: list[Machine]) -> None:
        self.machines = machines
        self.lives_with: dict[str, Proc | None] = {}  # each session, and the process that it was tied to last
        self.began_on: dict[str, str] = {}  # each session, and its machine
        self.over: set[str] = set()  # those that are recorded as dead, ended or continued
        self.deaths, self._heard = 0, 0

    def dead(self, session: str) -> bool:
        """Whether a session is truly dead."""
        row = self.lives_with[session]
        return row is not None and not row.alive

    def surely_over(self, space: Space) -> set[str]:
        """The sessions that whoever is in `space` is bound to see dead."""
        return {name for name, row in self.lives_with.items() if surely_over(row, space)}

    def hear(self, events: list[dict[str, Any]]) -> str:
        """Take in what was written since, by one session, which is given back. Whoever was presumed dead is dead."""
        new, self._heard = events[self._heard :], len(events)
        for event in new:
            said, by = event["event"], event["session"]
            if said["type"] == "session.presumed_dead":
                assert self.dead(said["session"]), f"{said['session']} lives, and was presumed dead: {said}"
                self.over.add(said["session"])
                self.deaths += 1
                continue
            self.over.discard(by)
            if said["type"] == "session.started":
                self.lives_with[by], self.began_on[by] = self._proc(said.get("anchor")), said["machine"]
                self.over |= {said["continues"]} if said.get("continues") else set()
            elif said["type"] == "session.ended":
                self.over.add(by)
        (author,) = {event["session"] for event in new} or {""}
        return str(author)

    def _proc(self, anchor: dict[str, Any] | None) -> Proc | None:
        """The process that an anchor names."""
        for row in (row for machine in self.machines for row in machine.born if anchor):
            here = row.space.here
            known = {"machine": here.machine, "boot": here.boot, "pid_namespace": here.pid_namespace}
            if anchor == known | {"pid": row.pid, "start_ticks": row.ticks}:
                return row
        assert not anchor, f"no process is {anchor}"
        return None


def surely_over(row: Proc | None, space: Space) -> bool:
    """Whether a process is over, and a command in `space` is bound to see it: rule 9 in plain words."""
    if row is None or row.alive or row.space.here.machine != space.here.machine:
        return False
    if row.space.here.boot != space.here.boot:
        return True
    return row.space is space and row.pid not in space.hidden
