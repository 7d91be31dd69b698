"""The hooks of agents in a folder with a remote: a write is agreed on before it happens, and what another machine holds
is not written.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machines import Machine
from tests.support.processes import Result

pytestmark = pytest.mark.slow


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Machine]]:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "hub.git")], check=True)
    made = [Machine(tmp_path / name, tmp_path / f"home-{name}", 1) for name in "ab"]
    try:
        for machine in made:
            machine.start()
            machine.ok("", "remote", "add", "git", str(tmp_path / "hub.git"))
        yield made
    finally:
        for machine in made:
            machine.kill_link()


def write(machine: Machine, name: str) -> Result:
    """Call the hook that runs before a write of Claude Code."""
    call = {
        "session_id": machine.agents[0],
        "hook_event_name": "PreToolUse",
        "cwd": str(machine.root),
        "tool_name": "Write",
        "tool_input": {"file_path": str(machine.root / name), "content": "x"},
        "permission_mode": "default",
    }
    return machine.run(machine.agents[0], "hook", "claude", data=json.dumps(call))


def test_of_two_writes_on_two_machines_one_is_denied(two: list[Machine]) -> None:
    a, b = two
    assert write(a, "app.py").code == 0
    denied = write(b, "app.py")
    assert denied.code == 2
    assert "app.py was not written, because it is claimed" in denied.err
    assert a.sessions[a.agents[0]] in denied.err
    assert write(b, "other.py").code == 0


def test_a_write_is_denied_while_nobody_can_be_asked(two: list[Machine], tmp_path: Path) -> None:
    a, _ = two
    (tmp_path / "hub.git").rename(tmp_path / "away.git")
    denied = write(a, "app.py")
    assert denied.code == 2
    assert "the other machines could not be asked" in denied.err
    assert 'offline = "provisional"' in denied.err
    a.set(offline="provisional")
    assert write(a, "app.py").code == 0
    (row,) = a.ok("", "claims", "--json").json["claims"]
    assert row["provisional_from"]


def test_the_edit_of_another_machine_is_not_judged_here(two: list[Machine]) -> None:
    """Its file is unchanged here, which says nothing about the edit there."""
    a, b = two
    (b.root / "app.py").write_text("old\n")
    assert write(a, "app.py").code == 0
    for _ in range(2):
        assert write(b, "app.py").code == 2
    assert b.run(b.agents[0], "claim", "file", "app.py").code == 1
