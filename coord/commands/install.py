"""`coord install`: put coord into an agent's client, so that it is used without anybody thinking of it."""

from coord.calls import client_named
from coord.commands._installing import finish, scope_in, target_of, where
from coord.errors import wrong
from coord.installing.draft import Draft
from coord.installing.plan import Ask
from coord.installing.record import read_record
from coord.options import argument, command, option
from coord.program import as_typed
from coord.repository import candidates, is_ours
from coord.run import Run


@command("install", acts=False)
@argument("target", metavar="TARGET")
@option("--user", is_flag=True, help="For this person, in all repositories.")
@option("--project", is_flag=True, help="For the whole team: in the settings that are committed.")
@option("--local", is_flag=True, help="For this person, in this repository.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option("--no-allow", is_flag=True, help="Leave out the rules by which coord's safe commands need no permission.")
@option("--instructions", is_flag=True, help="Also write a marked block into CLAUDE.md, AGENTS.md or GEMINI.md.")
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

    It shows the exact change, then makes it. Nothing else in a file is touched, and `coord uninstall` takes it all out
    again. Without --user, --project or --local it writes what only you see. Safe to run again.

    \b
    Examples:
      coord install claude
      coord install codex --dry-run
      coord install mcp --client gemini
    """
    row = target_of(target)
    if client and target != "mcp":
        raise wrong(f"--client is for mcp: coord install mcp --client {client}")
    for name, said in (("no-allow", no_allow), ("instructions", instructions), ("wake", wake), ("plugin", plugin)):
        if said and client_named(target) is None:
            raise wrong(f"--{name} is for a client of agents, not for {target}. Nothing was changed.")
    scope = scope_in(project, user, local)
    base, repository = where(run)
    draft = Draft(read_record(run.world.env))
    draft.use = (target, base)
    program = as_typed(run.world.env)
    ask = Ask(
        run.world,
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
    if not any(is_ours(folder) for folder in candidates(base, repository)):
        draft.todo("Nothing is set up in this repository yet: coord init")
    if program != "coord":
        draft.note("`coord` on your PATH is not this one, so its whole path was written. See: coord doctor")
    finish(run, draft, base, dry_run, f"Installed for {row.title}", todo=True)
