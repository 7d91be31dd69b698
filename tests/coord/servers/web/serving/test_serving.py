"""`coord web` as a process: one for each folder and user, its address after a restart, and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coord.servers.web.serving.record import ServerRecord
from eventlog.local.files import try_lock
from tests.support.pages import PageServer, patched, serving
from tests.support.processes import COORD, alive, can_unshare, environment, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def record_of(repo: Repo) -> dict[str, object]:
    """The record of the repository's server."""
    (path,) = (repo.folder / ".cache").glob("web-*.json")
    record: dict[str, object] = json.loads(path.read_text())
    return record


def web(repo: Repo, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a `coord web` that ends by itself."""
    return subprocess.run(
        [COORD, "web", *options],
        cwd=repo.root,
        env=environment(repo.home, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_a_second_one_names_the_first(repo: Repo, page: PageServer) -> None:
    again = web(repo, "--no-open")
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        f"process {page.process.pid} serves this folder already: {page.address}",
        f"To end it: kill {page.process.pid}",
    ]
    document = json.loads(web(repo, "--no-open", "--json").stdout)
    assert document == {
        "address": page.address,
        "port": page.port,
        "pid": page.process.pid,
        "read_only": False,
        "started": False,
    }
    assert page.get("/").status == 200


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--read-only",), "not read-only"),
        (("--port", "1"), "at port"),
        (("--host", "10.0.0.1", "--insecure-host"), "on 127.0.0.1"),
    ],
)
def test_a_second_one_that_would_serve_differently_is_refused(
    repo: Repo, page: PageServer, options: tuple[str, ...], text: str
) -> None:
    again = web(repo, "--no-open", *options)
    assert (again.returncode, again.stdout) == (1, "")
    assert f"process {page.process.pid} serves this folder already, {text}" in again.stderr
    assert f"To end it: kill {page.process.pid}" in again.stderr


def test_the_address_and_the_cookie_survive_a_restart(repo: Repo) -> None:
    with serving(repo) as page:
        cookie = page.cookie
        page.end(signal.SIGINT)
        assert "server" not in record_of(repo)
        with serving(repo) as again:
            assert again.address == page.address
            assert again.ask("GET", "/plain", cookie).status != 401


def test_the_address_survives_a_killed_server(repo: Repo) -> None:
    with serving(repo) as page:
        page.end(signal.SIGKILL)
        with serving(repo) as again:
            assert again.address == page.address
            assert record_of(repo)["server"]["pid"] == again.process.pid  # type: ignore[index]


def test_another_port_is_used_if_the_last_one_is_taken(repo: Repo) -> None:
    with serving(repo) as page:
        page.end()
        with socket.create_server(("127.0.0.1", page.port)), serving(repo) as again:
            assert again.port != page.port
            assert again.key == page.key
            assert again.get("/").status == 200
        with socket.create_server(("127.0.0.1", page.port)):
            taken = web(repo, "--no-open", "--port", str(page.port))
        assert taken.returncode == 1
        assert f"port {page.port} cannot be used: Address already in use" in taken.stderr


def test_both_addresses_of_this_machine_have_one_port(page: PageServer) -> None:
    with socket.create_connection(("127.0.0.1", page.port)):
        pass
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6")
    with socket.create_connection(("::1", page.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: [::1]:{page.port}\r\n\r\n".encode())
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_two_folders_have_two_servers(repo: Repo, page: PageServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run([COORD, "init"], cwd=other, env=environment(repo.home), check=True, capture_output=True)
    with serving(repo, "--root", str(other)) as second:
        assert second.port != page.port
        assert second.key != page.key
        assert second.ask("GET", "/api/moment", page.cookie).status == 401
        assert page.ask("GET", "/api/moment", second.cookie).status == 401


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_cleanly(repo: Repo, number: signal.Signals) -> None:
    with serving(repo) as page:
        held = [page.connect() for _ in range(3)]
        held[0].sendall(b"GET / HTTP/1.1\r\nHost")
        assert page.get("/").status == 200
        code, _, err = page.end(number)
        assert (code, err) == (128 + number, "")
        assert "server" not in record_of(repo)
        for connection in held:
            connection.close()


def test_a_signal_with_json_is_a_json_error(repo: Repo) -> None:
    process = subprocess.Popen(
        [COORD, "web", "--no-open", "--json"],
        cwd=repo.root,
        env=environment(repo.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    text = "".join(iter(process.stdout.readline, "}\n")) + "}"
    assert json.loads(text)["started"] is True
    until(lambda: _answers(json.loads(text)["port"]), "an answer")
    process.terminate()
    _, err = process.communicate(timeout=90)
    assert process.returncode == 143
    assert json.loads(err) == {"error": {"code": 143, "message": "ended by SIGTERM"}}


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        return bool(connection.recv(1))


def test_a_signal_right_at_the_start_leaves_no_server(repo: Repo) -> None:
    for delay in range(4):
        page = PageServer(repo)
        if delay:
            page.get("/")
        code, _, err = page.end(signal.SIGTERM)
        assert code in (143, -signal.SIGTERM)
        assert "Traceback" not in err
        assert not alive(page.process.pid)


def test_without_the_extra_the_command_to_install_it_is_named(repo: Repo, tmp_path: Path) -> None:
    for name in ("starlette", "uvicorn", "jinja2"):
        hidden = tmp_path / name
        hidden.mkdir()
        (hidden / "sitecustomize.py").write_text(f"import sys\nsys.modules[{name!r}] = None\n")
        done = web(repo, "--no-open", **patched(hidden))
        assert (done.returncode, done.stdout) == (2, ""), name
        assert "uv tool install 'coord[web]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_served(repo: Repo) -> None:
    if not can_unshare("-m"):
        pytest.skip("no mounts")
    mount = f'mount --bind {repo.folder} {repo.folder} && mount -o remount,ro,bind {repo.folder} && exec "$@"'
    page = PageServer(repo, command=("unshare", "-m", "sh", "-c", mount, "sh"))
    try:
        assert page.get("/").status == 200
        assert not list((repo.folder / ".cache").glob("web-*"))
        code, _, err = page.end(signal.SIGINT)
        assert (code, "the key of the page is only in memory" in err) == (130, True)
    finally:
        page.end(signal.SIGKILL)


def test_a_lock_that_is_held_does_not_stop_it(repo: Repo) -> None:
    repo.set(lock_wait_seconds=0.2)
    held = os.open(repo.log / ".lock", os.O_RDWR | os.O_CREAT)
    try:
        assert try_lock(held)
        with serving(repo) as page:
            assert page.get("/").status == 200
            assert page.end(signal.SIGINT)[0] == 130
    finally:
        os.close(held)


def test_without_a_log_the_usual_error_is_printed(bare_repo: Repo) -> None:
    done = web(bare_repo, "--no-open")
    assert (done.returncode, done.stdout) == (4, "")
    assert "has no COORDINATION/ yet" in done.stderr


def test_a_removed_log_is_the_usual_error(repo: Repo) -> None:
    shell, _ = repo.sessions(1)[0]
    shell.ok("coord claim droplet x")
    subprocess.run(["rm", "-r", str(repo.log), str(repo.folder / ".cache")], check=True)
    done = web(repo, "--no-open")
    assert (done.returncode, done.stdout) == (4, ""), done
    assert done.stderr == shell.run("coord status").err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_an_unspecified_address_is_refused(repo: Repo, host: str) -> None:
    done = web(repo, "--no-open", "--host", host, "--insecure-host")
    assert done.returncode == 2
    assert "a browser cannot open the address" in done.stderr


@pytest.mark.parametrize("host", ["10.1.2.3", "shop.example", "192.168.0.1"])
def test_other_hosts_need_the_insecure_option(repo: Repo, host: str) -> None:
    done = web(repo, "--no-open", "--host", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert "without encryption" in done.stderr
    assert "--insecure-host" in done.stderr
    assert not list((repo.folder / ".cache").glob("web-*"))


def _own_address() -> str:
    """An address of this machine that is not loopback; empty if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def test_the_network_is_served_only_under_the_named_host(repo: Repo) -> None:
    host = _own_address()
    if not host or host.startswith("127."):
        pytest.skip("this machine has no other address")
    with serving(repo, "--host", host, "--insecure-host") as page:
        assert page.host == host
        assert page.get("/").status == 200
        assert page.get("/", Host=f"127.0.0.1:{page.port}").status == 403
        assert page.ask("GET", "/api/moment").status == 401
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", page.port))
        assert "not encrypted" in page.end()[2]


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"SSH_CONNECTION": "1 2 3 4", "DISPLAY": ":0"}, "over ssh"),
        ({"DISPLAY": "", "WAYLAND_DISPLAY": ""}, "there is no display"),
    ],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="there is always a display")
