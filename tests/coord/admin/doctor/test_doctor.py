"""`coord doctor` finds each thing that can be wrong, made here with real files and processes, says what to do, the
safest first, and changes nothing.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coord.engine.checkpoint
from coord.admin.doctor import folder, installation, sessions
from coord.admin.doctor.registry import CHECKS, run_checks
from coord.admin.doctor.subject import DoctorFinding, Subject
from coord.workspace.paths import find_workspace
from eventlog.codec import MAX_LINE, NO_HASH, encode_line, line_hash
from eventlog.events import VERSION, Event, SessionStarted, add_time
from eventlog.local.files import ARCHIVE_FOLDER
from projections.rules.liveness import ObserverHost
from tests.support.histories import Story, anchor
from tests.support.in_process import HERE, NOON, Inside
from tests.support.locks import hold_lock, is_free
from tests.support.processes import BIN, COORD, Shell, environment, until
from tests.support.repositories import Repo
from tests.support.skip_marks import mounts


def found(repo: Repo, check: str, shell: Shell | None = None, options: str = "") -> list[dict[str, Any]]:
    """What one check finds."""
    result = (shell or repo.shell()).run(f"coord doctor --json {options}")
    assert result.err == ""
    rows = [row for row in result.json["findings"] if row["check"] == check]
    wrong = [row for row in result.json["findings"] if row["severity"] != "note"]
    assert (result.code != 0) == bool(wrong), "exit 0 is: nothing is wrong"
    return rows


def commands(row: dict[str, Any]) -> list[str]:
    return [step["command"] for step in row["do"]]


def test_a_folder_in_which_nothing_is_wrong(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    before = {path: path.stat().st_mtime_ns for path in repo.root.rglob("*")}
    result = shell.run("coord doctor")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"✅ {len(CHECKS)} checks, nothing ")
    assert {path: path.stat().st_mtime_ns for path in repo.root.rglob("*")} == before, "it changes nothing"
    data = shell.json("coord doctor")
    assert data["checks"] == list(CHECKS)
    assert [row for row in data["findings"] if row["severity"] != "note"] == []


def test_a_fresh_clone_and_an_empty_log_are_fine(repo: Repo) -> None:
    assert repo.shell().run("coord doctor").code == 0
    shutil.rmtree(repo.log)
    assert repo.shell().run("coord doctor").code == 0
    assert not repo.log.exists()


def test_without_init_it_says_so_and_checks_the_installation(bare_repo: Repo) -> None:
    result = bare_repo.shell().run("coord doctor")
    assert (result.code, result.err) == (4, "")
    assert "there is no COORDINATION/ here" in result.out
    assert "coord init" in result.out
    data = bare_repo.shell().run("PATH=/usr/bin:/bin " + COORD + " doctor --json").json
    assert data["checks"] == ["folder", "installation", "python"]
    assert [row["check"] for row in data["findings"]] == ["folder", "installation"]


def test_a_log_that_cannot_be_used_is_4_and_the_rest_is_checked(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    shutil.rmtree(repo.log)
    (repo.folder / "scripts" / "session-claim.sh").unlink()
    result = shell.run("coord doctor")
    assert result.code == 4
    assert "the log cannot be used" in result.out
    assert "It held 1 journal" in result.out
    assert "scripts/session-claim.sh" in result.out


def test_an_unreadable_archive_is_no_loss_and_stops_everyone(repo: Repo) -> None:
    """What is held by those in it cannot be told, so nobody is granted anything."""
    shell = repo.shell()
    shell.start()
    (repo.log / ARCHIVE_FOLDER).write_text("no folder")
    for command in ("status", "claim droplet x", "verify", "archive"):
        result = shell.run(f"coord {command}")
        assert (result.code, result.out) == (4, ""), command
        assert "cannot read the archived journals" in result.err
        assert "coord doctor" in result.err
    assert found(repo, "log")[0]["severity"] == "serious"
    (repo.log / ARCHIVE_FOLDER).unlink()
    assert shell.run("coord claim droplet x").err == ""


def test_the_worst_comes_first_and_every_advice_is_bounded(repo: Repo) -> None:
    for n in range(30):
        (repo.log / f"broken-{n}.jsonl").write_bytes(b"nonsense\n")
    (repo.folder / "scripts" / "session-claim.sh").unlink()
    shell = repo.shell()
    rows = shell.run("coord doctor --json").json["findings"]
    order = {"serious": 0, "warning": 1, "note": 2}
    assert [order[row["severity"]] for row in rows] == sorted(order[row["severity"]] for row in rows)
    assert len(rows) > 30
    text = shell.run("coord doctor").out
    assert text.count("🔴") == 20
    assert "more: --json shows all" in text


# --- the journals -----------------------------------------------------------------------------------------------------


def journal(repo: Repo) -> Path:
    shell = repo.shell()
    session = shell.start()
    shell.ok("coord heartbeat building api; coord heartbeat testing api")
    return repo.log / f"{session}.jsonl"


def test_damage(repo: Repo) -> None:
    path = journal(repo)
    path.write_bytes(path.read_bytes().replace(b"building", b"bullding"))
    (row,) = found(repo, "damage")
    assert row["what"] == f"log/{path.name} is damaged"
    assert row["evidence"].startswith("line 2, byte ")
    assert row["severity"] == "serious"
    assert commands(row)[0].startswith("cp -a "), "first of all, keep what is there"


@pytest.mark.parametrize(
    "data", [b"", b"stray", b"junk\n", b"x" * (MAX_LINE + 1)], ids=["empty", "tear", "line", "long"]
)
def test_a_file_that_is_no_journal_is_named_and_when_it_is_moved_out_all_is_well(repo: Repo, data: bytes) -> None:
    shell, stray = repo.shell(), repo.log / "stray.jsonl"
    shell.start()
    stray.write_bytes(data)
    shell.ok("coord heartbeat building api")
    (row,) = found(repo, "damage")
    assert row["what"].startswith("log/stray.jsonl ")
    assert row["severity"] == ("serious" if len(data) > 5 or data.endswith(b"\n") else "note")
    assert commands(row)[-1] == f"mv {stray} ~/"
    shell.ok(commands(row)[-1])
    shell.ok("coord heartbeat building api")
    assert shell.run("coord doctor").code == 0
    assert shell.run("coord verify").code == 0


def test_a_journal_that_cannot_be_read(repo: Repo) -> None:
    (repo.log / "strange.jsonl").mkdir()
    (row,) = found(repo, "damage")
    assert row["evidence"] == "it is not a regular file"


@pytest.mark.parametrize("change", ["cut back", "gone"])
def test_rewinds(repo: Repo, change: str) -> None:
    path = journal(repo)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]) if change == "cut back" else path.unlink()
    (row,) = found(repo, "rewinds")
    assert row["what"] == f"log/{path.name} was rewound"
    assert "3 lines were read before" in row["evidence"]
    assert commands(row)[0].startswith("cp -a ")


def test_a_journal_in_two_places(repo: Repo) -> None:
    path = journal(repo)
    (repo.log / ARCHIVE_FOLDER).mkdir()
    shutil.copy(path, repo.log / ARCHIVE_FOLDER)
    (row,) = found(repo, "two places")
    assert commands(row)[0].startswith("cmp ")
    for command in commands(row):
        repo.shell().ok(command)
    assert found(repo, "two places") == []


@pytest.mark.parametrize("fault", ["damaged", "different"])
def test_a_checkpoint(repo: Repo, fault: str) -> None:
    journal(repo)
    cache = repo.folder / ".cache"
    if fault == "damaged":
        (cache / "checkpoint").write_bytes(b"nonsense")
    else:
        saved, folded = coord.engine.checkpoint.load(str(cache))
        assert folded is not None
        folded.state.events = 99
        coord.engine.checkpoint.save(str(cache), saved.seen, [], folded)
    (row,) = found(repo, "checkpoint")
    assert row["severity"] == ("warning" if fault == "damaged" else "serious")
    repo.shell().ok(commands(row)[0])
    assert found(repo, "checkpoint") == []


def test_events_of_a_newer_version(repo: Repo) -> None:
    path = journal(repo)
    last = repo.events()[-1]
    body = (
        f'{{"v":2,"at":"{last["at"][:-7]}999999Z","session":"{path.stem}","n":4,"event":{{"type":"spell.cast"}}'
    ).encode()
    data = path.read_bytes()
    path.write_bytes(data + body + b',"hash":"' + line_hash(data[-35:-3], body) + b'"}\n')
    (row,) = found(repo, "newer events")
    assert row["evidence"] == "1 event spell.cast"
    assert commands(row)[0].startswith("git pull && uv tool install "), "as the README installs it"


def test_what_crashes_left_behind_is_a_note(repo: Repo) -> None:
    path = journal(repo)
    path.write_bytes(path.read_bytes() + b'{"v":1')
    shell = repo.shell()
    shell.ok(f"coord heartbeat a b --session {path.stem}")
    Path(f"{path}.sealed").touch()
    rows = found(repo, "leftovers")
    assert [row["severity"] for row in rows] == ["note", "note"]
    assert f"{path.stem}-1.torn" in rows[0]["evidence"]
    assert f"{path.name}.sealed" in rows[1]["evidence"]


# --- clocks and the lock ----------------------------------------------------------------------------------------------


def inside(machine: Inside, check: str) -> list[DoctorFinding]:
    """What a check finds on a machine with a clock and processes of the test's."""
    _, rows = run_checks(Subject(machine.system(300, {"PATH": BIN}), None))
    return [symptom for name, symptom in rows if name == check]


