"""Other users of the machine, who have the key, see nothing: neither the record nor an answer."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coord.servers.web.access.peers import allowed_users, foreign_user
from tests.support.pages import PageServer, serving
from tests.support.processes import have
from tests.support.repositories import Repo

NOBODY, ANOTHER = 65534, 65533
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's table is that of Linux")
ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not have("setpriv"), reason="only root can be another user"
)
_GET = """
import json, sys
from http.client import HTTPConnection
connection = HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.request("GET", sys.argv[2], headers=json.loads(sys.argv[3]))
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def as_user(user: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program as another user."""
    command = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


def get_as(user: int, page: PageServer, path: str, headers: dict[str, str]) -> str:
    """Make a request as another user; the status and the body."""
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    done = as_user(user, python, "-c", _GET, str(page.port), path, json.dumps(headers))
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def connection(address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection within this machine: the client's and the server's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server:
                yield client, server


@LINUX
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_user_of_a_connection_is_found(address: str) -> None:
    if address == "::1" and not os.path.exists("/proc/net/tcp6"):
        pytest.skip("no IPv6")
    with connection(address) as (client, server):
        ends = client.getsockname()[:2], server.getsockname()[:2]
        assert not foreign_user(*ends, frozenset({os.geteuid()}))
        assert foreign_user(*ends, frozenset({os.geteuid() + 1}))


@LINUX
def test_a_connection_that_its_client_closed_is_refused() -> None:
    own = frozenset({os.geteuid()})
    with connection("127.0.0.1") as (client, server):
        ends = client.getsockname()[:2], server.getsockname()[:2]
        client.shutdown(socket.SHUT_WR)
        assert foreign_user(*ends, own)
    with connection("127.0.0.1") as (client, server):
        ends = client.getsockname()[:2], server.getsockname()[:2]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.close()
        assert foreign_user(*ends, own), "it was reset, and has left the table"


@LINUX
@pytest.mark.parametrize("client", ["fe80::1%eth0", "", "not an address", "::"])
def test_a_client_with_a_zone_in_its_address_is_not_refused(client: str) -> None:
    """The cookie decides about it."""
    assert not foreign_user((client, 1), ("fe80::2%eth0", 2), frozenset())


def test_root_and_who_became_root_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for user, env, allowed in (
        (1000, {}, {1000, 0}),
        (1000, {"SUDO_UID": "1001"}, {1000, 0}),
        (0, {"SUDO_UID": "1001"}, {1001, 0}),
        (0, {"SUDO_UID": "-1"}, {0}),
    ):
        monkeypatch.setattr("coord.servers.web.access.peers.user_id", lambda user=user: user)
        assert allowed_users(env) == allowed


@LINUX
@ROOT
def test_another_user_with_the_cookie_is_refused(page: PageServer) -> None:
    for path in ("/", "/api/moment", "/static/page.js", f"/open?key={page.key}"):
        assert get_as(NOBODY, page, path, page.cookie).startswith("403 "), path
    assert page.get("/").status == 200


@ROOT
def test_another_user_cannot_read_the_record(page: PageServer, repo: Repo) -> None:
    record = repo.folder / ".cache" / f"web-{os.geteuid()}.json"
    for folder in (record, *record.parents):
        if folder.is_dir() and folder != folder.parent:
            os.chmod(folder, folder.stat().st_mode | 0o755)
    assert page.key in record.read_text()
    assert record.stat().st_mode & 0o777 == 0o600
    done = as_user(NOBODY, "cat", str(record))
    assert (done.returncode, done.stdout) == (1, "")


@LINUX
@ROOT
def test_sudo_serves_the_page_to_both_users(repo: Repo) -> None:
    with serving(repo, SUDO_UID=str(NOBODY)) as page:
        assert get_as(NOBODY, page, "/", {}).startswith("200 ")
        assert get_as(ANOTHER, page, "/", page.cookie).startswith("403 ")
