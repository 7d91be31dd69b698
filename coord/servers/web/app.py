"""The routes of the page. Each handler is thin: other modules compute the answers.

Handlers that read the log are plain functions: Starlette runs them in threads, so that they do not block the streams.
"""

import asyncio
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from coord.errors import NO_LOG, NO_SESSION, REFUSED, USAGE, CoordError, from_os_error, usage_error
from coord.render.format import line
from coord.servers.child_process import Commands
from coord.servers.web.access.rules import Served
from coord.servers.web.actions.handler import ActionHandler
from coord.servers.web.live.follower import Follower
from coord.servers.web.live.stream import stream, timeline
from coord.servers.web.live.view import LiveView
from coord.servers.web.moments import MomentMaker
from coord.servers.web.plain import plain_error, plain_page
from coord.servers.web.stories import find, story
from coord.workspace.paths import Workspace
from coord.workspace.system import System

_HERE = Path(__file__).resolve().parent
_STATUS = {REFUSED: 409, USAGE: 400, NO_SESSION: 404, NO_LOG: 503}


class Services(Struct):
    """What the handlers use: the folder that is served, and the objects that follow its log and run actions."""

    system: System
    workspace: Workspace
    served: Served
    read_only: bool
    moments: MomentMaker
    live: Follower
    commands: Commands
    actions: ActionHandler

    def close(self) -> None:
        """End what runs in this process for the page."""
        self.live.close()
        self.actions.close()


def services_of(request: Request) -> Services:
    """Return the services of the application that answers a request."""
    services: Services = request.app.state.services
    return services


async def _page(request: Request) -> Response:
    name = "page.html" if request.state.has_cookie else "opening.html"
    return FileResponse(_HERE / "templates" / name, media_type="text/html")


async def _open(request: Request) -> Response:
    """Set the cookie for the right key, for the opening page."""
    try:
        key = msgspec.json.decode(await request.body(), type=dict[str, str]).get("key", "")
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        key = ""
    return _with_cookie(request, key, JSONResponse({"open": True}))


async def _open_plain(request: Request) -> Response:
    """Set the cookie for the right key, for a browser without JavaScript."""
    return _with_cookie(request, request.query_params.get("key", ""), RedirectResponse("/plain", 303))


def _with_cookie(request: Request, key: str, response: Response) -> Response:
    served = services_of(request).served
    if not served.is_key(key):
        raise HTTPException(403, "this key is wrong. Open the address that `coord web` printed.")
    response.set_cookie(served.cookie_name, served.cookie, path="/", httponly=True, samesite="strict")
    return response


def _status(error: CoordError) -> int:
    return _STATUS.get(error.code, 500)


def _error(status: int, code: int, message: str, **details: object) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, **details}}, status_code=status)


async def _coord_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CoordError)
    return _error(_status(error), error.code, error.message, **error.details)


async def _os_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    return _error(503, NO_LOG, from_os_error(error).message)


async def _bug(request: Request, error: Exception) -> Response:
    """Answer with an error; Starlette then raises it again, so that it is reported."""
    what = f"the page failed at {request.url.path[:80]} ({type(error).__name__}: {str(error)[:200]})"
    return _error(500, NO_LOG, f"{what}. What was acknowledged before is kept.")


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {404: "there is no such page.", 405: "this method is not answered here."}.get(error.status_code)
    return _error(error.status_code, REFUSED, message or error.detail)


def _moment(request: Request) -> Response:
    at, step = (request.query_params.get(name, "") for name in ("at", "step"))
    document = services_of(request).moments.at(at, _number(step))
    return Response(msgspec.json.encode(document), media_type="application/json")


def _plain(request: Request) -> Response:
    at = request.query_params.get("at", "").strip()
    try:
        return HTMLResponse(plain_page(services_of(request).moments.at(at, 0), at))
    except CoordError as error:
        return HTMLResponse(plain_error(error.message, at), _status(error))
    except OSError as error:
        return HTMLResponse(plain_error(from_os_error(error).message, at), 503)


def _number(text: str) -> int:
    """Return the number of events in a query. Raises CoordError (2)."""
    digits = text.removeprefix("-")
    if text and not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise usage_error(f"step is a number of events, not '{line(text, 40)}'.")
    return int(text or 0)


async def _story(request: Request) -> Response:
    about, at = (request.query_params.get(name, "") for name in ("about", "at"))
    return JSONResponse(await story(services_of(request).commands, about, at))


async def _search(request: Request) -> Response:
    services = services_of(request)
    labels = await asyncio.wrap_future(services.live.ask(_names))
    text = request.query_params.get("text", "")
    return JSONResponse(await asyncio.to_thread(find, services.system, services.workspace, text, labels))


def _names(view: LiveView) -> dict[str, str]:
    """Return what the page calls the sessions that it shows."""
    return cast(dict[str, str], view.moment.get("names", {}))


async def _effect(request: Request) -> Response:
    status, answer = await services_of(request).actions.effect(await _json(request))
    return JSONResponse(answer, status)


async def _act(request: Request) -> Response:
    status, answer = await services_of(request).actions.act(await _json(request))
    return JSONResponse(answer, status)


async def _json(request: Request) -> object:
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise usage_error("the request is not JSON. Nothing was done.") from None


ROUTES = [
    Route("/", _page),
    Route("/plain", _plain),
    Route("/open", _open_plain),
    Route("/api/open", _open, methods=["POST"]),
    Route("/api/stream", stream),
    Route("/api/moment", _moment),
    Route("/api/timeline", timeline),
    Route("/api/story", _story),
    Route("/api/search", _search),
    Route("/api/effect", _effect, methods=["POST"]),
    Route("/api/act", _act, methods=["POST"]),
    Mount("/static", GZipMiddleware(StaticFiles(directory=_HERE / "static"), minimum_size=500)),
]


def make_app(services: Services) -> Starlette:
    """Return the application that uses these services."""
    errors = {CoordError: _coord_error, OSError: _os_error, HTTPException: _http_error, Exception: _bug}
    application = Starlette(routes=ROUTES, exception_handlers=errors)
    application.state.services = services
    return application