def test_a_clock_that_is_behind_the_log(repo: Repo) -> None:
    machine = Inside(repo)
    machine.start(100)
    assert inside(machine, "clocks") == []
    machine.wait(-7200)
    (symptom,) = inside(machine, "clocks")
    assert "2 h behind the log" in symptom.evidence
    assert symptom.do[0].command == "date -u"


def test_another_machines_clock_that_is_ahead(repo: Repo) -> None:
    machine = Inside(repo)
    line, _ = encode_line(
        Event(v=VERSION, at=add_time(NOON, 7200), session="from-afar", n=1, payload=SessionStarted(machine="south")),
        NO_HASH,
    )
    (repo.log / "from-afar.jsonl").write_bytes(line)
    (symptom,) = inside(machine, "clocks")
    assert symptom.what == "log/from-afar.jsonl comes from a machine whose clock is ahead"


@pytest.mark.parametrize("stopped", [True, False])
def test_a_process_that_keeps_the_lock(repo: Repo, stopped: bool) -> None:
    shell = repo.shell()
    shell.start()
    pid = hold_lock(shell, repo.log / ".lock")
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    (row,) = found(repo, "lock")
    assert row["severity"] == ("serious" if stopped else "warning")
    assert f"process {pid}" in row["evidence"]
    expected = f"kill -CONT {pid}" if stopped else f"ps -o pid,ppid,stat,lstart,args -p {pid}"
    assert commands(row)[0] == expected, "the safest first"
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_free(repo.log / ".lock"), "the lock's end")
    assert found(repo, "lock") == []


