"""`coord install`: put coord into an agent's client, so that it is used without anybody thinking of it."""

from coord.admin.install.changeset import Changeset
from coord.admin.install.mcp import requested_client
from coord.admin.install.record import read_record
from coord.admin.install.request import InstallRequest
from coord.cli.commands.integrations._changes import base_folder, find_target, print_summary, scope_in, show_diffs
from coord.cli.parser import argument, command, option
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import usage_error
from coord.guard.payload import client_named
from coord.platform.executable import command_for_settings
from coord.platform.git.repository import FOLDER, folder_candidates, is_shared_folder


@command("install", acts=False)
@argument("target", metavar="TARGET")
@option("--user", is_flag=True, help="For this person, in all repositories.")
@option("--project", is_flag=True, help="For the whole team: in the settings that are committed.")
@option("--local", is_flag=True, help="For this person, in this repository.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option(
    "--no-allow",
    is_flag=True,
    help="No rules that let agents run coord's safe commands without asking (claude, codex, gemini).",
)
@option(
    "--instructions",
    is_flag=True,
    help="Also a marked text in CLAUDE.md, AGENTS.md or GEMINI.md (claude, codex, gemini).",
)
@option("--wake", is_flag=True, help="Also wake an idle agent when something comes for it (claude).")
@option("--plugin", metavar="FOLDER", help="Write a plugin folder instead of settings (claude).")
@option("--client", metavar="NAME", help="Whose settings get the server (mcp): claude, codex or gemini.")
def install(
    run: Run,
    target: str,
    user: bool,
    project: bool,
    local: bool,
    dry_run: bool,
    no_allow: bool,
    instructions: bool,
    wake: bool,
    plugin: str | None,
    client: str | None,
) -> None:
    """Put coord's hooks into a client of agents: claude, codex or gemini; or into git; or register its server: mcp.

    It shows the exact change, makes it, and says in plain words what it was. Nothing else in a file is touched, and
    `coord uninstall` takes it all out again. Without --user, --project or --local it writes what only you see. Safe to
    run again.

    \b
    Examples:
      coord install claude
      coord install codex --dry-run
      coord install mcp --client gemini
    """
    row = find_target(target)
    if client and target != "mcp":
        raise usage_error(f"--client is for mcp: coord install mcp --client {client}")
    for name, said in (("no-allow", no_allow), ("instructions", instructions), ("wake", wake), ("plugin", plugin)):
        if said and client_named(target) is None:
            words = ", ".join(other.word for other in CLIENTS)
            raise usage_error(
                f"--{name} goes with a client of agents ({words}), not with {target}. Nothing was changed."
            )
    scope = scope_in(project, user, local)
    base, repository = base_folder(run)
    draft = Changeset(read_record(run.system.env))
    draft.use = (target, base)
    program = command_for_settings(run.system.env)
    ask = InstallRequest(
        run.system,
        base,
        repository,
        scope,
        program=program,
        allow=not no_allow,
        wake=wake,
        instructions=instructions,
        client=client or "",
        plugin=plugin or "",
    )
    row.install(ask, draft)
    if not any(is_shared_folder(folder) for folder in folder_candidates(base, repository)):
        draft.todo(f"There is no {FOLDER}/ here yet, and what is installed does nothing without it: coord init")
    if program != "coord" and scope != "project" and not plugin:
        draft.note("`coord` alone does not run this program in your shell, so its whole path is written: coord doctor")
    title = f"{requested_client(ask.client).title} ({row.title})" if target == "mcp" else row.title
    shown = show_diffs(run, draft, base)
    if not dry_run:
        draft.apply()
    print_summary(run, draft, [base, draft.use[1]], shown, f"Installed for {title}", dry_run)
