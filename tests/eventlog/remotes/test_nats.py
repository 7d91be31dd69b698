"""A NATS stream as a remote, with one server: cursors, conditions, settings, credentials, and a server that is away."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlog.remotes.nats import remote as nats_remote
from eventlog.remotes.nats.connection import Connection, Credentials, parse_address
from eventlog.remotes.nats.remote import NatsRemote
from eventlog.remotes.nats.stream import settings
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEHIND, OutcomeUnknown, RemoteAway, RemoteRefused
from tests.support.nats_servers import PROGRAM, Servers, nats_servers

pytestmark = pytest.mark.skipif(not PROGRAM, reason="nats-server is not installed")
A = "alice-2026-11-22-1"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with nats_servers(tmp_path / "nats") as started:
        yield started


@pytest.fixture
def connect(servers: Servers) -> Iterator[Callable[..., NatsRemote]]:
    remotes: list[NatsRemote] = []

    def open_remote(stream: str = "LOG", limit_s: float = 10) -> NatsRemote:
        remotes.append(NatsRemote(servers.url(stream), limit_s=limit_s))
        return remotes[-1]

    yield open_remote
    for remote in remotes:
        remote.close()


def read(remote: NatsRemote, cursor: str = "") -> tuple[list[Piece], str, bool]:
    pieces: list[Piece] = []
    result = remote.read(cursor, pieces.append)
    return pieces, result.cursor, result.restarted


def ask(servers: Servers, subject: str, body: object = None) -> dict[str, Any]:
    connection = Connection(parse_address(servers.url("ADMIN")), Credentials(), 4, "none", lambda: None)
    try:
        return connection.run(connection.ask(subject, body))
    finally:
        connection.close()


def test_of_two_conditional_publications_one_is_made(connect: Callable[..., NatsRemote]) -> None:
    first, second = connect(), connect()
    cursor = read(first)[1]
    after = first.publish([Piece(A, 0, b"one\n")], cursor)
    assert second.publish([Piece("b", 0, b"b\n"), Piece("b", 2, b"c\n")], cursor) is BEHIND
    assert second.publish([Piece("b", 0, b"b\n")], "") is BEHIND
    assert read(second) == ([Piece(A, 0, b"one\n")], after, False)


def test_several_pieces_are_published_together(connect: Callable[..., NatsRemote]) -> None:
    first, second = connect(), connect()
    cursor = read(first)[1]
    pieces = [Piece(f"s.{n}", n, b"%d\n" % n, archived=n % 2 == 0) for n in range(9)]
    after = first.publish(pieces, cursor)
    assert read(second, cursor) == (pieces, after, False)


def test_large_publications_are_made_in_steps(
    connect: Callable[..., NatsRemote], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_remote, "MAX_BATCH", 4)
    monkeypatch.setattr(nats_remote, "READ_AT_ONCE", 3)
    remote = connect()
    pieces = [Piece(A, n, b"x") for n in range(10)]
    cursor = remote.publish(pieces, read(remote)[1])
    assert read(remote) == (pieces, cursor, False)


def test_pieces_fit_into_the_servers_messages(tmp_path: Path) -> None:
    with nats_servers(tmp_path, extra="max_payload: 8192\n") as servers:
        remote = NatsRemote(servers.url("LOG"))
        data = bytes(range(256)) * 80
        remote.publish([Piece(A, 7, data, archived=True)], read(remote)[1])
        pieces = read(remote)[0]
        assert len(pieces) > 2
        assert b"".join(piece.data for piece in pieces) == data
        assert [piece.offset - 7 for piece in pieces] == [
            sum(len(p.data) for p in pieces[:n]) for n in range(len(pieces))
        ]
        assert [piece.archived for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        remote.close()


def test_a_repeated_publication_is_harmless(connect: Callable[..., NatsRemote]) -> None:
    remote = connect()
    read(remote)
    for _ in range(2):  # as after the window in which a server notices duplicates
        cursor = remote.publish([Piece(A, 0, b"one\n")], read(remote)[1])
    assert read(remote) == ([Piece(A, 0, b"one\n")] * 2, cursor, False)


@pytest.mark.parametrize("damage", ["deleted", "purged", "made again", "altered"])
def test_a_stream_that_changed_is_read_again(servers: Servers, connect: Callable[..., NatsRemote], damage: str) -> None:
    remote = connect()
    read(remote)
    remote.publish([Piece(A, n, b"%d\n" % n) for n in range(5)], read(remote)[1])
    cursor = read(remote)[1]
    if damage == "deleted":
        ask(servers, "STREAM.MSG.DELETE.LOG", {"seq": 2})
    elif damage == "purged":
        ask(servers, "STREAM.PURGE.LOG", {"seq": 4})
    else:
        ask(servers, "STREAM.DELETE.LOG")
    if damage == "altered":
        other = connect()
        other.publish([Piece(A, n, b"%d\n" % (n + (n == 4))) for n in range(5)], read(other)[1])
    assert remote.publish([Piece(A, 9, b"x\n")], cursor) is BEHIND
    pieces, _, restarted = read(remote, cursor)
    assert restarted
    expected = {"deleted": [0, 2, 3, 4], "purged": [3, 4], "made again": [], "altered": [0, 1, 2, 3, 4]}
    assert [piece.offset for piece in pieces] == expected[damage]


def test_a_restored_stream_loses_its_newest_messages(servers: Servers, tmp_path: Path) -> None:
    import shutil

    server, data = servers[0], servers[0].folder / "data"
    remote = NatsRemote(servers.url("LOG"))
    read(remote)
    remote.publish([Piece(A, n, b"x") for n in range(150)], read(remote)[1])
    server.stop()
    shutil.copytree(data, tmp_path / "copy")
    server.start()
    server.wait()
    old = read(remote)[1]
    remote.publish([Piece(A, 150 + n, b"x") for n in range(100)], read(remote)[1])
    cursor = read(remote)[1]
    server.stop()
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "copy", data)
    server.start()
    server.wait()
    assert remote.publish([Piece("b", 0, b"b\n")], cursor) is BEHIND
    pieces, after, restarted = read(remote, cursor)
    assert (len(pieces), after, restarted) == (150, old, True)
    for n in range(100):  # other messages at the same sequences
        remote.publish([Piece("b", n, b"y")], read(remote)[1])
    assert remote.publish([Piece("b", 0, b"b\n")], cursor) is BEHIND
    assert read(remote, cursor)[2]
    remote.close()


def test_foreign_messages_are_no_pieces(servers: Servers, connect: Callable[..., NatsRemote]) -> None:
    remote = connect()
    cursor = read(remote)[1]
    connection = Connection(parse_address(servers.url("ADMIN")), Credentials(), 4, "none", lambda: None)
    connection.run(connection.request("LOG.something", b"hello"))
    connection.close()
    pieces, after, _ = read(remote, cursor)
    assert pieces == []
    assert remote.publish([Piece(A, 0, b"one\n")], cursor) is BEHIND
    assert read(remote, str(remote.publish([Piece(A, 0, b"one\n")], after)))[0] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [({"storage": "memory"}, "storage must be file"), ({"max_age": 10**12}, "max_age"), ({"max_msgs": 9}, "max_msgs"),
     ({"allow_atomic": False}, "allow_atomic"), ({"republish": None}, "republish"), ({"subjects": ["x"]}, "subjects")],
)  # fmt: skip
def test_an_unsafe_stream_is_refused(
    servers: Servers, connect: Callable[..., NatsRemote], change: dict[str, Any], message: str
) -> None:
    config = settings("LOG", 1) | change
    if "subjects" in change:
        config["republish"] = {"src": "x", "dest": "LOG-stored.x"}
    ask(servers, "STREAM.CREATE.LOG", {key: value for key, value in config.items() if value is not None})
    with pytest.raises(RemoteRefused, match=message):
        connect()


def test_watching_wakes_for_news_and_for_closing(connect: Callable[..., NatsRemote]) -> None:
    first, second = connect(), connect()
    cursor = read(second)[1]
    assert not second.watch(cursor, 0.05)
    publisher = threading.Timer(0.1, lambda: first.publish([Piece(A, 0, b"one\n")], cursor))
    publisher.start()
    assert second.watch(cursor, 30)
    assert second.watch(cursor, 30)  # it was published before
    publisher.join()
    closer = threading.Timer(0.1, second.close)
    closer.start()
    assert not second.watch(read(first)[1], 30)
    closer.join()
    with pytest.raises(RemoteAway, match="closed"):
        second.read("", lambda piece: None)


def test_the_clock_is_the_servers(connect: Callable[..., NatsRemote]) -> None:
    from eventlog.instants import to_micros

    assert abs(to_micros(connect().clock()) / 1e6 - time.time()) < 60


def test_a_server_that_is_away_is_found_again(servers: Servers, connect: Callable[..., NatsRemote]) -> None:
    remote = connect(limit_s=1.25)
    cursor = read(remote)[1]
    servers[0].kill()
    for use in (lambda: read(remote), lambda: remote.publish([Piece(A, 0, b"x\n")], cursor),
                lambda: remote.watch(cursor, 0.1), lambda: NatsRemote(servers.url("LOG"), limit_s=1.25)):  # fmt: skip
        with pytest.raises(RemoteAway):
            use()
    servers[0].start()
    servers[0].wait()
    remote._connection.timeout_s = 10
    assert read(remote, cursor) == ([], cursor, False)


def test_a_cut_connection_never_gives_a_wrong_answer(servers: Servers, connect: Callable[..., NatsRemote]) -> None:
    remote = connect(limit_s=2.5)
    told: list[bytes] = []
    cursor = read(remote)[1]
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.05):
            servers[0].proxy.cut()
            stop.wait(0.02)
            servers[0].proxy.heal()

    thread = threading.Thread(target=cut)
    thread.start()
    for n in range(8):
        data = b"%d\n" % n
        try:
            answer = remote.publish([Piece(A, n, data)], cursor)
            if answer is not BEHIND:
                told.append(data)
                cursor = str(answer)
        except (RemoteAway, OutcomeUnknown):
            pass
    stop.set()
    thread.join()
    servers[0].proxy.heal()
    remote._connection.timeout_s = 10
    stored = [piece.data for piece in read(remote)[0]]
    assert [data for data in stored if data in told] == told
    assert len(stored) == len(set(stored))


def test_wrong_credentials_are_refused(tmp_path: Path) -> None:
    with nats_servers(tmp_path, extra='authorization { user: "coord", password: "s3cret" }\n') as servers:
        url = servers.url("LOG")
        right = NatsRemote(url, user="coord", password="s3cret")
        assert right.clock()
        assert right.name == url
        right.close()
        for user in ("", "coord"):
            with pytest.raises(RemoteRefused, match="credentials") as refused:
                NatsRemote(url, user=user, password="wrong", limit_s=2.5)
            assert "wrong" not in str(refused.value)
        with pytest.raises(RemoteRefused, match="credentials"):
            NatsRemote(url, credentials=str(tmp_path / "missing.creds"), limit_s=2.5)


@pytest.mark.parametrize(
    "url", ["nats://u:s3cret@h:1/LOG", "nats://h:1", "nats://h:1/A.B", "http://h/LOG", "nats:///LOG"]
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(RemoteRefused) as refused:
        parse_address(url)
    assert "s3cret" not in str(refused.value)
    assert json.dumps(str(refused.value))
