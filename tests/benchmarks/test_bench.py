"""The benchmarks: their histories are valid and reproducible, and every row is measured and printed."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import streaming
from benchmarks.commands import Curves
from benchmarks.folders import prepare
from benchmarks.history import SESSIONS, Author, Shape
from benchmarks.hour import simulate
from benchmarks.picture import cost_svg
from benchmarks.report import document, table
from benchmarks.rows import MEMORY, ROWS, SHORT, WHOLE, summarize
from benchmarks.targets import Measured, print_measured
from coord.admin.verify import verify
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from eventlog.history import LogReader
from eventlog.local.files import JOURNAL_SUFFIX
from projections.rules.fold import fold
from projections.rules.state import Decision, State

pytestmark = pytest.mark.slow

END = 1_795_000_000_000_000  # microseconds since 1970
MINUTE = 60_000_000


def write_history(log: Path, events: int, seed: int = 1, end: int = END) -> Author:
    log.mkdir(parents=True)
    author = Author(str(log), seed=seed, shape=Shape(life=100))
    author.write(events, end)
    return author


def journal_bytes(log: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in log.glob(f"*{JOURNAL_SUFFIX}")}


def test_layers_of_a_heartbeat_are_all_printed() -> None:
    argv = [sys.executable, "-m", "benchmarks.layers", "--events", "50", "--rounds", "1"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    layers = re.findall(r"^ *[\d.]+ ms +[\d.]+ P  (.+)$", shown, re.MULTILINE)
    assert len(layers) == len(set(layers)) == 16
    assert {"load msgspec", "sync the journal", "write the checkpoint", "write the board", "total"} <= set(layers)


def test_history_depends_only_on_the_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_history(tmp_path / name, 1500, seed)
    one, same, other = (journal_bytes(tmp_path / name) for name in "abc")
    assert one == same
    assert one.keys().isdisjoint(other)


def test_history_verifies_and_folds_to_its_authors_state(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    log, now = tmp_path / "COORDINATION" / "log", time.time_ns() // 1000
    author = write_history(log, 3000, end=now - MINUTE)
    author.write(100, now - MINUTE // 2, gap=1000)
    system = real_system().at(str(tmp_path))
    result = verify(system, find_workspace(system, str(tmp_path)))
    assert result.whole
    assert sum(journal.events for journal in result.journals) == 3100
    history, state = LogReader(str(log), system.here.machine), State()
    fold(state, history.catch_up(system.wall()).events)
    assert (state.events, state.claims, state.sessions) == (3100, author.state.claims, author.state.sessions)
    assert len([session for session in state.sessions.values() if session.live]) == SESSIONS
    assert len(state.sessions) > SESSIONS, "some sessions ended and others took their place"


def test_history_has_all_kinds_of_events_and_true_outcomes(tmp_path: Path) -> None:
    write_history(tmp_path / "log", 5000)
    events = LogReader(str(tmp_path / "log"), "bench").catch_up("2027-01-01T00:00:00.000000Z").events
    decisions: list[Decision] = []
    fold(State(), events, decisions.append)
    assert not [decision for decision in decisions if decision.what in ("lost", "void")]
    assert {"granted", "refused", "renewed", "released", "expired"} <= {decision.what for decision in decisions}
    types: dict[str, int] = {}
    for event in events:
        types[type(event.payload).__name__] = types.get(type(event.payload).__name__, 0) + 1
    assert 0.75 < types["SessionHeartbeat"] / len(events) < 0.9
    assert {"ClaimRequested", "ClaimReleased", "MessageSent", "MessageRead", "SessionEnded"} <= types.keys()


def test_table_has_every_row_with_its_target(tmp_path: Path) -> None:
    commands = "heartbeat send release renew|claim, granted|claim, refused|status inbox board claims"
    wanted = {word for part in commands.split("|") for word in ([part] if "," in part else part.split())}
    for size in ("short", "long"):
        assert {row.name for row in WHOLE if row.size == size and row.unit == "L"} >= wanted
        hooks = [row for row in WHOLE if row.size == size and row.unit == "P" and row.name != "heartbeat"]
        assert {row.most for row in hooks} == {2.0}
    text = table(summarize({MEMORY: [140.0, 160.0]}, {}), 1_000_000)
    for words in ("durable append", "batches of 100", "full replay", "peak memory", "catching up", "late journal",
                  "inbox --wait", "claim --wait", "16 at once, 50 sends each", "MCP: send", "status --at"):  # fmt: skip
        assert words in text
    assert len(text.splitlines()) == 1 + len(ROWS)
    assert re.search(r"peak memory.* 1,000,000 +150\.0 MB .*met$", text, re.MULTILINE)
    assert "not measured" in text


def test_document_and_plot_contain_the_measurements() -> None:
    lines = {"heartbeat": {SHORT: [0.8, 0.9], 1_000_000: [1.0, 1.1]}, "status": {SHORT: [0.7], 1_000_000: []}}
    curves = Curves("events in the log", lines)
    rows = document({}, summarize({row: [1.0] for row in ROWS}, {}), [curves])["rows"]
    assert isinstance(rows, list)
    assert len(rows) == len(ROWS)
    assert {"row", "history", "unit", "target", "met", "median"} <= rows[0].keys()
    picture = cost_svg(curves, 1.4)
    assert picture.startswith("<svg")
    assert picture.count("1,000,000") == 2, "on the axis, and at the only point measured there"


def test_measured_commands_do_not_inherit_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "COORD_SESSION", "CLAUDE_CODE_SESSION_ID"):
        monkeypatch.setenv(name, "1")
    folder = prepare(tmp_path / "repo", 100)
    assert not [name for name in folder.env if name.startswith(("PYTHON", "COORD_", "CLAUDE", "CODEX", "GEMINI"))]
    status = json.loads(folder.coord(folder.other, "status", "--json"))
    assert len(status["sessions"]) == SESSIONS + 3  # one of them edits a file


def test_scrubbing_prints_each_row_with_its_target() -> None:
    argv = [sys.executable, "-m", "benchmarks.scrubbing", "--events", "300", "--moments", "4"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    rows = re.findall(r"^(.+?, (?:processor time|elapsed)) +[\d.,]+ ms +100 ms  (?:met|NOT MET)", shown, re.MULTILINE)
    assert [row.partition(",")[0] for row in rows] == ["a random moment"] * 2 + ["the next event"] * 2


def test_streaming_measures_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_EVENTS", 2), ("_IDLE_S", 1), ("_PAUSE_S", 0.1), ("_MOMENTS", 2), ("_BURST", 50)):
        monkeypatch.setattr(streaming, name, value)
    _, rows = streaming.measure(300)
    assert len([row for row in rows if row.what.startswith("memory at most") and 0 < row.value < 1000]) == 6
    assert {row.most for row in rows if row.what.startswith("an event received")} == {150}


def test_a_table_tells_which_targets_are_met(capsys: pytest.CaptureFixture[str]) -> None:
    print_measured(
        [Measured("short", 1, "ms", 2), Measured("longer", 3000, "ms", 2, "slow"), Measured("free", 5, "MB")]
    )
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["measured", "target"]
    assert [row.split() for row in rows] == [
        ["short", "1.00", "ms", "2", "ms", "met"],
        ["longer", "3,000", "ms", "2", "ms", "NOT", "MET", "slow"],
        ["free", "5.00", "MB"],
    ]


def test_few_characters_reach_an_agent_in_an_hour(tmp_path: Path) -> None:
    agents, _ = simulate(tmp_path / "one", {100: "claude"})
    assert list(agents.chars) == ["c100"]
    assert agents.chars["c100"] < 100
    agents, calls = simulate(tmp_path / "two", {100: "claude", 200: "codex"})
    assert all(100 < chars < 10 * calls for chars in agents.chars.values())
