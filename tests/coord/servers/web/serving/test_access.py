"""Requests that are refused, over real connections to a real `coord web`, and that nothing is read for them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coord.servers.web.access.rules import HEADERS, MAX_BODY, Served
from tests.support.pages import JSON, PageServer, patched, serving
from tests.support.processes import until
from tests.support.repositories import Repo, bare, install

PATHS = ("/plain", "/api/moment", "/api/stream", "/api/timeline", "/api/story?about=x", "/api/search?text=x")
POSTS = ("/api/act", "/api/effect")
BODY = b'{"action": "send", "fields": {}}'
FOREIGN = {"Origin": "http://site.example"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """One page for all tests here: none of them changes anything."""
    with contextmanager(bare)(tmp_path_factory.mktemp("page")) as repo, serving(install(repo)) as server:
        yield server


def refused(page: PageServer, status: int, method: str, path: str, **headers: str) -> None:
    """Make a request that must be refused; names of headers have underscores for hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = page.ask(method, path, given, BODY if method == "POST" else None)
    assert answer.status == status, (method, path, given, answer)
    assert answer.json["error"].keys() == {"code", "message"}
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert_headers(answer.headers)


def assert_headers(headers: dict[str, str]) -> None:
    """Check that an answer has all headers of the rules."""
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


def test_only_the_opening_page_and_files_need_no_cookie(page: PageServer) -> None:
    for path in PATHS:
        refused(page, 401, "GET", path)
    for path in POSTS:
        refused(page, 401, "POST", path, **{"Content-Type": "application/json"})
    for path in ("/", "/static/page.js", "/static/style.css"):
        answer = page.ask("GET", path)
        assert answer.status == 200
        assert_headers(answer.headers)
    assert b"opening.js" in page.ask("GET", "/").body
    assert b"page.js" in page.get("/").body


def test_a_wrong_cookie_is_refused(page: PageServer, tmp_path: Path) -> None:
    name, port = page.served.cookie_name, page.port
    values = ["", page.key, page.served.cookie[:-1], page.served.cookie.upper(), Served(port, "x" * 43).cookie]
    for text in [f"{name}={value}" for value in values] + [f"coord-{port + 1}={page.served.cookie}"]:
        refused(page, 401, "GET", "/api/moment", Cookie=text)
    refused(page, 401, "GET", "/api/moment", Cookie=f"{name}={Served(port + 1, page.key).cookie}")


def test_a_page_of_another_site_is_refused(page: PageServer) -> None:
    origins = ["http://site.example", "null", f"http://127.0.0.1:{page.port + 1}", f"https://127.0.0.1:{page.port}"]
    for origin in origins:
        for path in ("/", "/static/page.js", *PATHS):
            refused(page, 403, "GET", path, Origin=origin, **page.cookie)
        for path in ("/api/open", *POSTS):
            refused(page, 403, "POST", path, Origin=origin, **page.cookie, **JSON)
    for site in ("cross-site", "same-site"):
        for path in ("/", "/static/page.js", "/open", *PATHS):
            refused(page, 403, "GET", path, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors", **page.cookie)


def test_a_rebinding_host_is_refused(page: PageServer) -> None:
    for host in ("rebound.example", f"rebound.example:{page.port}", "127.0.0.1", f"127.0.0.1:{page.port + 1}", ""):
        for path in ("/", "/static/page.js", "/open?key=" + page.key, *PATHS):
            refused(page, 403, "GET", path, Host=host, **page.cookie)
        refused(page, 403, "POST", "/api/act", Host=host, Origin=f"http://{host}", **page.cookie, **JSON)


def test_all_names_of_this_machine_are_answered(page: PageServer) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = f"{name}:{page.port}"
        assert page.get("/", Host=host, Origin=f"http://{host}").status == 200


def test_a_form_cannot_change_anything(page: PageServer) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""):
        for path in ("/api/open", *POSTS):
            refused(page, 415, "POST", path, Content_Type=kind, **page.cookie)
    answer = page.ask("POST", "/api/act", page.cookie, BODY)
    assert answer.status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(page: PageServer, method: str) -> None:
    for path in ("/", "/api/moment", "/api/act", "/static/page.js"):
        refused(page, 405, method, path, **page.cookie)
    answer = page.ask("HEAD", "/", page.cookie)
    assert (answer.status, answer.body) == (405, b"")


def test_a_preflight_gets_no_permission(page: PageServer) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = page.ask("OPTIONS", "/api/act", FOREIGN | asked)
    assert answer.status >= 400
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_websockets_are_refused(page: PageServer) -> None:
    words = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    words |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for path in ("/", "/api/stream", "/static/page.js"):
        answer = page.ask("GET", path, words | page.cookie | {"Origin": f"http://127.0.0.1:{page.port}"})
        assert answer.status == 403, path