def test_a_lock_that_is_no_file(repo: Repo) -> None:
    journal(repo)
    (repo.log / ".lock").unlink()
    (repo.log / ".lock").mkdir()
    (row,) = found(repo, "lock")
    assert row["severity"] == "serious"


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_sessions_whose_death_nobody_would_notice(repo: Repo) -> None:
    shell = repo.shell()
    session = shell.json("coord start --no-anchor")["session"]
    (row,) = found(repo, "anchors")
    assert row["severity"] == "note"
    assert session in row["evidence"]
    shell.ok(f"coord claim droplet x --session {session}")
    (row,) = found(repo, "anchors")
    assert row["severity"] == "warning"
    assert row["what"].endswith("; 1 of them with claims, which would stand until they expire")
    assert commands(row)[0] == "coord status"


def test_why_an_anchor_cannot_be_checked() -> None:
    state = Story("amber").state()
    session = state.sessions["amber"]
    here = ObserverHost("north", "boot-1", "ns")
    assert sessions.undetectable_reason(session, here, 100) == ""
    assert sessions.undetectable_reason(session, here, "free") == "", "that it is gone can be seen"
    assert sessions.undetectable_reason(session, ObserverHost("north", "boot-2", "other"), "unknown") == "", (
        "so can another boot"
    )
    assert "may not be looked at" in sessions.undetectable_reason(session, here, "unknown")
    assert "another machine" in sessions.undetectable_reason(session, ObserverHost("south", "boot-1", "ns"), 100)
    assert "another container" in sessions.undetectable_reason(session, ObserverHost("north", "boot-1", "other"), 100)
    assert "does not tell" in sessions.undetectable_reason(session, ObserverHost("north", "", ""), 100)
    session.anchor = None
    assert "without a process" in sessions.undetectable_reason(session, here, 100)


