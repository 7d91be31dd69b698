"""What `coord doctor` and `coord status` say about the exchange with other machines."""

from pathlib import Path

import msgspec
import pytest

from coord.engine.sync.exchange.status import Finding, read_status, write_status
from coord.workspace.paths import find_workspace
from tests.support.simulated_machines import Node, Nodes


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    return Nodes(tmp_path, "ab", monkeypatch).join("a", "b")


def findings(node: Node) -> dict[str, str]:
    found = node.run(100, "doctor", "--json").json["findings"]
    return {row["what"]: row["evidence"] for row in found if row["check"] == "remote"}


def test_a_remote_that_works_is_no_finding(two: list[Node]) -> None:
    assert findings(two[0]) == {}


def test_a_folder_without_a_remote_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Nodes(tmp_path, "a", monkeypatch).nodes["a"]
    node.start(100)
    assert findings(node) == {}
    assert "remote" not in node.ok("status").out


def test_what_the_exchange_found_is_told(two: list[Node]) -> None:
    a = two[0]
    workspace = find_workspace(a.system(100, {}), None)
    status = msgspec.structs.replace(
        read_status(workspace),
        reachable=False,
        since=a.now,
        problem="no route",
        queued_events=3,
        clock_lead_s=86400,
        found=[Finding(a.now, "amber-otter-k3f9", "it is damaged at the remote at byte 12.")],
    )
    write_status(workspace, status)
    told = findings(a)
    assert "no route. 3 events are not published yet" in told["the remote cannot be reached"]
    assert "ahead of the clock of" in told["this machine's clock is wrong"]
    assert "amber-otter-k3f9: it is damaged" in told["the remote differed from the journals here"]
    assert "away since" in a.ok("status").out


def test_a_remote_that_the_settings_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Nodes(tmp_path, "a", monkeypatch).nodes["a"]
    node.start(100)
    node.set('remote = "git origin"\n')
    assert "git origin is not joined here: coord remote add" in node.ok("status").out
    assert "config.toml names git origin" in findings(node)["the remote of this repository is not joined"]


def test_a_machine_that_was_renamed_is_told_to_join_again(two: list[Node]) -> None:
    a = two[0]
    a.here = msgspec.structs.replace(a.here, machine="another-machine")
    assert "was joined by another machine or folder" in a.run(100, "status").out
    assert "the remote is not used any more" in findings(a)


def test_the_newest_news_of_each_machine_is_shown(two: list[Node]) -> None:
    a, b = two
    b.ok("heartbeat", "building", "api")
    b.ok("sync")
    a.wait(60)
    a.ok("sync")
    assert "machine machin: newest event 60 s ago" in a.ok("status").out
