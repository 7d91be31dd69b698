"""Moments of the past in a process that runs for a long time: its memory does not grow with the questions."""

import gc

from coord.engine.history.moments import Moments
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog.events import add_time
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


def test_few_states_of_earlier_questions_are_kept(repo: Repo) -> None:
    machine = SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")), *((100, ("heartbeat", f"step {n}")) for n in range(5))
    )
    system = machine.system(100, {})
    moments = Moments(system, find_workspace(system, None))
    gc.collect()
    gc.disable()
    try:
        for number in range(40):
            with moments.at(add_time(machine.now, -(number % 5) * 60)) as snapshot:
                assert snapshot.state.events == 6 - number % 5
        assert sum(isinstance(each, Snapshot) for each in gc.get_objects()) < 10
    finally:
        gc.enable()
