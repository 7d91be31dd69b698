"""What every command shares: its options, its place in the help, and how a session is completed."""

import re
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from coord.run import Run

Function = Callable[..., Any]
_SIGNED = re.compile(r"-\s*\d")


def complete_session(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The live sessions, for the shell's completion. Says nothing where there is no log."""
    from coord.world import real_world

    try:
        state = Run(real_world(), root=context.params.get("root")).look().state
    except Exception:  # a shell that completes must never see our troubles
        return []
    return [
        CompletionItem(session.id, help=session.name or session.action)
        for session in state.sessions.values()
        if session.live and session.id.startswith(incomplete)
    ]


_SHARED = (
    click.option("--json", "json_option", is_flag=True, help="Print one JSON document."),
    click.option("--root", metavar="FOLDER", help="The repository, or its COORDINATION folder."),
    click.option(
        "--session", "session_option", metavar="ID", help="Act as this session.", shell_complete=complete_session
    ),
)

at_option = click.option("--at", metavar="TIME", help="Show that moment: 18:00, -90m, yesterday 18:00, an event's id.")
"""For the views that can be had of any moment."""


class Moments(click.Command):
    """A command whose arguments are moments: in `-90m` a length of time begins, and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments without the sign, which means the same: so long ago."""
        return super().parse_args(ctx, [word[1:] if _SIGNED.match(word) else word for word in args])


def command(
    name: str, *, acts: bool = True, cls: type[click.Command] = click.Command
) -> Callable[[Function], click.Command]:
    """A command whose first argument is its Run. One that `acts` takes --session."""

    def decorate(function: Function) -> click.Command:
        @click.pass_context
        def call(context: click.Context, /, **values: Any) -> Any:
            run = Run(
                context.find_root().obj,
                root=values.pop("root"),
                session=values.pop("session_option", "") or "",
                json=values.pop("json_option"),
            )
            return function(run, **values)

        call.__doc__ = function.__doc__
        for option in _SHARED if acts else _SHARED[:2]:  # in the reverse of the help's order, as click collects them
            option(call)
        own = getattr(function, "__click_params__", [])
        call.__click_params__ += own  # type: ignore[attr-defined]
        return click.command(name, cls=cls)(call)

    return decorate
