"""A page that is open, as the server sees it: it receives the stream and keeps the tables of the timeline."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.support.pages import PageServer
from tests.support.processes import GUARD_S

Tables = dict[str, dict[str, Any]]


class StreamMessage:
    """One message of a stream: its event, its id, and its data."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.event, self.id = fields["event"], fields.get("id", "")
        self.data: dict[str, Any] = json.loads(fields["data"])

    @property
    def moment(self) -> dict[str, Any]:
        """The moment document."""
        return dict(self.data["moment"])

    @property
    def timeline(self) -> dict[str, Any]:
        """The timeline document."""
        return dict(self.data["timeline"])


class OpenPage:
    """A page that is connected to a server. `id` is that of the state that it has, and `tables` are its rows."""

    def __init__(self, server: PageServer, query: str = "", *, receives_little: bool = False) -> None:
        self.query, self.id, self.retry = query, "", ""
        self.tables: Tables = {}
        self.messages: list[StreamMessage] = []
        self.response: HTTPResponse | None = None
        self._connection: HTTPConnection | None = None
        self.connect(server, receives_little=receives_little)

    def connect(self, server: PageServer, *, receives_little: bool = False) -> None:
        """Connect, or connect again, and name the last state to the server."""
        self.close()
        self._connection = connection = HTTPConnection(server.host.strip("[]"), server.port, timeout=GUARD_S)
        if receives_little:
            connection.sock = socket.socket()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sock.settimeout(GUARD_S)
            connection.sock.connect((server.host.strip("[]"), server.port))
        last = {"Last-Event-ID": self.id} if self.id else {}
        connection.request("GET", f"/api/stream{self.query}", headers=server.cookie | last)
        self.response = connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self._read = self._messages(self.response)

    def close(self) -> None:
        """Disconnect."""
        if self.response:
            self.response.close()
        if self._connection:
            self._connection.close()

    def _messages(self, response: HTTPResponse) -> Iterator[StreamMessage]:
        fields: dict[str, str] = {}
        for line in iter(response.readline, b""):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                yield StreamMessage(fields)
                fields = {}
            else:
                self.retry, fields = fields.get("retry", self.retry), {}

    def next(self) -> StreamMessage:
        """Wait for the next message, and use it."""
        message = next(self._read)
        self.messages.append(message)
        self.id = message.id or self.id
        if message.event == "state":
            if message.timeline["reset"]:
                self.tables = {name: {} for name in message.timeline["tables"]}
            for name, rows in message.timeline["tables"].items():
                for key, row in rows.items():
                    if row is None:
                        self.tables[name].pop(key, None)
                    else:
                        self.tables[name][key] = row
        return message

    def wait_for(self, events: int) -> StreamMessage:
        """Wait until the page has so many events."""
        while (message := self.next()).moment["events"] < events:
            pass
        return message