def test_a_silent_session_that_holds_something(repo: Repo) -> None:
    machine = Inside(repo)
    session = machine.start(100, "--name", "api")
    machine.run(100, "claim", "droplet", "x")
    machine.wait(14 * 60)
    assert inside(machine, "silence") == []
    machine.wait(61)
    (symptom,) = inside(machine, "silence")
    assert symptom.what == f"{session} (api) is silent and holds 1 claim"
    assert "holds droplet/x" in symptom.evidence
    assert [step.command.split()[1] for step in symptom.do] == ["status", "send", "break"]


def test_two_sessions_of_one_process() -> None:
    story = Story("amber", "brown", "coral")
    one = anchor(7)
    for name, conversation in (("amber", ""), ("brown", ""), ("coral", "its own")):
        story.tell(5 + 0.1 * len(name + conversation), name, SessionStarted(anchor=one, client_session=conversation))
    (pair,) = sessions.sessions_by_shared_anchor(story.state())
    assert {session.id for session in pair} == {"amber", "brown"}, "a conversation is known by its variable"


def test_two_sessions_of_one_shell_are_told(repo: Repo) -> None:
    machine = Inside(repo)
    first = machine.start(100)
    two = machine.system(100, {})
    workspace = find_workspace(two, None)
    hello = SessionStarted(machine=HERE.machine, folder=workspace.recorded, anchor=anchor_of_shell(repo, first))
    line, _ = encode_line(Event(v=VERSION, at=add_time(NOON, 1), session="second-one", n=1, payload=hello), NO_HASH)
    (repo.log / "second-one.jsonl").write_bytes(line)
    machine.wait(5)
    (symptom,) = inside(machine, "one anchor")
    assert first in symptom.evidence
    assert symptom.do[0].command == "export COORD_SESSION=second-one"


def anchor_of_shell(repo: Repo, session: str) -> Any:
    import msgspec

    from eventlog.events import Anchor

    (started,) = [event for event in repo.events() if event["session"] == session]
    return msgspec.convert(started["event"]["anchor"], Anchor)


# --- the folder -------------------------------------------------------------------------------------------------------


def test_settings_that_cannot_be_understood(repo: Repo) -> None:
    (repo.folder / "config.toml").write_text("claim_hours = 'many'")
    (row,) = found(repo, "settings")
    assert row["severity"] == "serious"
    repo.shell().ok(commands(row)[-1])
    assert found(repo, "settings") == []


def test_scripts(repo: Repo) -> None:
    folder = repo.folder / "scripts"
    (folder / "session-claim.sh").unlink()
    (folder / "session-start.sh").chmod(0o644)
    (folder / "session-status.sh").write_text("#!/bin/sh\necho mine\n")
    rows = {row["what"].split(" ", 2)[2]: row for row in found(repo, "scripts")}
    assert {what: row["evidence"].partition(": ")[0] for what, row in rows.items()} == {
        "missing or not readable": "scripts/session-claim.sh",
        "not executable": "scripts/session-start.sh",
        "not as this version ships them": "scripts/session-status.sh",
    }
    for row in rows.values():
        repo.shell().ok(commands(row)[0])
    assert found(repo, "scripts") == []
    assert (folder / "session-status.sh.orig").exists()


