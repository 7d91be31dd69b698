"""A cluster of three NATS servers: the leader is killed, stopped or cut off while two clients publish."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventlog.errors import LogError
from eventlog.remotes.nats.remote import NatsRemote
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEHIND, OutcomeUnknown, RemoteAway
from tests.support.nats_servers import PROGRAM, Server, Servers, nats_servers

pytestmark = [pytest.mark.machine, pytest.mark.skipif(not PROGRAM, reason="nats-server is not installed")]
PUBLICATIONS = 60  # told to each client, at least


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Servers]:
    with nats_servers(tmp_path / "nats", 3) as servers:
        yield servers


class Client:
    """Publish lines one after another, each on the condition that everything before it was read."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.remote = name, NatsRemote(url)
        self.told: list[tuple[str, bytes]] = []  # the cursor on which it was decided, and the line
        self.unknown = 0
        self.problem: BaseException | None = None

    def run(self, done: threading.Event) -> None:
        cursor, count = "", 0
        try:
            while not done.is_set():
                count += 1
                line = f"{self.name} {count}\n".encode()
                try:
                    cursor = self.remote.read(cursor, lambda piece: None).cursor
                    answer = self.remote.publish([Piece(self.name, count, line), Piece("other", 0, b"x\n")], cursor)
                    if answer is not BEHIND:
                        self.told.append((cursor, line))
                        cursor = str(answer)
                except RemoteAway:
                    pass
                except OutcomeUnknown:
                    self.unknown += 1
        except BaseException as problem:
            self.problem = problem


def killed(servers: Servers, leader: Server) -> None:
    leader.kill()
    time.sleep(2)
    leader.start()
    leader.wait()


def stopped(servers: Servers, leader: Server) -> None:
    leader.signal(signal.SIGSTOP)
    time.sleep(10)
    leader.signal(signal.SIGCONT)


def cut_off(servers: Servers, leader: Server) -> None:
    for server in servers[:2]:
        server.proxy.cut()
    time.sleep(1)
    for server in servers[:2]:
        server.proxy.heal()


@pytest.mark.parametrize(("attack", "times"), [(killed, 3), (stopped, 1), (cut_off, 5)])
def test_one_publication_wins_and_none_is_lost(
    cluster: Servers, attack: Callable[[Servers, Server], None], times: int
) -> None:
    clients = [Client(name, cluster.url("LOG")) for name in ("a", "b")]
    done = threading.Event()
    threads = [threading.Thread(target=client.run, args=(done,)) for client in clients]
    for thread in threads:
        thread.start()
    for _ in range(times):
        time.sleep(1)
        attack(cluster, cluster.leader("LOG"))
    end = time.monotonic() + 120
    enough = [len(client.told) + PUBLICATIONS for client in clients]
    while time.monotonic() < end and any(len(c.told) < n for c, n in zip(clients, enough, strict=True)):
        time.sleep(0.1)
    done.set()
    for thread in threads:
        thread.join()
    assert [client.problem for client in clients] == [None, None]
    assert all(len(c.told) >= n for c, n in zip(clients, enough, strict=True)), "no progress after the attack"
    told = [each for client in clients for each in client.told]
    assert len({cursor for cursor, _ in told}) == len(told), "two publications were told to have won one round"
    pieces: list[Piece] = []
    clients[0].remote.read("", pieces.append)
    stored = [piece.data for piece in pieces if piece.session != "other"]
    assert len(pieces) == 2 * len(stored), "half of a publication is stored"
    assert len(set(stored)) == len(stored)
    assert {line for _, line in told} <= set(stored)
    assert len(stored) <= len(told) + sum(client.unknown for client in clients)
    for client in clients:
        client.remote.close()


def test_a_majority_that_is_gone_is_away(cluster: Servers) -> None:
    remote = NatsRemote(cluster.url("LOG"), limit_s=2.5)
    cursor = remote.read("", lambda piece: None).cursor
    for server in cluster[:2]:
        server.kill()
    for _ in range(3):
        with pytest.raises(LogError):
            remote.publish([Piece("a", 0, b"x\n")], cursor)
    for server in cluster[:2]:
        server.start()
    for server in cluster:
        server.wait()
    end = time.monotonic() + 60
    answer: object = None
    while not isinstance(answer, str) and time.monotonic() < end:
        with contextlib.suppress(LogError):
            answer = remote.publish([Piece("a", 0, b"x\n")], remote.read("", lambda piece: None).cursor)
    assert isinstance(answer, str)
    remote.close()
