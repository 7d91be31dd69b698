"""The routes of the page. Each handler is thin: other modules compute the answers."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from coord.servers.web.stories import find, story

_HERE = Path(__file__).resolve().parent


async def _page(_request: Request) -> Response:
    return HTMLResponse((_HERE / "templates" / "page.html").read_text(encoding="utf-8"))


async def _not_yet(request: Request) -> Response:
    return JSONResponse({"error": {"code": 4, "message": f"{request.url.path} is not served yet"}}, status_code=501)


async def _story(request: Request) -> Response:
    about, at = (request.query_params.get(name, "") for name in ("about", "at"))
    return JSONResponse(await story(request.app.state.commands, about, at))


async def _search(request: Request) -> Response:
    return JSONResponse(await find(request.app.state.commands, request.query_params.get("text", "")))


ROUTES = [
    Route("/", _page),
    Route("/plain", _not_yet),
    Route("/open", _not_yet),
    Route("/api/open", _not_yet, methods=["POST"]),
    Route("/api/stream", _not_yet),
    Route("/api/moment", _not_yet),
    Route("/api/timeline", _not_yet),
    Route("/api/story", _story),
    Route("/api/search", _search),
    Route("/api/effect", _not_yet, methods=["POST"]),
    Route("/api/act", _not_yet, methods=["POST"]),
    Mount("/static", StaticFiles(directory=_HERE / "static")),
]


def make_app() -> Starlette:
    """Return the application."""
    return Starlette(routes=ROUTES)
