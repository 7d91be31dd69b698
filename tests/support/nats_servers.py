"""NATS servers for tests: one, or a cluster of three on loopback, with a network that can be cut in front of each.

Clients reach each server through a small proxy (`Server.client_port`), which can drop and refuse connections.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

PROGRAM = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
START_S = 20  # a loaded machine starts a cluster in some seconds


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nothing uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Proxy:
    """Carry connections to a port, until the network is cut."""

    def __init__(self, target: int) -> None:
        self._target, self._cut, self._open = target, False, set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._cut = True
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Take connections again."""
        self._cut = False

    def close(self) -> None:
        """Stop listening."""
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._cut:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        if sink not in self._open:
            source.close()
            sink.close()
        self._open.discard(source)


class Server:
    """One server; its data stay in its folder when it is stopped, killed or started again."""

    def __init__(
        self, folder: Path, name: str, ports: tuple[int, int, int], routes: list[int], extra: str = ""
    ) -> None:
        self.name, self.folder = name, folder
        self.port, self._cluster_port, self._monitor_port = ports
        self.proxy = Proxy(self.port)
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        cluster = ""
        if routes:
            urls = ", ".join(f'"nats://127.0.0.1:{route}"' for route in routes)
            cluster = (
                f'cluster {{ name: coord, listen: "127.0.0.1:{self._cluster_port}", routes: [{urls}], '
                "no_advertise: true, pool_size: -1 }\n"
            )
        (folder / "server.conf").write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self._monitor_port}"\n'
            f'jetstream {{ store_dir: "{folder}/data", sync_interval: always }}\n{cluster}{extra}'
        )

    @property
    def client_port(self) -> int:
        """The port at which clients reach it, through the proxy."""
        return self.proxy.port

    def start(self) -> None:
        """Start the program; `wait` waits until it is ready."""
        assert PROGRAM, "nats-server is not installed"
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-c", str(self.folder / "server.conf")], stdout=log, stderr=log)

    def ready(self) -> bool:
        """Whether it says that it is healthy, JetStream included."""
        try:
            with urlopen(f"http://127.0.0.1:{self._monitor_port}/healthz", timeout=1) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def wait(self) -> None:
        """Wait until it is ready."""
        end = time.monotonic() + START_S
        while not self.ready():
            assert time.monotonic() < end, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP and SIGCONT."""
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it in order."""
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None


class Servers(list[Server]):
    """Servers that work together."""

    def url(self, stream: str) -> str:
        """Return the URL of a stream on all of them."""
        return f"nats://{','.join(f'127.0.0.1:{each.client_port}' for each in self)}/{stream}"

    def leader(self, stream: str) -> Server:
        """Return the server that leads a stream now."""
        import json

        end = time.monotonic() + START_S
        while time.monotonic() < end:
            for server in self:
                if not server.process:
                    continue
                with contextlib.suppress(OSError, KeyError, ValueError):
                    url = f"http://127.0.0.1:{server._monitor_port}/jsz?streams=true"
                    with urlopen(url, timeout=1) as reply:
                        accounts = json.load(reply).get("account_details", [])
                    names = [
                        detail["cluster"]["leader"]
                        for account in accounts
                        for detail in account.get("stream_detail", [])
                        if detail["name"] == stream
                    ]
                    if names and names[0]:
                        return next(each for each in self if each.name == names[0])
            time.sleep(0.05)
        raise AssertionError(f"nobody leads {stream}")


@contextlib.contextmanager
def nats_servers(folder: Path, count: int = 1, extra: str = "") -> Iterator[Servers]:
    """Run this many servers until the end of the block; three are a cluster. `extra` is more configuration."""
    ports = free_ports(3 * count)
    routes = ports[count : 2 * count] if count > 1 else []
    servers = Servers(
        Server(folder / f"n{n}", f"n{n}", (ports[n], ports[count + n], ports[2 * count + n]), routes, extra)
        for n in range(count)
    )
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.kill()
            server.proxy.close()
