"""`coord start`: what its answer says."""

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


def test_one_line_counts_everything_that_is_unread(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100, "--name", "ada")
    machine.start(200, "--name", "ben")
    machine.run(100, "claim", "port", "1")
    machine.run(200, "break", "port", "1", "--reason", "needed")
    machine.run(200, "send", "ada", "port 1", "I need it")
    machine.run(100, "end")
    text = machine.run(300, "start", "--continue", "ada").out
    assert text.count("unread") == 1
    assert "📬 2 unread" in text  # the message and the notice
