"""The record of who serves a folder: which records are used, and that a damaged or foreign one is not."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.servers.web.access.rules import LOOPBACK, new_key
from coord.servers.web.serving.record import (
    ServerRecord,
    clear_server,
    read_record,
    record_path,
    serving_record,
    write_record,
)
from coord.workspace.identity import own_anchor
from coord.workspace.paths import Workspace
from coord.workspace.system import real_system
from eventlog.events import Anchor

SYSTEM = real_system()
OWN = own_anchor(SYSTEM)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A folder without a repository."""
    (tmp_path / "COORDINATION").mkdir()
    return Workspace(str(tmp_path / "COORDINATION"), str(tmp_path), None)


def record(server: Anchor | None = OWN) -> ServerRecord:
    """A record with a new key."""
    return ServerRecord(8123, new_key(), LOOPBACK, server)


def test_a_record_is_read_as_it_was_written(workspace: Workspace) -> None:
    assert read_record(workspace) is None
    for each in (record(), record(None), msgspec.structs.replace(record(), read_only=True, names=("shop.example",))):
        assert write_record(workspace, each)
        assert read_record(workspace) == each
        assert os.stat(record_path(workspace)).st_mode & 0o777 == 0o600
    assert os.listdir(workspace.cache) == [os.path.basename(record_path(workspace))]


def test_a_record_is_private_whatever_the_umask(workspace: Workspace) -> None:
    before = os.umask(0)
    try:
        assert write_record(workspace, record())
    finally:
        os.umask(before)
    assert os.stat(record_path(workspace)).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666, 0o700 | 0o001])
def test_a_record_that_others_can_use_is_not_used(workspace: Workspace, mode: int) -> None:
    write_record(workspace, record())
    os.chmod(record_path(workspace), mode)
    assert read_record(workspace) is None
    assert write_record(workspace, record())
    assert read_record(workspace) is not None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_record_of_another_user_is_not_used(workspace: Workspace) -> None:
    write_record(workspace, record())
    os.chown(record_path(workspace), 65534, 65534)
    assert read_record(workspace) is None


def test_links_and_pipes_are_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    write_record(workspace, record())
    path, other = record_path(workspace), tmp_path / "other"
    os.rename(path, other)
    content = other.read_bytes()
    os.symlink(other, path)
    assert read_record(workspace) is None
    assert write_record(workspace, record())
    assert not os.path.islink(path)
    assert other.read_bytes() == content
    os.unlink(path)
    os.mkfifo(path, 0o600)
    assert read_record(workspace) is None


def test_a_linked_cache_is_not_used(workspace: Workspace, tmp_path: Path) -> None:
    write_record(workspace, record())
    os.rename(workspace.cache, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", workspace.cache)
    assert read_record(workspace) is None
    assert not write_record(workspace, record())


@given(st.data())
def test_a_damaged_record_is_not_used_or_has_a_valid_form(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "COORDINATION"
    workspace = Workspace(str(folder), str(folder.parent), None)
    write_record(workspace, record())
    content = Path(record_path(workspace)).read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.binary(min_size=0, max_size=3))
    Path(record_path(workspace)).write_bytes(content[:at] + byte + content[at + data.draw(st.integers(0, 300)) :])
    found = read_record(workspace)
    assert found is None or (0 < found.port < 1 << 16 and len(found.key) >= 40 and found.names)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff", b"{" * 1000, b'{"port":0}', b" " * 5000, b'{"port":1,"key":"","names":[]}'],
)
def test_other_content_is_not_used(workspace: Workspace, content: bytes) -> None:
    write_record(workspace, record())
    Path(record_path(workspace)).write_bytes(content)
    assert read_record(workspace) is None


def test_only_a_live_process_serves(workspace: Workspace) -> None:
    assert OWN is not None
    assert serving_record(SYSTEM, None) is None
    assert serving_record(SYSTEM, record(None)) is None
    mine = record()
    assert serving_record(SYSTEM, mine) is mine
    for gone in (
        msgspec.structs.replace(OWN, start_ticks=OWN.start_ticks + 1),
        msgspec.structs.replace(OWN, boot="another"),
        msgspec.structs.replace(OWN, machine="another"),
    ):
        assert serving_record(SYSTEM, record(gone)) is None


def test_the_end_of_a_server_keeps_port_and_key(workspace: Workspace) -> None:
    mine = record()
    write_record(workspace, mine)
    assert OWN is not None
    clear_server(workspace, msgspec.structs.replace(OWN, pid=OWN.pid + 1))
    assert read_record(workspace) == mine, "another server has written it since"
    clear_server(workspace, OWN)
    assert read_record(workspace) == msgspec.structs.replace(mine, server=None)


def test_the_end_of_a_server_writes_no_new_record(workspace: Workspace) -> None:
    clear_server(workspace, OWN)
    assert not os.path.exists(record_path(workspace))