def test_another_folder_below_and_above(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("mkdir -p parts/api && cd parts/api && coord init --here")
    (below,) = found(repo, "nested")
    assert str(repo.root / "parts/api/COORDINATION") in below["evidence"]
    (above,) = found(repo, "nested", options="--root parts/api")
    assert str(repo.folder) in above["evidence"]
    shell.ok("mkdir -p vendor/lib && cd vendor/lib && git init -q && coord init")
    assert found(repo, "nested") == [below], "another repository has a folder of its own by right"


def test_a_worktree_with_a_log_of_its_own(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start; git add -A; git commit -qm all; git worktree add -q ../other")
    assert found(repo, "worktrees") == [], "the committed folder is checked out there, and not used"
    shell.ok("cd ../other && mkdir COORDINATION/log && coord start --new --root COORDINATION")
    (row,) = found(repo, "worktrees")
    assert "other/COORDINATION/log has 1 journal" in row["evidence"]


@pytest.mark.parametrize("live", [True, False])
def test_a_log_that_git_tracks(repo: Repo, live: bool) -> None:
    shell = repo.shell()
    shell.ok("coord init --track; coord start; git add -A; git commit -qm all")
    if not live:
        shell.ok("coord end")
    (row,) = found(repo, "tracked")
    assert row["severity"] == ("warning" if live else "note")
    if live:
        assert commands(row)[0].startswith("cp -a ")
        shell.ok(commands(row)[1])
        assert found(repo, "tracked") == []
        assert list(repo.log.glob("*.jsonl"))


def test_a_log_that_nothing_hides_from_git(repo: Repo) -> None:
    assert found(repo, "ignored") == []
    (repo.folder / ".gitignore").unlink()
    (row,) = found(repo, "ignored")
    repo.shell().ok(commands(row)[0])
    assert found(repo, "ignored") == []
    (repo.folder / ".gitignore").write_text("something else\n")
    (row,) = found(repo, "ignored")
    repo.shell().ok(commands(row)[1])
    assert found(repo, "ignored") == []


def test_git_is_not_needed(repo: Repo) -> None:
    bin_ = repo.home / "bin"
    bin_.mkdir()
    (bin_ / "coord").symlink_to(COORD)
    (repo.folder / ".gitignore").unlink()
    assert found(repo, "ignored") != []
    result = repo.shell().run(f"PATH={bin_} coord doctor --json")
    assert [row for row in result.json["findings"] if row["check"] in ("ignored", "tracked")] == []


# --- the file system --------------------------------------------------------------------------------------------------


@mounts
def test_a_read_only_file_system(repo: Repo) -> None:
    shell = repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")
    shell.ok("mount --bind COORDINATION COORDINATION && mount -o remount,bind,ro COORDINATION")
    (row,) = found(repo, "permissions", shell)
    assert row["what"] == "the log is on a read-only file system"


@pytest.mark.parametrize("what", ["log", "log/.lock", "journal", ".cache", "STATUS_BOARD.md"])
def test_what_may_not_be_written(repo: Repo, what: str) -> None:
    path = journal(repo) if what == "journal" else repo.folder / what
    if what != "journal":
        journal(repo)
    for one in (repo.folder, *repo.folder.rglob("*")):
        os.chown(one, 65534, 65534) if os.geteuid() == 0 else None
    path.chmod(0o555 if path.is_dir() else 0o444)
    (symptom,) = as_nobody(lambda: list(folder.permissions(Subject(Inside(repo).system(300, {}), None))), repo)
    assert str(path) in symptom.evidence or path.name in symptom.evidence
    assert symptom.severity == ("serious" if "log" in str(path.relative_to(repo.folder)) else "warning")
    assert symptom.do[0].command.startswith("ls -ld")
    assert list(repo.folder.rglob("*probe*")) == []


def as_nobody(look: Callable[[], Any], repo: Repo) -> Any:
    """Root may do everything: look as another user, who can reach the folder from where he is."""
    if os.geteuid() != 0:
        return look()
    for parent in repo.folder.parents:
        if parent.stat().st_mode & 0o005 != 0o005:
            try:
                parent.chmod(parent.stat().st_mode | 0o055)
            except OSError:
                pytest.skip("nobody can reach the folder")
    os.seteuid(65534)
    try:
        return look()
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root in another's folder")
def test_root_in_another_users_folder(repo: Repo) -> None:
    assert found(repo, "owner") == []
    os.chown(repo.folder, 65534, 65534)
    (row,) = found(repo, "owner")
    assert "belongs to user 65534" in row["evidence"]


@mounts
def test_a_disk_that_is_nearly_full(repo: Repo) -> None:
    shell = repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")
    shell.ok("mount -t tmpfs -o size=20m tmpfs COORDINATION/log")
    (row,) = found(repo, "disk", shell)
    assert row["severity"] == "warning"
    shell.ok("head -c 20500000 /dev/zero > COORDINATION/log/filler")
    (row,) = found(repo, "disk", shell)
    assert row["severity"] == "serious"
    shell.ok("umount COORDINATION/log; mount -t tmpfs -o size=200m,nr_inodes=50 tmpfs COORDINATION/log")
    (row,) = found(repo, "disk", shell)
    assert "files" in row["evidence"]


def test_the_type_of_the_file_system_of_a_path() -> None:
    text = (
        "/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\ntmpfs /home/a\\040b tmpfs rw 0 0\n"
        "host /mnt/share fuse.sshfs rw 0 0\nbroken\n"
    )
    kinds = {
        path: folder.file_system(text, path) for path in ("/etc", "/home/me", "/homes", "/home/a b/c", "/mnt/share")
    }
    assert kinds == {
        "/etc": "ext4", "/home/me": "nfs4", "/homes": "ext4", "/home/a b/c": "tmpfs", "/mnt/share": "fuse.sshfs"
    }  # fmt: skip


def test_a_network_file_system_is_told(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "file_system", lambda *_: "nfs4")
    (symptom,) = folder.network(Subject(Inside(repo).system(300, {}), None))
    assert "is on nfs4" in symptom.evidence


# --- the installation -------------------------------------------------------------------------------------------------


def test_a_coord_that_is_not_on_the_path(repo: Repo) -> None:
    result = repo.shell().run(f"PATH=/usr/bin:/bin {COORD} doctor --json")
    (row,) = [row for row in result.json["findings"] if row["check"] == "installation"]
    assert (row["severity"], row["what"]) == ("warning", "agents and scripts do not find coord")
    assert f"{COORD} is not on PATH" in row["evidence"]
    shell = repo.shell()
    shell.ok(commands(row)[1])
    assert shell.ok("PATH=~/.local/bin:/usr/bin:/bin coord whoami --help"), "the folder of the link is made"


def test_another_coord_that_is_found_first(repo: Repo) -> None:
    bin_ = repo.home / "bin"
    bin_.mkdir()
    (bin_ / "coord").write_text("#!/bin/sh\necho another\n")
    (bin_ / "coord").chmod(0o755)
    result = repo.shell().run(f"PATH={bin_}:$PATH {COORD} doctor --json")
    (row,) = [row for row in result.json["findings"] if row["check"] == "installation"]
    assert row["evidence"] == f"PATH has {bin_}/coord, which agents run; this is {COORD}"
    (bin_ / "coord").unlink()
    (bin_ / "coord").symlink_to(COORD)  # as a tool is installed
    result = repo.shell().run(f"PATH={bin_}:$PATH coord doctor --json")
    assert [row for row in result.json["findings"] if row["check"] == "installation"] == []


def test_a_coord_that_only_terminals_find(tmp_path: Path) -> None:
    only_here = installation.path_problem
    rc, profile = {".bashrc": 'PATH="$HOME/bin:$PATH"'}, {".profile": 'PATH="$HOME/bin:$PATH"'}
    assert "~/.bashrc, which only terminals read" in only_here("/home/me/bin", "/home/me", rc)
    assert only_here("/home/me/bin", "/home/me", profile | rc) == ""
    assert only_here("/usr/bin", "/home/me", rc) == ""
    (tmp_path / "pyvenv.cfg").touch()
    assert "virtual environment" in only_here(str(tmp_path / "bin"), "/home/me", {})
    assert only_here(str(tmp_path / "bin"), "/home/me", {".zshenv": f"PATH={tmp_path}/bin:$PATH"}) == ""


def test_a_python_that_is_too_old() -> None:
    assert installation.too_old((3, 11)) == ""
    assert installation.too_old((3, 10)) == "3.10; coord needs 3.11 or newer"
    assert installation.too_old((4, 0)) == ""


def test_it_says_so_in_a_narrow_terminal_and_without_colours(repo: Repo) -> None:
    (repo.log / "broken.jsonl").write_bytes(b"\x1b[31mnonsense\n")
    env = environment(repo.home, COLUMNS="40", TERM="dumb", NO_COLOR="1")
    done = subprocess.run([COORD, "doctor"], cwd=repo.root, env=env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert b"Traceback" not in done.stderr
