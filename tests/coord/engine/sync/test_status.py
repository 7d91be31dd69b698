"""The file with what is known of the remote: damage in it is found, and changes nothing that is exchanged."""

import json
from pathlib import Path

import pytest

from coord.engine.sync.exchange.status import STATUS, RemoteStatus, read_status, write_status
from tests.support.exchanging import Folder, folders


@pytest.fixture
def two(tmp_path: Path) -> list[Folder]:
    return folders(tmp_path, "a", "b")


def test_it_is_a_json_document(two: list[Folder]) -> None:
    a, _ = two
    a.append("one", "x")
    a.exchange()
    document = json.loads((a.path / ".cache" / STATUS).read_text())
    assert document["sizes"] == {"one": (a.log / "one.jsonl").stat().st_size}
    assert read_status(a.workspace).sizes == document["sizes"]


def test_any_changed_byte_is_found(two: list[Folder]) -> None:
    workspace, path = two[0].workspace, two[0].path / ".cache" / STATUS
    write_status(workspace, RemoteStatus("memory", cursor="7-abc", sizes={"one": 500}))
    data = path.read_bytes()
    assert read_status(workspace).cursor == "7-abc"
    for n in range(len(data)):
        path.write_bytes(data[:n] + bytes([data[n] ^ 1]) + data[n + 1 :])
        assert read_status(workspace) == RemoteStatus(), n
        path.write_bytes(data[:n])
        assert read_status(workspace) == RemoteStatus(), n


@pytest.mark.parametrize("how", ["deleted", "changed", "cut off", "of another remote", "older", "a link"])
def test_a_wrong_status_changes_nothing_that_is_exchanged(two: list[Folder], tmp_path: Path, how: str) -> None:
    a, b = two
    path = a.path / ".cache" / STATUS
    a.append("one", "x")
    a.exchange()
    older = path.read_bytes()
    a.append("one", "y")
    a.exchange()
    b.append("two", "x")
    b.exchange()
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "of another remote":
        write_status(a.workspace, RemoteStatus("git origin", cursor="0" * 40, sizes={"one": 10**6, "two": 10**6}))
    elif how == "a link":
        (tmp_path / "elsewhere").write_bytes(data.replace(b'"one":', b'"one":9'))
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes({"changed": data.replace(b'"one":', b'"one":9'), "cut off": data[:-9], "older": older}[how])
    a.append("one", "z")
    for _ in range(2):
        for one in two:
            one.exchange()
    assert a.journals() == b.journals()
    assert a.position("one").n == 3
