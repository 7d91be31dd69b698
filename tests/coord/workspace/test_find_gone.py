"""Looking for the processes that are gone."""

from coord.workspace.system import System
from projections.rules.liveness import ObserverHost, ProcessStatus
from tests.support.histories import anchor


class Looked:
    """A process table in which the processes with even pids are gone; it records which are looked up."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def process(self, pid: int) -> None:
        raise AssertionError("the start of a process is enough")

    def start_or_status(self, pid: int) -> ProcessStatus:
        self.pids.append(pid)
        return "free" if pid % 2 == 0 else "unknown"


def test_each_process_is_looked_up_once() -> None:
    table, here = Looked(), ObserverHost(anchor(1).machine, anchor(1).boot, anchor(1).pid_namespace)
    system = System({}, "", lambda: "", 1, lambda: here, lambda: table)
    gone = system.find_gone({"a": anchor(2), "b": anchor(2), "c": anchor(3), "d": anchor(2), "e": None})
    assert gone == dict.fromkeys("abd", "its process 2 is gone")
    assert sorted(table.pids) == [2, 3]
