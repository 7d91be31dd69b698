"""`coord web`: serve the page."""

from coord.cli.parser import Number, command, option
from coord.engine.run import Run
from coord.errors import CoordError, usage_error

_PACKAGES = ("anyio", "h11", "jinja2", "starlette", "uvicorn")


@command("web")
@option("--port", metavar="PORT", number=Number(least=1), help="Use this port instead of a free one.")
@option("--no-open", is_flag=True, help="Do not open a browser.")
@option("--read-only", is_flag=True, help="Show the page without its actions: nothing can be changed from it.")
@option("--host", metavar="HOST", default="localhost", help="Serve to the network under this name or address.")
@option("--insecure-host", is_flag=True, help="Allow a --host that others can reach, without encryption.")
@option("--export", "file", metavar="FILE", help="Write the page of a period to FILE, and start no server.")
@option("--since", metavar="TIME", help="With --export: begin at TIME: 8h, 18:00, or an event id.")
@option("--until", metavar="TIME", help="With --export: end at TIME instead of at the last event.")
def web(
    run: Run,
    port: int | None,
    no_open: bool,
    read_only: bool,
    host: str,
    insecure_host: bool,
    file: str | None,
    since: str | None,
    until: str | None,
) -> None:
    """Serve a page for a browser: what needs you, who does what, and what happened. Ctrl-C ends it.

    Only you, on this machine, can open the page: its address contains a key. With --export, the page of a period is
    written to one file, which needs neither a server nor a network.

    \b
    Examples:
      coord web
      coord web --no-open --read-only
      coord web --export night.html --since "yesterday 18:00" --until 9:00
    """
    if (since or until) and not file:
        raise usage_error("--since and --until belong to --export FILE.")
    run.workspace.log  # noqa: B018 - raises an error if there is no folder
    if file:
        from coord.cli.commands.history._export import export_page  # a server does not need it

        export_page(run, file, since, until)
        return
    try:
        from coord.servers.web.serving.server import ServeOptions, serve
    except ImportError as error:
        raise _missing_package(error) from None
    serve(run, ServeOptions(port, host, insecure_host, read_only, not no_open))


def _missing_package(error: ImportError) -> CoordError:
    """Return the error for a package of the extra that is not installed. Raises any other error again."""
    if error.name is None or error.name.split(".")[0] not in _PACKAGES:
        raise error
    return usage_error(
        "`coord web` needs the packages starlette, uvicorn and jinja2. Install them with: uv tool install "
        "'coord[web]' (in a clone of coord: uv tool install '.[web]')."
    )
