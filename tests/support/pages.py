"""A `coord web` that runs as a process, and requests to it with any headers."""

import json
import os
import re
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from coord.servers.web.access.rules import Served
from tests.support.processes import COORD, GUARD_S, TREE, environment
from tests.support.repositories import Repo

_ADDRESS = re.compile(r"http://(\S+):(\d+)/#key=(\S+)")
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers by their names in lower case, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON document."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error; empty if it is none."""
        return str(self.json["error"]["message"]) if self.status >= 400 else ""


def patched(folder: Path) -> dict[str, str]:
    """The variables with which Python loads the `sitecustomize.py` of a folder."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), TREE)))}


class PageServer:
    """A running `coord web`. Its address is known as soon as this is made."""

    def __init__(
        self, repo: Repo, *options: str, command: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [*command, COORD, "web", "--no-open", *options],
            cwd=repo.root,
            env=environment(repo.home, **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], GUARD_S)[0], "coord web printed nothing"
        self.printed = self.process.stdout.readline()
        found = _ADDRESS.search(self.printed)
        assert found, (self.printed, *self.process.communicate(timeout=GUARD_S))
        self.host, self.port, self.key = found[1], int(found[2]), found[3]
        self.served = Served(self.port, self.key, (self.host,))

    @property
    def address(self) -> str:
        """The address with the key, as it was printed."""
        return self.served.address_with_key

    @property
    def cookie(self) -> dict[str, str]:
        """The header with the cookie."""
        return {"Cookie": f"{self.served.cookie_name}={self.served.cookie}"}

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        """Make a request with exactly these headers, besides `Host` and the length of the body."""
        connection = HTTPConnection(self.host.strip("[]"), self.port, timeout=GUARD_S)
        try:
            headers = headers or {}
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            given = ({"Content-Length": str(len(body))} if body is not None else {}) | headers
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Make a request with the cookie."""
        return self.ask("GET", path, self.cookie | headers)

    def post(self, path: str, value: object, **headers: str) -> Answer:
        """Make a request with the cookie and a JSON body."""
        return self.ask("POST", path, self.cookie | JSON | headers, json.dumps(value).encode())

    def connect(self) -> socket.socket:
        """Open a connection, to send anything."""
        return socket.create_connection((self.host.strip("[]"), self.port), timeout=GUARD_S)

    def send(self, data: bytes, *, ends: bool = False) -> bytes:
        """Send bytes, and return everything that is answered until the end. With `ends`, nothing more can be sent."""
        with self.connect() as connection:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, wait for the end, and return the exit code and what else was printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=GUARD_S)
        return self.process.returncode, out, err


@contextmanager
def serving(repo: Repo, *options: str, **env: str) -> Iterator[PageServer]:
    """Serve the page of a repository for the time of a `with`."""
    server = PageServer(repo, *options, env=env)
    try:
        yield server
    finally:
        server.end(signal.SIGKILL)
