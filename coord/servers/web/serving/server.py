"""Serve the page of a folder until a signal ends the server.

One process serves a folder for one user: a second one names the first and opens its page. The sockets are open before
the address is printed. An idle server uses no processor time: uvicorn's own loop, which wakes ten times a second,
is replaced.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from math import inf
from socket import socket
from threading import Thread
from typing import Any

import uvicorn
from msgspec import Struct
from msgspec.structs import replace

from coord.engine.machine_lock import under_lock
from coord.engine.run import Run
from coord.errors import CoordError, from_os_error, refused
from coord.servers.child_process import Commands
from coord.servers.web.access.middleware import AccessMiddleware
from coord.servers.web.access.peers import allowed_users
from coord.servers.web.access.rules import Served, new_key
from coord.servers.web.actions.handler import ActionHandler
from coord.servers.web.app import Services, make_app
from coord.servers.web.live.follower import Follower
from coord.servers.web.live.view import LiveView
from coord.servers.web.moments import MomentMaker
from coord.servers.web.serving.browser import open_browser, why_not
from coord.servers.web.serving.record import (
    ServerRecord,
    clear_server,
    read_record,
    serving_record,
    write_record,
)
from coord.servers.web.serving.sockets import Listening, is_loopback, listening_on, open_sockets
from coord.workspace.identity import own_anchor
from eventlog.errors import LogError
from eventlog.events import Anchor

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_END_WAIT_S = 2  # for the machine's lock at the end
_BROWSER_S = 5  # for a browser to start
_PATIENCE_S = 3  # for answers that are being computed at the end


class ServeOptions(Struct, frozen=True):
    """The options of `coord web` that say how to serve."""

    port: int | None = None
    host: str = "localhost"
    insecure_host: bool = False
    read_only: bool = False
    opens_browser: bool = True


def serve(run: Run, options: ServeOptions) -> None:
    """Serve the page until a signal ends it. Raises CoordError with 128 and the number of the signal."""
    where = listening_on(options.host, options.insecure_host)
    if not os.path.isdir(run.workspace.log):
        run.read_state()  # raises an error if the log was in use and is missing
    with _locked(run):
        record = read_record(run.workspace)
        other = serving_record(run.system, record)
        own = None if other else _open_address(run, where, options, record)
    if own is None:
        assert other is not None
        _use_other(run, other, options)
        return
    services = _start_services(run, own.served, options)
    try:
        _announce(run, services, options, is_recorded=own.is_recorded)
        number = asyncio.run(_serve(services, own.sockets, run.note))
    finally:
        for each in own.sockets:
            each.close()
        services.close()
        with _locked(run, _END_WAIT_S):
            clear_server(run.workspace, own.server)
    raise CoordError(128 + number, "")


class _OwnAddress(Struct):
    """The open sockets of this process, what they serve, and whether the record contains it."""

    sockets: list[socket]
    served: Served
    server: Anchor | None
    is_recorded: bool


def _open_address(run: Run, where: Listening, options: ServeOptions, before: ServerRecord | None) -> _OwnAddress:
    """Open the sockets, with the port and the key that were used before if possible, and write the record."""
    sockets = open_sockets(where, options.port, before.port if before else 0)
    port, key, server = sockets[0].getsockname()[1], before.key if before else new_key(), own_anchor(run.system)
    record = ServerRecord(port, key, where.names, server, options.read_only)
    is_recorded = server is not None and write_record(run.workspace, record)
    return _OwnAddress(sockets, Served(port, key, where.names), server, is_recorded)


def _start_services(run: Run, served: Served, options: ServeOptions) -> Services:
    system, workspace, read_only = run.system, run.workspace, options.read_only
    actions = ActionHandler(system, workspace, read_only=read_only, session=run.session)
    moments = MomentMaker(system, workspace, actions.session_in, read_only=read_only)
    return Services(
        system,
        workspace,
        served,
        read_only,
        moments=moments,
        live=Follower(LiveView(system, workspace, moments.present), workspace.log, system.wall),
        commands=Commands(workspace.folder, workspace.root, system.env),
        actions=actions,
    )


@contextmanager
def _locked(run: Run, wait_s: float = inf) -> Iterator[None]:
    """Hold the lock, if there can be one: a folder that is read-only has none. Wait at most `wait_s` seconds."""
    config = replace(run.config, lock_wait_seconds=min(wait_s, run.config.lock_wait_seconds))
    lock = under_lock(run.system, run.workspace, config)
    try:
        lock.__enter__()
    except (LogError, OSError, CoordError):
        yield
        return
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _use_other(run: Run, record: ServerRecord, options: ServeOptions) -> None:
    """Name the server that serves this folder already, and open its page.

    Raises CoordError (1) if it does not serve as the options say.
    """
    served = Served(record.port, record.key, record.names)
    pid = record.server.pid if record.server else 0
    end = f"To end it: kill {pid}"
    different = [
        text
        for is_different, text in (
            (options.port not in (None, record.port), f"at port {record.port}"),
            (listening_on(options.host, options.insecure_host).names != record.names, f"on {record.names[0]}"),
            (options.read_only != record.read_only, "read-only" if record.read_only else "not read-only"),
        )
        if is_different
    ]
    if different:
        raise refused(
            f"process {pid} serves this folder already, {' and '.join(different)}. Nothing was started. {end}"
        )
    text = f"process {pid} serves this folder already: {served.address_with_key}\n{end}"
    run.say(text, _data(served, pid, record.read_only, started=False))
    if opening := _open(run, served, options):
        opening.join(_BROWSER_S)  # this process ends now


def _announce(run: Run, services: Services, options: ServeOptions, *, is_recorded: bool) -> None:
    served = services.served
    if not is_recorded:
        run.note(
            "this folder cannot be written, so the key of the page is only in memory: after a restart, open the new "
            "address"
        )
    if not is_loopback(served.names):
        run.note(
            f"everyone who reaches {served.names[0]} can reach the page, and it is not encrypted: anyone who can read "
            "the traffic can read everything and act in your name. Ctrl-C ends it"
        )
    kind = "The page, read-only" if services.read_only else "The page"
    text = f"{kind}: {served.address_with_key}\nCtrl-C ends it."
    run.say(text, _data(served, run.system.pid, services.read_only, started=True))
    _open(run, served, options)


def _data(served: Served, pid: int, read_only: bool, *, started: bool) -> dict[str, Any]:
    return {
        "address": served.address_with_key,
        "port": served.port,
        "pid": pid,
        "read_only": read_only,
        "started": started,
    }


def _open(run: Run, served: Served, options: ServeOptions) -> Thread | None:
    reason = why_not(run.system.env)
    if options.opens_browser and reason:
        run.note(reason)
    return open_browser(served.address_with_key) if options.opens_browser and not reason else None


class _Server(uvicorn.Server):
    """A server of uvicorn that waits for a signal instead of polling ten times a second."""

    def __init__(self, config: uvicorn.Config, guard: AccessMiddleware) -> None:
        super().__init__(config)
        self._guard, self.ended = guard, asyncio.Event()

    def capture_signals(self) -> Any:
        """Install no handlers: `_serve` handles the signals."""
        return nullcontext()

    async def main_loop(self) -> None:
        """Wait for the signal."""
        await self.ended.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams at once, and let other answers end."""
        self._guard.end_streams()
        await super().shutdown(sockets)


async def _serve(services: Services, sockets: list[socket], report: Any) -> int:
    """Serve until a signal, and return its number."""
    guard = AccessMiddleware(make_app(services), services.served, allowed_users(services.system.env), report)
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # failures are reported by the guard
    logging.getLogger("uvicorn").propagate = False
    config = uvicorn.Config(
        guard,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    server, caught = _Server(config, guard), list[int]()

    def end(number: int) -> None:
        caught.append(number)
        server.force_exit = len(caught) > 1
        server.ended.set()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        await server.serve(sockets)
    except OSError as error:
        raise from_os_error(error) from None
    return caught[0]
