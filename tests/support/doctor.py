"""Run the checks of `coord doctor` and return what they find."""

from pathlib import Path
from typing import Any

from coord.admin.doctor.registry import run_checks
from coord.admin.doctor.subject import DoctorFinding, Subject
from tests.support.in_process import SimulatedMachine
from tests.support.processes import BIN, Shell
from tests.support.repositories import Repo


def findings(repo: Repo, check: str, shell: Shell | None = None, options: str = "") -> list[dict[str, Any]]:
    """Return the findings of one check."""
    result = (shell or repo.shell()).run(f"coord doctor --json {options}")
    assert result.err == ""
    rows = [row for row in result.json["findings"] if row["check"] == check]
    wrong = [row for row in result.json["findings"] if row["severity"] != "note"]
    assert (result.code != 0) == bool(wrong), "exit code 0 means that nothing is wrong"
    return rows


def commands(row: dict[str, Any]) -> list[str]:
    """Return the commands of the steps of a finding."""
    return [step["command"] for step in row["do"]]


def simulated(machine: SimulatedMachine, check: str) -> list[DoctorFinding]:
    """Return the findings of a check on a simulated machine."""
    _, rows = run_checks(Subject(machine.system(300, {"PATH": BIN}), None))
    return [finding for name, finding in rows if name == check]


def write_journal(repo: Repo) -> Path:
    """Start a session, write two heartbeats, and return the path of its journal."""
    shell = repo.shell()
    session = shell.start()
    shell.ok("coord heartbeat building api; coord heartbeat testing api")
    return repo.log / f"{session}.jsonl"
