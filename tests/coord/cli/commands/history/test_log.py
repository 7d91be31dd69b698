"""`coord log` lists events; `--at` shows the state at a past time."""

import json
import signal
import subprocess

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.processes import COORD, until
from tests.support.repositories import Repo


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Two sessions: ada holds a file, ben is refused and writes to her."""
    made = SimulatedMachine(repo)
    made.start(100, "--name", "ada")
    made.wait(60)
    made.start(200, "--name", "ben")
    made.wait(60)
    for shell, words in (
        (100, ("claim", "file", "src/app.py", "--note", "landing page")),
        (200, ("claim", "file", "src/")),
        (200, ("send", "ada", "src", "How long?")),
        (100, ("heartbeat", "building", "the form", "BUILD", "25%", "--file", "src/form.py")),
        (100, ("release", "file", "src/app.py")),
        (200, ("claim", "deploy", "prod")),
    ):
        made.run(shell, *words)
        made.wait(60)
    return made


def test_log_prints_a_line_for_each_event_the_newest_last(inside: SimulatedMachine) -> None:
    lines = inside.run(100, "log").out.splitlines()
    assert len(lines) == 8
    assert [word in line for word, line in zip(
        ("starts", "starts", "asks for file/src/app.py", ": refused", "writes to", "25%", "releases", "deploy/prod"),
        lines, strict=True,
    )] == [True] * 8  # fmt: skip
    assert all("(ada)" in line or "(ben)" in line for line in lines)


FILTERS = {
    ("--session", "ada"): 4,
    ("--session", "ada", "--session", "ben"): 8,
    ("--type", "claim"): 4,
    ("--type", "claim.requested", "--type", "message"): 4,
    ("--resource", "file/src/app.py"): 3,  # both requests overlap it, and the release names the claim
    ("--resource", "file/src/form.py"): 2,  # the folder, and the heartbeat that touches it
    ("--since", "3m"): 3,
    ("--until", "6m"): 3,
    ("landing PAGE",): 1,
    ("nothing like it",): 0,
    ("--last", "2"): 2,
    ("--session", "ada", "--type", "claim", "--since", "5m"): 1,
}


@pytest.mark.parametrize("words", FILTERS, ids=" ".join)
def test_log_filters_by_each_option(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    found = inside.run(100, "log", "--json", *words)
    assert (found.code, len(found.out.splitlines())) == (0, FILTERS[words])
    shown = inside.run(100, "log", *words).out.splitlines()
    assert len([line for line in shown if not line.startswith(("…", "No matching"))]) == FILTERS[words]


def test_log_json_prints_the_lines_of_the_journals(inside: SimulatedMachine) -> None:
    lines = inside.run(100, "log", "--json").out.splitlines()
    written = [line for text in inside.repo.bytes().values() for line in text.decode().splitlines()]
    assert sorted(lines) == sorted(written)
    times = [json.loads(line)["at"] for line in lines]
    assert times == sorted(times)


def test_an_event_id_shows_the_event_in_full(inside: SimulatedMachine) -> None:
    text = inside.run(100, "log", "ben/3").out
    assert "message.sent" in text
    assert "body: How long?" in text


def test_a_long_list_is_cut_with_a_note(inside: SimulatedMachine) -> None:
    for i in range(50):
        inside.run(100, "heartbeat", "step", str(i))
    lines = inside.run(100, "log").out.splitlines()
    assert lines[0].startswith("… 18 older events: coord log ")
    assert len(lines) == 41
    assert len(inside.run(100, "log", "--all").out.splitlines()) == 58


@pytest.mark.parametrize(
    "words",
    [
        ("--session", "cai"),
        ("--type", "moon"),
        ("--since", "soon"),
        ("ada/99",),
        ("--follow", "--until", "now"),
        ("--since", "now", "--until", "3m"),
        ("--since", ""),
        ("--until", ""),
    ],
)
def test_a_filter_that_can_never_match_is_refused(words: tuple[str, ...], inside: SimulatedMachine) -> None:
    found = inside.run(100, "log", *words)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


def test_an_empty_log_and_a_damaged_one_answer(inside: SimulatedMachine, repo: Repo) -> None:
    ada = next(path for path in repo.log.glob("*.jsonl") if b'"name":"ada"' in path.read_bytes())
    data = ada.read_bytes()
    ada.write_bytes(data.replace(b"landing page", b"landing cage"))
    found = inside.run(100, "log")
    assert "damaged at line 2" in found.err
    assert len(found.out.splitlines()) == 7
    for path in repo.log.glob("*.jsonl"):
        path.unlink()
    (repo.folder / ".cache" / "checkpoint").unlink()
    assert inside.run(100, "log").out == "The log has no events yet. The first is written by: coord start\n"


def test_follow_prints_new_events_once_until_a_signal(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    two.begin("exec coord log --follow --type session.heartbeat")
    one.ok("coord heartbeat first step")
    until(lambda: "first step" in two.so_far(), "the first event")
    one.ok("coord heartbeat second step")
    until(lambda: "second step" in two.so_far(), "the second event")
    assert two.so_far().count("first step") == 1
    subprocess.run(["kill", f"-{signal.SIGINT.value}", str(two.pid)], check=True)
    until(lambda: two.finish().code != 0, "its end")
    assert "Traceback" not in two.so_far()


def test_log_ends_quietly_when_the_pipe_closes(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    for _ in range(3):
        shell.ok("coord heartbeat x")
    said = shell.run("set -o pipefail; coord log | head -n 1")
    assert (said.err, said.code, len(said.out.splitlines())) == ("", 0, 1)


# --- the past as boards ---------------------------------------------------------------------------------------------


def test_a_past_time_is_shown_as_it_was_shown_then(inside: SimulatedMachine) -> None:
    """With `--at` a time, `status`, `board`, `claims` and `inbox` print what they printed at that time."""
    views = (("status",), ("board",), ("claims",), ("status", "--json"), ("inbox", "--peek"))
    then = {words: inside.run(100, *words).out for words in views}
    at = inside.now
    inside.wait(3600)
    inside.run(100, "claim", "file", "other.py")
    inside.run(200, "send", "ada", "later")
    inside.run(200, "end")
    inside.run(100, "inbox")
    for words in views:
        found = inside.run(100, *words, "--at", at)
        assert (found.code, found.out) == (0, then[words]), words
        assert "as it was at" in found.err
        assert found.out != inside.run(100, *words).out


def test_reading_the_past_marks_and_writes_nothing(inside: SimulatedMachine) -> None:
    before = inside.repo.bytes()
    for words in (("inbox",), ("status",), ("claims",), ("board",)):
        assert inside.run(100, *words, "--at", "ben/3").code == 0
    assert inside.repo.bytes() == before
    assert "How long?" in inside.run(100, "inbox").out


def test_the_past_inbox_of_an_ended_session_can_be_shown(inside: SimulatedMachine) -> None:
    inside.run(200, "send", "ada", "late", "one more")
    at = inside.now
    inside.wait(5)
    inside.run(100, "end")
    found = inside.run(200, "inbox", "--session", "ada", "--at", at)
    assert "one more" in found.out
    assert inside.run(200, "inbox", "--session", "ada", "--at", "ben/1").code == 0
    assert inside.run(100, "inbox", "--session", "ben", "--at", "ada/1").code == 3  # ben did not exist yet


def test_an_empty_log_has_no_past_time(repo: Repo) -> None:
    done = subprocess.run([COORD, "status", "--at", "-5m"], cwd=repo.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "coord: --at -5m: the log has no events yet.\n")


def test_a_time_with_a_minus_is_not_an_option(inside: SimulatedMachine) -> None:
    assert inside.run(100, "status", "--at", "-2m").code == 0


# --- what went wrong once -------------------------------------------------------------------------------------------


def test_a_long_log_ends_quietly_when_the_pipe_closes(repo: Repo) -> None:
    """The output is larger than a pipe, so the reader closes it while the command still writes."""
    shell = repo.shell()
    shell.start()
    for _ in range(3):
        shell.ok(f"coord send broadcast x {'y' * 60000}")
    said = shell.run("set -o pipefail; coord log --json | head -c 10 | wc -c")
    assert (said.err, said.code, said.out.strip()) == ("", 0, "10")


def test_follow_ends_when_the_pipe_closes(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    assert shell.run("coord log --follow --last 1 | head -n 1").code == 0


def test_follow_reports_that_the_log_was_removed(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    shell.begin("coord log --follow")
    until(lambda: "starts" in shell.so_far(), "the first event")
    (repo.folder / "log").rename(repo.folder / "gone")
    found = shell.finish()
    assert found.code == 4
    assert "cannot read the log" in found.err
    assert "Traceback" not in found.err


def test_commands_that_only_read_accept_a_path_as_a_resource(inside: SimulatedMachine) -> None:
    assert len(inside.run(100, "log", "--resource", "src/app.py", "--json").out.splitlines()) == 3


def test_text_like_an_event_id_is_searched_if_unknown(inside: SimulatedMachine) -> None:
    inside.run(100, "claim", "task", "12")
    assert "asks for task/12" in inside.run(100, "log", "task/12").out


def test_an_event_is_shown_with_the_sessions_name_at_the_time(inside: SimulatedMachine) -> None:
    inside.run(100, "start", "--name", "eve")
    inside.run(100, "heartbeat", "x")
    lines = inside.run(100, "log").out.splitlines()
    assert "(ada)" in lines[0]
    assert "(eve)" in lines[-1]


def test_a_release_is_shown_with_its_resource(inside: SimulatedMachine) -> None:
    assert "releases file/src/app.py (" in inside.run(100, "log", "--type", "claim.released").out


def test_an_empty_time_is_refused(inside: SimulatedMachine) -> None:
    for command in ("status", "board", "claims", "inbox"):
        assert inside.run(100, command, "--at", "").code == 2