def test_it_says_why_no_browser_is_opened(repo: Repo, page: PageServer, env: dict[str, str], text: str) -> None:
    done = web(repo, **env)
    assert (done.returncode, done.stdout.splitlines()[0].endswith(page.address)) == (0, True)
    assert text in done.stderr


def test_the_browser_of_the_environment_gets_the_address(repo: Repo, page: PageServer, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new\nmv {opened}.new {opened}\n')
    browser.chmod(0o755)
    assert web(repo, BROWSER=f"{browser} %s", SSH_CONNECTION="1 2 3 4").returncode == 0
    until(opened.exists, "the browser")
    assert opened.read_text() == page.address


def test_an_idle_server_uses_no_processor_time(page: PageServer) -> None:
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("no /proc")
    page.get("/")

    def switches() -> int:
        rows = Path(f"/proc/{page.process.pid}/status").read_text().splitlines()
        return sum(int(row.split()[1]) for row in rows if "ctxt_switches" in row)

    until(lambda: _stays_equal(switches), "an idle server")


def _stays_equal(count: "object") -> bool:
    import time

    assert callable(count)
    before = count()
    time.sleep(0.5)  # uvicorn's own loop would wake five times
    return bool(count() == before)


def test_a_record_is_of_the_form_that_the_next_version_reads(repo: Repo, page: PageServer) -> None:
    fields = record_of(repo)
    assert set(fields) == {"port", "key", "names", "server"}
    assert set(fields) <= set(ServerRecord.__struct_fields__)
    assert page.served.key == fields["key"]
