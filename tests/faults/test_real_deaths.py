"""Attack 15 with real processes, namespaces and mounts (promise 5): only dead sessions are recorded as dead, and they
block nobody.

The cases: a zombie that is never reaped, a reused pid, a process whose first thread has ended, a time namespace that
shifts all start times, a /proc that hides processes of other users, and a container that replaces another.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import coord.platform.host
import coord.workspace.system
from coord.workspace.anchors import anchor_of, choose_anchor
from projections.rules.liveness import death_evidence
from tests.support.attacks import Tally
from tests.support.in_process import SimulatedMachine, process
from tests.support.processes import Shell, can_unshare, have, until
from tests.support.repositories import Repo
from tests.support.skip_marks import linux, mounts

pytestmark = pytest.mark.slow

TREE = Path(__file__).parents[2]
LAST_PID = "/proc/sys/kernel/ns_last_pid"
pids = pytest.mark.skipif(not can_unshare("--pid", "--fork", "--mount-proc"), reason="pid namespaces are not permitted")

# A program with a shell in a process session of its own; it types commands and reads the output.
DRIVER = """
import json, os, signal, subprocess, sys, time

class Typed:
    def __init__(self):
        self.bash = subprocess.Popen(["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, start_new_session=True, text=True)
        self.pid = self.bash.pid

    def run(self, command):
        self.bash.stdin.write(f"{command} </dev/null; echo end:$?\\n")
        self.bash.stdin.flush()
        lines = iter(self.bash.stdout.readline, "")
        said = []
        for line in lines:
            if line.startswith("end:"):
                return int(line[4:]), "".join(said)
            said.append(line)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

def tell(**facts):
    print(json.dumps(facts), flush=True)

"""


def driven(shell: Shell, script: str, wrapper: str = "") -> list[dict[str, Any]]:
    """Run a script with shells of its own; the JSON lines that it prints."""
    path = shell.folder / "driver.py"
    path.write_text(DRIVER + script)
    return [json.loads(line) for line in shell.ok(f"{wrapper} python3 {path}").splitlines()]


def outcome(shell: Shell, resource: str = "droplet x") -> str:
    """Claim a resource; the outcome."""
    return str(shell.run(f"coord claim {resource} --json").json["outcome"])


@linux
@pytest.mark.attack(15)
def test_a_zombie_that_is_never_reaped_is_dead(repo: Repo, tally: Tally) -> None:
    keeper, other = repo.shell(), repo.shell()
    other.start()
    path = keeper.folder / "driver.py"
    path.write_text(
        DRIVER
        + "one = Typed()\none.run('coord start; coord claim droplet x')\none.kill()\n"
        + "os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)\ntell(pid=one.pid)\nsignal.pause()\n"
    )
    keeper.begin(f"python3 {path}")
    until(lambda: "pid" in keeper.so_far(), "the zombie")
    pid = json.loads(keeper.so_far())["pid"]
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    assert f"its process {pid} has exited" in other.ok("coord status")
    assert outcome(other) == "granted"
    tally.did("real cases")


@pids
@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK), reason="the next pid cannot be chosen here")
@pytest.mark.attack(15)
def test_a_reused_pid_is_another_process(repo: Repo, tally: Tally) -> None:
    script = (
        "one = Typed()\nstarted = one.run('coord start --json')[1]\none.run('coord claim droplet x')\n"
        "one.kill()\none.bash.wait()\n"
        f"open('{LAST_PID}', 'w').write(str(one.pid - 1))\ntwo = Typed()\n"
        "tell(started=json.loads(started), pids=[one.pid, two.pid], who=two.run('coord whoami')[0])\n"
        "two.run('coord start')\ntell(claimed=json.loads(two.run('coord claim droplet x --json')[1]))\n"
    )
    told, claimed = driven(repo.shell(), script, "unshare --pid --fork --mount-proc")
    assert told["pids"][0] == told["pids"][1], "the kernel chose another pid"
    assert told["who"] == 3, "the second shell is not the first one's session"
    assert claimed["claimed"]["outcome"] == "granted"
    (death,) = repo.of_type("session.presumed_dead")
    assert death["event"]["session"] == told["started"]["session"]
    assert "another has that number" in death["event"]["evidence"]
    tally.did("real cases")


@linux
@pytest.mark.attack(15)
def test_a_process_lives_until_its_last_thread_has_ended(repo: Repo, tally: Tally) -> None:
    script = """
import ctypes, os, subprocess, threading, time
def rest():
    while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    print("only this thread is left", flush=True)
    while not os.path.exists("enough"):
        time.sleep(0.01)
    os._exit(subprocess.call(["coord", "heartbeat", "still", "here"]))
subprocess.run(["coord", "start", "--json"], check=True)
subprocess.run(["coord", "claim", "droplet", "x"], check=True)
threading.Thread(target=rest).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)  # exit, of this thread alone
"""
    one, other = repo.shell(), repo.shell()
    other.start()
    path = one.folder / "threads.py"
    path.write_text(script)
    one.begin(f"setsid python3 {path}; true")
    until(lambda: "only this thread is left" in one.so_far(), "the end of the first thread")
    assert "dead" not in other.ok("coord status")
    assert outcome(other) == "refused"
    (repo.root / "enough").touch()
    said = one.finish()
    assert "still here" in said.out, said
    assert repo.of_type("session.presumed_dead") == []
    assert outcome(other) == "granted", "its last thread has ended"
    tally.did("real cases")


@pytest.mark.skipif(not can_unshare("--time", "--boottime", "1000"), reason="time namespaces are not permitted here")
@pytest.mark.machine
@pytest.mark.attack(15)
def test_with_shifted_start_times_no_session_is_dead(repo: Repo, tally: Tally) -> None:
    one, other = repo.shell(), repo.shell(None, *"unshare --time --boottime 1000 bash --norc --noprofile".split())
    first, second = one.start(), other.start()
    one.ok("coord claim droplet x")
    other.ok("coord claim droplet y")
    assert outcome(other) == "refused"
    assert outcome(one, "droplet y") == "refused"
    assert "dead" not in other.ok("coord status") + one.ok("coord status")
    assert [shell.json("coord whoami")["session"] for shell in (one, other)] == [first, second]
    assert repo.of_type("session.presumed_dead") == []
    tally.did("real cases")


@mounts
@pytest.mark.skipif(not have("setpriv"), reason="no setpriv to give up what root may")
@pytest.mark.machine
@pytest.mark.attack(15)
def test_a_hidden_process_is_dead_only_after_it_ended(repo: Repo, tally: Tally) -> None:
    less = "setpriv --bounding-set=-all --inh-caps=-all bash --norc --noprofile"
    one, hide = repo.shell(), f"mount -t proc -o hidepid=invisible,gid=54321 proc /proc && exec {less}"
    other = repo.shell(None, "unshare", "--mount", "bash", "-c", hide)
    session = one.start()
    one.ok("coord claim droplet x")
    other.start()
    assert other.run(f"test -e /proc/{one.pid}").code == 1, "it can be seen"
    assert outcome(other) == "refused"
    assert "dead" not in other.ok("coord status")
    assert repo.of_type("session.presumed_dead") == []
    one.kill()
    until(lambda: not os.path.exists(f"/proc/{one.pid}"), "the end of the zombie")
    assert f"dead: {session}" in other.ok("coord status")
    assert outcome(other) == "granted"
    tally.did("real cases")


@pids
@pytest.mark.machine
@pytest.mark.attack(15)
def test_a_new_container_ends_only_its_namespace_number(repo: Repo, tally: Tally) -> None:
    script = (
        "one = Typed()\nsaid = one.run('coord start --json')[1]\nclaimed = json.loads(one.run('coord claim droplet x "
        "--json')[1])\ntell(space=os.readlink('/proc/self/ns/pid'), outcome=claimed['outcome'])\n"
    )
    outside = repo.shell()
    outside.start()
    (first,) = driven(repo.shell(), script, "unshare --pid --fork --mount-proc")
    assert outcome(outside) == "refused", "processes in a container cannot be seen from outside"
    (second,) = driven(repo.shell(), script, "unshare --pid --fork --mount-proc")
    assert first["outcome"] == "granted"
    assert second["outcome"] == ("granted" if first["space"] == second["space"] else "refused"), (first, second)
    tally.did("real cases")


@pytest.mark.parametrize("boots", [("boot-a", "boot-b"), ("boot-a", "boot-a")], ids=["two hosts", "one"])
def test_hosts_of_one_image_without_an_id_are_two_machines(
    monkeypatch: pytest.MonkeyPatch, boots: tuple[str, str]
) -> None:
    places = []
    for boot in boots:
        known = {"/etc/machine-id": "uninitialized", "/proc/sys/kernel/random/boot_id": boot}
        monkeypatch.setattr(coord.platform.host, "_read", lambda path, known=known: known.get(path, ""))
        places.append(coord.workspace.system.this_host())
    there, here = places
    assert (there.machine == here.machine) == (boots[0] == boots[1])
    if boots[0] != boots[1]:
        assert death_evidence(anchor_of(process(100, 1, 100, "bash"), there), here, lambda pid: "free") == ""


def test_an_orphan_in_a_container_is_not_its_first_process(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows = {1: process(1, 0, 1, "bash"), 50: process(50, 1, 50, "-bash"), 60: process(60, 1, 1, "bash")}
    first = machine.start(1)
    assert machine.run(60, "whoami", "--json").json["session"] == first, "its own subshell"
    assert machine.run(50, "whoami").code == 3, "a window of a multiplexer, or an orphan of another shell"
    assert machine.start(50) != first


def test_a_script_with_a_hidden_parent_is_not_an_anchor() -> None:
    script = process(25, 20, 20, "bash", "run.sh")
    for below in ([], [process(26, 25, 20, "bash", "-c", "x")]):
        parent = (below or [script])[0].pid
        assert choose_anchor([process(30, parent, 20, "python3", "/bin/coord"), *below, script]) is None