def test_a_long_body_is_refused(page: PageServer) -> None:
    refused(page, 413, "POST", "/api/act", **page.cookie, **JSON, **{"Content-Length": str(MAX_BODY + 1)})
    head = f"POST /api/act HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nCookie: {page.cookie['Cookie']}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with page.connect() as connection:
        connection.sendall(head.encode())
        for _ in range(MAX_BODY // 0x10000):
            connection.sendall(chunk)
        connection.sendall(b"1\r\n")
        connection.sendall(b"x\r\n")
        assert b"413" in connection.recv(100)


def test_headers_that_are_sent_twice_are_refused(page: PageServer) -> None:
    host = f"Host: 127.0.0.1:{page.port}\r\n"
    cookie = f"Cookie: {page.cookie['Cookie']}\r\n"
    for lines in (host + host + cookie, host + cookie + f"Origin: http://127.0.0.1:{page.port}\r\nOrigin: null\r\n"):
        answer = page.send(f"GET /api/moment HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        assert answer.split(b" ", 2)[1] in (b"400", b"403"), answer
    answer = page.send(f"GET /api/moment HTTP/1.0\r\n{cookie}\r\n".encode())
    assert answer.split(b" ", 2)[1] == b"403", "a request without Host"
    answer = page.send(f"GET / HTTP/1.1\r\n{host}{cookie}Connection: close\r\n\r\n".encode())
    assert answer.split(b" ", 2)[1] == b"200"


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"),
        *("/static/%00", "/static/....//app.py", "/static/", "/static/core", "/static/\\..\\app.py"),
    ],
)
def test_no_other_file_can_be_read(page: PageServer, path: str) -> None:
    for headers in ({}, page.cookie):
        answer = page.ask("GET", path, headers)
        assert answer.status == 404
        assert b"Starlette" not in answer.body
        assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "path", ["/no-such-page", "/api", "/api/", "/api/moment/x", "/log", "//", "/templates/page.html"]
)
def test_unknown_paths_are_json_errors(page: PageServer, path: str) -> None:
    assert page.ask("GET", path).status == 401
    answer = page.get(path)
    assert answer.status == 404
    assert answer.error == "there is no such page."
    assert_headers(answer.headers)


def test_a_route_refuses_the_other_method(page: PageServer) -> None:
    for path in ("/", "/plain", "/api/moment", "/api/stream", "/static/page.js"):
        assert page.post(path, {}).status == 405, path
    for path in ("/api/act", "/api/effect", "/api/open"):
        assert page.get(path).status == 405, path


def test_the_key_opens_the_page(page: PageServer) -> None:
    for path, answer in {
        "/api/open": page.ask("POST", "/api/open", JSON, json.dumps({"key": page.key}).encode()),
        "/open": page.ask("GET", f"/open?key={page.key}"),
    }.items():
        cookie = answer.headers["set-cookie"]
        assert cookie == (f"{page.served.cookie_name}={page.served.cookie}; HttpOnly; Path=/; SameSite=strict"), path
        assert page.key not in str(answer.headers) + answer.body.decode()
    assert page.ask("GET", f"/open?key={page.key}").headers["location"] == "/plain"


def test_a_wrong_key_opens_nothing(page: PageServer) -> None:
    bodies: list[object] = [{}, {"key": ""}, {"key": page.key[:-1]}, {"key": None}, {"key": 3}, [], "x", {"key": "é"}]
    for body in bodies:
        answer = page.ask("POST", "/api/open", JSON, json.dumps(body).encode())
        assert answer.status == 403, body
        assert "set-cookie" not in answer.headers
    assert page.ask("POST", "/api/open", JSON, b"\xff{").status == 403
    for query in ("", "?key=", f"?key={page.key[:-1]}", "?key=%ff%00", f"?key=x&key={page.key}x"):
        refused(page, 403, "GET", f"/open{query}")


def test_clients_that_send_slowly_do_not_block_others(page: PageServer) -> None:
    held = [page.connect() for _ in range(60)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: "[: 5 + number % 18])
        body = [page.connect() for _ in range(5)]
        for connection in body:
            head = f"POST /api/act HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nCookie: {page.cookie['Cookie']}\r\n"
            connection.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
        held += body
        assert page.get("/").status == 200
    finally:
        for connection in held:
            connection.close()
    assert page.get("/").status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"A" * 100_000,
        b"GET /\x00 HTTP/1.1\r\n\r\n",
    ],
)
def test_invalid_bytes_end_only_their_connection(page: PageServer, data: bytes) -> None:
    try:
        answer = page.send(data, ends=True)
    except (ConnectionResetError, BrokenPipeError):
        answer = b""
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"403")
    assert page.get("/").status == 200


_AUDIT = """
import os, sys
folder, record = os.environ["WATCHED"], os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "subprocess.Popen"):
        text = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else "?"
        if text.startswith(folder) or event == "subprocess.Popen":
            os.write(record, f"{event} {text}\\n".encode())
sys.addaudithook(note)
"""


@pytest.fixture
def audited(repo: Repo, tmp_path: Path) -> Iterator[tuple[PageServer, Path]]:
    """A page whose process records every file of the folder that it opens, and every program that it starts."""
    patch, opened = tmp_path / "patch", tmp_path / "opened"
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(_AUDIT)
    with serving(repo, **patched(patch), WATCHED=str(repo.folder), OPENED=str(opened)) as page:
        yield page, opened


def test_nothing_is_read_for_a_refused_request(audited: tuple[PageServer, Path]) -> None:
    page, opened = audited
    until(lambda: "web-" in opened.read_text(), "the record of the server")
    page.get("/")
    before = opened.read_text()
    for path in PATHS:
        refused(page, 401, "GET", path)
        refused(page, 403, "GET", path, Host="rebound.example", **page.cookie)
        refused(page, 403, "GET", path, Origin="http://site.example", **page.cookie)
        refused(page, 403, "GET", path, Upgrade="websocket", Connection="Upgrade", **page.cookie)
    for path in POSTS:
        refused(page, 401, "POST", path, **JSON)
        refused(page, 403, "POST", path, Host="rebound.example", **page.cookie, **JSON)
        refused(page, 403, "POST", path, Origin="http://site.example", **page.cookie, **JSON)
        refused(page, 415, "POST", path, Content_Type="text/plain", **page.cookie)
    with socket.create_connection(("127.0.0.1", page.port)):
        assert opened.read_text() == before
