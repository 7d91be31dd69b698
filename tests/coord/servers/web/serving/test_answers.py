"""What a real `coord web` answers: the moment, the board without JavaScript, streams, and errors as JSON."""

import signal
import socket
from typing import Any

import pytest

from tests.support.pages import PageServer, serving
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


def text_of(sections: list[dict[str, Any]]) -> str:
    """All text of sections."""
    rows = [row for section in sections for row in section["rows"]]
    pieces = [
        piece for row in rows for part in (*row["columns"], row["extra"], row["text"], row["below"]) for piece in part
    ]
    return "".join(text for text, _ in pieces)


def open_stream(page: PageServer, query: str = "") -> socket.socket:
    """Open a stream, and wait for its first bytes."""
    connection = page.connect()
    head = f"GET /api/stream{query} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nCookie: {page.cookie['Cookie']}\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def test_the_moment_follows_the_log(repo: Repo, page: PageServer) -> None:
    shell, session = repo.sessions(1)[0]
    before = page.get("/api/moment").json
    assert (before["live"], before["counts"]["claims"], before["me"]) == (True, 0, None)
    shell.ok("coord claim droplet x")
    shell.ok("coord release droplet x")
    events = page.get("/api/moment").json["events"]
    claimed = page.get(f"/api/moment?at={session}/2").json
    assert "droplet/x" in text_of(claimed["claims"])
    assert claimed["live"] is False
    assert page.get(f"/api/moment?at={session}/2&step=1").json["event"] == f"{session}/3"
    assert page.get(f"/api/moment?at={session}/2&step=-1").json["event"] == f"{session}/1"
    assert page.get("/api/moment?step=-1").json["events"] == events - 1


def test_wrong_times_are_errors_of_the_command(repo: Repo, page: PageServer) -> None:
    repo.sessions(1)
    for query, text in {
        "?at=nonsense": "'nonsense' is not a time",
        "?at=" + "x" * 5000: "is not a time",
        "?at=%00%ff": "is not a time",
        "?at=no-such-zzzz/1": "no-such-zzzz/1",
        "?step=x": "step is a number of events, not 'x'",
        "?step=" + "9" * 5000: "step is a number of events",
    }.items():
        answer = page.get(f"/api/moment{query}")
        assert (answer.status, answer.json["error"]["code"]) == (400, 2), query
        assert text in answer.error
        if "at=" in query:
            shown = page.get(f"/plain{query}")
            assert shown.status == 400
            assert b'class="problems"' in shown.body


def test_the_plain_board_shows_what_the_page_shows(repo: Repo, page: PageServer) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet '<script>x</script>'")
    two.ok(f"coord send {first} 'Are you there?' '<b>bold</b> & more' --needs-ack")
    body = page.get("/plain").body.decode()
    for text in (
        "droplet/&lt;script&gt;x&lt;/script&gt;",
        "Are you there?",
        "&lt;b&gt;bold&lt;/b&gt; &amp; more",
        second,
    ):
        assert text in body
    assert "<script" not in body
    past = page.get(f"/plain?at={first}/1").body.decode()
    assert "As it was" in past
    assert "Are you there?" not in past


def test_a_read_only_page_says_so(repo: Repo) -> None:
    with serving(repo, "--read-only") as page:
        assert page.printed.startswith("The page, read-only: http://")
        assert page.get("/api/moment").json["read_only"] is True
        answer = page.post("/api/act", {"action": "send", "fields": {}})
        assert (answer.status, "--read-only" in answer.error) == (403, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_open_streams_end_with_the_server(repo: Repo, number: signal.Signals) -> None:
    with serving(repo) as page:
        streams = [open_stream(page), open_stream(page, "?only=needs"), open_stream(page)]
        assert page.end(number)[::2] == (128 + number, "")
        for connection in streams:
            with connection.makefile("rb") as file:
                data = file.read()
            assert data.endswith(b"\r\n0\r\n\r\n"), "it ends as a complete answer, not as a broken connection"
            connection.close()


def test_a_stream_ends_when_its_browser_is_gone(page: PageServer) -> None:
    open_stream(page).close()
    assert page.get("/api/moment").status == 200
    assert page.end()[2] == ""


def test_a_folder_that_is_removed_is_shown_on_the_page(repo: Repo, page: PageServer) -> None:
    shell, _ = repo.sessions(1)[0]
    assert page.get("/api/moment").status == 200
    shell.ok("rm -r COORDINATION")
    until(lambda: page.get("/api/moment").status == 503, "the error")
    answer = page.get("/api/moment")
    assert answer.json["error"]["code"] == 4
    assert page.get("/plain").status == 503
    assert page.get("/").status == 200
    code, _, err = page.end(signal.SIGINT)
    assert (code, "Traceback" in err) == (130, False)
    assert not repo.folder.exists(), "the end of the server does not create it again"


def test_no_request_writes_into_the_folder(repo: Repo, page: PageServer) -> None:
    repo.sessions(1)
    before = repo.bytes()
    for path in ("/", "/plain", "/api/moment", "/api/moment?at=1m", "/api/timeline", "/api/search?text=x", "/static/x"):
        page.get(path)
    open_stream(page).close()
    assert repo.bytes() == before
