"""`coord install`: install coord in an agent's client or in git, so that it is used automatically."""

from typing import Any

from msgspec import Struct

from coord.admin.install.changeset import Changeset
from coord.admin.install.mcp import requested_client
from coord.admin.install.record import read_record
from coord.admin.install.request import InstallRequest
from coord.cli.commands.integrations._changes import base_folder, find_target, print_summary, scope_in, show_diffs
from coord.cli.commands.integrations._targets import TARGETS
from coord.cli.parser import argument, command, option
from coord.clients.client import client_named
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import usage_error
from coord.platform.executable import command_for_settings
from coord.platform.git.naming import find_checkout
from coord.platform.git.repository import FOLDER


class InstallOptions(Struct, frozen=True):
    """The options of the command line."""

    user: bool
    project: bool
    local: bool
    dry_run: bool
    no_allow: bool
    instructions: bool
    wake: bool
    plugin: str | None
    client: str | None


@command("install", acts=False)
@argument("target", metavar="TARGET", suggestions=tuple(TARGETS))
@option("--user", is_flag=True, help="Install for you, in all repositories.")
@option("--project", is_flag=True, help="Install for the team, in the settings that are committed.")
@option("--local", is_flag=True, help="Install for you, in this repository.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option(
    "--no-allow",
    is_flag=True,
    help="Do not let agents run coord's safe commands without asking (claude, codex, gemini, qwen).",
)
@option(
    "--instructions",
    is_flag=True,
    help="Also add instructions to CLAUDE.md, AGENTS.md, GEMINI.md or QWEN.md, between markers (each client).",
)
@option(
    "--wake",
    is_flag=True,
    help="Also wake an idle agent when it gets a message or a file becomes free (claude, opencode).",
)
@option("--plugin", metavar="FOLDER", help="Write a plugin folder instead of settings (claude).")
@option(
    "--client",
    metavar="NAME",
    suggestions=tuple(client.word for client in CLIENTS),
    help="Register the server in this client (mcp).",
)
def install(run: Run, target: str, **options: Any) -> None:
    """Install coord's hooks in an agent's client or in git, or register its MCP server (mcp).

    The clients are claude, codex, gemini, qwen, copilot, opencode, antigravity, cursor and droid.

    It shows each change, makes it, and prints a summary. Nothing else in the files is changed, and `coord
    uninstall` removes what was added. You can run it again at any time.

    Without --user, --project or --local, it changes settings that only you see: those for this repository if the client
    has them, otherwise those for all repositories.

    \b
    Examples:
      coord install claude
      coord install codex --dry-run
      coord install mcp --client gemini
    """
    chosen = InstallOptions(**options)
    row = find_target(target)
    _check_options(target, chosen)
    base, repository = base_folder(run)
    draft = Changeset(read_record(run.system.env))
    draft.use = (target, base)
    request = InstallRequest(
        run.system,
        base,
        repository,
        scope_in(chosen.project, chosen.user, chosen.local),
        program=command_for_settings(run.system.env),
        allow=not chosen.no_allow,
        wake=chosen.wake,
        instructions=chosen.instructions,
        client=chosen.client or "",
        plugin=chosen.plugin or "",
    )
    row.install(request, draft)
    if find_checkout(base) is None:
        draft.todo(
            f"There is no {FOLDER}/ here yet, and without it the installed parts do nothing. To create it: coord init"
        )
    if request.program != "coord" and request.scope != "project" and not chosen.plugin:
        draft.note(
            "In your shell, `coord` does not start this program, so its full path was written. See: coord doctor"
        )
    title = f"{requested_client(request.client).title} ({row.title})" if target == "mcp" else row.title
    diffs = show_diffs(run, draft, base)
    if not chosen.dry_run:
        draft.apply()
    print_summary(run, draft, [base, draft.use[1]], diffs, f"Installed for {title}", chosen.dry_run)


def _check_options(target: str, chosen: InstallOptions) -> None:
    """Raise CoordError (2) for an option that the target does not have."""
    if chosen.client and target != "mcp":
        raise usage_error(f"--client is for mcp: coord install mcp --client {chosen.client}")
    for name in ("no_allow", "instructions", "wake", "plugin"):
        if getattr(chosen, name) and client_named(target) is None:
            clients = ", ".join(client.word for client in CLIENTS)
            flag = name.replace("_", "-")
            raise usage_error(f"--{flag} is only for a client ({clients}), not for {target}. Nothing was changed.")
