"""`coord doctor` runs all checks, shows the most severe finding first, and changes nothing."""

import shutil
import subprocess

from coord.admin.doctor.registry import CHECKS
from eventlog.local.files import ARCHIVE_FOLDER
from tests.support.doctor import findings
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo


def test_a_healthy_folder_has_no_findings(repo: Repo) -> None:
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


def test_a_fresh_clone_and_an_empty_log_are_healthy(repo: Repo) -> None:
    assert repo.shell().run("coord doctor").code == 0
    shutil.rmtree(repo.log)
    assert repo.shell().run("coord doctor").code == 0
    assert not repo.log.exists()


def test_without_init_only_the_installation_is_checked(bare_repo: Repo) -> None:
    result = bare_repo.shell().run("coord doctor")
    assert (result.code, result.err) == (4, "")
    assert "there is no COORDINATION/ here" in result.out
    assert "coord init" in result.out
    data = bare_repo.shell().run("PATH=/usr/bin:/bin " + COORD + " doctor --json").json
    assert data["checks"] == ["folder", "installation", "python"]
    assert [row["check"] for row in data["findings"]] == ["folder", "installation"]


def test_an_unusable_log_exits_4_and_the_rest_is_checked(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    shutil.rmtree(repo.log)
    (repo.folder / "scripts" / "session-claim.sh").unlink()
    result = shell.run("coord doctor")
    assert result.code == 4
    assert "the log cannot be used" in result.out
    assert "It held 1 journal" in result.out
    assert "scripts/session-claim.sh" in result.out


def test_an_unreadable_archive_stops_every_command(repo: Repo) -> None:
    """The claims of the archived sessions are unknown, so no claim is granted."""
    shell = repo.shell()
    shell.start()
    (repo.log / ARCHIVE_FOLDER).write_text("no folder")
    for command in ("status", "claim droplet x", "verify", "archive"):
        result = shell.run(f"coord {command}")
        assert (result.code, result.out) == (4, ""), command
        assert "cannot read the archived journals" in result.err
        assert "coord doctor" in result.err
    assert findings(repo, "log")[0]["severity"] == "serious"
    (repo.log / ARCHIVE_FOLDER).unlink()
    assert shell.run("coord claim droplet x").err == ""


def test_the_most_severe_come_first_and_the_list_is_limited(repo: Repo) -> None:
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
    assert f"more: coord doctor --limit {len(rows)}" in text
    assert "more:" not in shell.run(f"coord doctor --limit {len(rows)}").out


def test_doctor_works_without_git(repo: Repo) -> None:
    bin_ = repo.home / "bin"
    bin_.mkdir()
    (bin_ / "coord").symlink_to(COORD)
    (repo.folder / ".gitignore").unlink()
    (repo.root / ".git" / "info" / "exclude").unlink()
    assert findings(repo, "ignored") != []
    result = repo.shell().run(f"PATH={bin_} coord doctor --json")
    assert [row for row in result.json["findings"] if row["check"] in ("ignored", "tracked")] == []


def test_the_output_fits_a_narrow_terminal_without_colours(repo: Repo) -> None:
    (repo.log / "broken.jsonl").write_bytes(b"\x1b[31mnonsense\n")
    env = environment(repo.home, COLUMNS="40", TERM="dumb", NO_COLOR="1")
    done = subprocess.run([COORD, "doctor"], cwd=repo.root, env=env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert b"Traceback" not in done.stderr
