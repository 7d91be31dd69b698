"""Attack 9: a command is stopped with SIGSTOP at any step, until the claim of its session has expired.

If the stopped command does not hold the lock, other sessions can claim the resource. If it does, they are told which
process holds the lock and how to end it. After the command continues, there are never two holders, late writes are
refused, and the token of the old grant is invalid.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coord.platform.processes import system_process_table
from eventlog.events import Event, to_micros
from eventlog.local.writer import JournalWriter
from tests.support.attacks import Tally
from tests.support.in_process import SimulatedMachine
from tests.support.processes import GUARD_S, Result, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

TREE = Path(__file__).parents[2]
COMMANDS = ("renew {} --ttl 1m --token {}", "renew {} --ttl 1m", "claim {} --ttl 1m", "release {}", "heartbeat a b")
TTL_S = 60


class StoppedCommand:
    """A command in shell 100 that stops itself at one of its calls, unless it ends before."""

    def __init__(self, machine: SimulatedMachine, call: int, words: list[str]) -> None:
        self.clock = machine.repo.home / "clock"
        self.clock.write_text(machine.now)
        argv = [sys.executable, "-m", "tests.faults.stopping", str(machine.repo.root), str(self.clock), "100"]
        env = environment(machine.repo.home)
        self.child = subprocess.Popen(
            [*argv, str(call), *words], cwd=TREE, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.pid = self.child.pid
        seen = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert seen is not None
        self.is_stopped = seen.si_code == os.CLD_STOPPED

    def resume(self, now: str) -> tuple[Result, int]:
        """Continue the command at another time; its result, and the number of its calls."""
        self.clock.write_text(now)
        if self.is_stopped:
            os.kill(self.pid, signal.SIGCONT)
        out, err = self.child.communicate(timeout=GUARD_S)
        said, _, calls = err.rstrip("\n").rpartition("\n")
        return Result(out, said, self.child.returncode), int(calls)


def test_a_claim_does_not_expire_before_the_answer(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    append = JournalWriter.append

    def slowly(writer: JournalWriter, event: Event) -> None:
        append(writer, event)
        machine.wait(TTL_S + 1)

    for words in ("claim droplet/x --ttl 1m", "claim droplet/x --ttl 1m", "renew droplet/x --ttl 1m"):
        machine.run(100, "claim", "droplet/x", "--ttl", "1m")
        with monkeypatch.context() as patch:
            patch.setattr(JournalWriter, "append", slowly)
            told = machine.run(100, *words.split(), "--json")
        assert (told.code, told.err) == (0, ""), told
        assert told.json["token"], told
        assert told.json["until"], told


def two_holders(repo: Repo, resource: str) -> str:
    """The events that granted an exclusive claim while another session still held it; empty if there are none."""
    holder, until, wrong = "", 0, ""
    for event in repo.events():
        payload, at, by = event["event"], to_micros(event["at"]), event["session"]
        if payload.get("resource") == resource and payload.get("told") == "granted":
            wrong += f" {by}/{event['n']}" if at < until and by != holder else ""
            holder, until = by, max(until if by == holder else 0, at + TTL_S * 1_000_000)
        elif payload["type"] == "claim.renewed" and by == holder and at < until:
            until = at + TTL_S * 1_000_000
        elif payload["type"] == "claim.released" and by == holder:
            until = min(until, at)
    return wrong


@pytest.mark.attack(9)
def test_a_stopped_holder_never_leads_to_two_holders(repo: Repo, tally: Tally) -> None:
    repo.set(lock_wait_seconds=0.01)
    machine = SimulatedMachine(repo)
    session, other = machine.start(100), machine.start(200)
    journal, lock = repo.log / f"{session}.jsonl", repo.log / ".lock"
    most: dict[str, int] = {}
    for seed in tally.seeds:
        chance, resource = tally.chance(seed), f"droplet/d{seed}"
        told = machine.run(100, "claim", resource, "--ttl", "1m", "--json").json
        machine.wait(chance.uniform(0, 50))
        command = chance.choice(COMMANDS)
        words = command.format(resource, told["token"]).split()
        if command not in most:  # count the steps with a run that is not stopped
            most[command] = StoppedCommand(machine, 0, words).resume(machine.now)[1]
            told = machine.run(100, "claim", resource, "--ttl", "1m", "--json").json
            words = command.format(resource, told["token"]).split()
        before = journal.read_bytes()
        process = StoppedCommand(machine, chance.randint(1, most[command]), words)
        where = f"seed {seed}: {words}"
        try:
            written = journal.read_bytes() != before
            machine.wait(TTL_S + chance.uniform(0, 60))
            if process.is_stopped and (row := system_process_table().process(process.pid)):
                machine.table.rows[process.pid] = row
            taken = machine.run(200, "claim", resource, "--ttl", "1m", "--json")
            named = lock.read_bytes().strip()  # empty if it stopped before it wrote its pid
        finally:
            result, _ = process.resume(machine.now)
            machine.table.rows.pop(process.pid, None)
        tally.did("times" if process.is_stopped else "times too late to stop it")
        assert "Traceback" not in result.err, (where, result)
        assert two_holders(repo, resource) == "", where
        if taken.code == 4:
            assert process.is_stopped, (where, taken)
            if named:
                assert f"process {process.pid}" in taken.err, (where, taken)
                assert f"kill -KILL {process.pid}" in taken.err, (where, taken)
            else:
                assert "which one is unknown" in taken.err, (where, taken)
            assert "Nothing was written" in taken.err, (where, taken)
            tally.did("times with the lock")
            taken = machine.run(200, "claim", resource, "--ttl", "1m", "--json")
            assert taken.code == 0 or (taken.code, result.code, words[0]) == (1, 0, "claim"), (where, taken, result)
        else:
            assert taken.code == 0, (where, taken)
            expected = 0 if written or words[0] == "heartbeat" else 1
            assert result.code == expected, (where, written, result)
        (claim,) = machine.run(300, "claims", resource, "--json").json["claims"]
        assert claim["session"] == (other if taken.code == 0 else session), where
        assert claim["token"] > told["token"], where
        stale = machine.run(100, "renew", resource, "--ttl", "1m", "--token", str(told["token"]))
        assert stale.code == 1, (where, stale)
        assert two_holders(repo, resource) == "", where
    assert tally.done["times"] > tally.count // 2
    assert machine.run(100, "verify").code == 0
