"""`coord uninstall`: remove what `coord install` added, and nothing else."""

import os
import shutil

from coord.admin.install.changeset import Changeset
from coord.admin.install.record import read_record
from coord.admin.install.report import short_path
from coord.admin.install.request import InstallRequest
from coord.cli.commands.integrations._changes import (
    NOTHING,
    base_folder,
    find_target,
    print_summary,
    scope_in,
    show_diffs,
)
from coord.cli.commands.integrations._targets import TARGETS
from coord.cli.live_sessions import live_sessions, live_sessions_text
from coord.cli.parser import argument, command, option
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import CoordError, refused, usage_error
from coord.platform.git.naming import find_checkout, is_same_folder
from coord.platform.git.repository import Repository, find_repository
from coord.render.format import line, plural, shell_word
from coord.workspace.paths import Workspace, has_person_config, person_config_path, remove_markers
from coord.workspace.system import System
from eventlog.events import MAX_PATH_LENGTH


@command("uninstall", acts=False)
@argument("target", metavar="[TARGET]", required=False, suggestions=tuple(TARGETS))
@option("--user", is_flag=True, help="Remove it from your settings for all repositories.")
@option("--project", is_flag=True, help="Remove it from the settings that the team shares.")
@option("--local", is_flag=True, help="Remove it from your settings in this repository.")
@option("--all", "everything", is_flag=True, help="Remove everything that coord installed, here and elsewhere.")
@option("--log", is_flag=True, help="With --all: also delete COORDINATION/ of this repository, with its log.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option("--plugin", metavar="FOLDER", help="Remove the plugin from this folder (claude).")
@option(
    "--client",
    metavar="NAME",
    suggestions=tuple(client.word for client in CLIENTS),
    help="Remove the server from this client (mcp).",
)
def uninstall(
    run: Run,
    target: str | None,
    user: bool,
    project: bool,
    local: bool,
    everything: bool,
    log: bool,
    dry_run: bool,
    plugin: str | None,
    client: str | None,
) -> None:
    """Remove coord from a target: a client, git or mcp. Everything else in the files is kept.

    Without --user, --project or --local, it is removed from all your own settings. The log is kept, except with
    --all --log.

    \b
    Examples:
      coord uninstall claude
      coord uninstall --all --dry-run
    """
    if everything == bool(target):
        raise usage_error("name what to uninstall: coord uninstall TARGET, or coord uninstall --all.")
    if log and not everything:
        raise usage_error("--log deletes the log, and can be used only with --all.")
    base, repository = base_folder(run)
    draft = Changeset(read_record(run.system.env))
    draft.removing = True
    if target:
        scope = scope_in(project, user, local)
        request = InstallRequest(run.system, base, repository, scope, client=client or "", plugin=plugin or "")
        draft.use = (target, base)
        find_target(target).uninstall(request, draft)
    bases = [base, draft.use[1], *draft.record.bases] if target else _uninstall_all(run.system, base, draft)
    draft.record.forget_gone()
    workspace = _log_to_remove(run, draft, repository, dry_run) if log else None
    if everything:
        _report_remaining(run.system, bases, workspace, draft)
    diffs = show_diffs(run, draft, base)
    if not dry_run:
        draft.apply()
    if workspace and not dry_run:
        shutil.rmtree(workspace.folder)
        remove_markers(workspace)
    status = "Nothing was written: --dry-run." if dry_run else "✅"
    nothing = f"{status} coord is not installed in any client." if workspace else NOTHING
    print_summary(run, draft, bases, diffs, "Uninstalled", dry_run, nothing=nothing, apart=everything)


def _uninstall_all(system: System, here: str, draft: Changeset) -> list[str]:
    """Uninstall every target, here and in each recorded folder, and return these folders.

    If one cannot be uninstalled, the others still are.
    """
    failed: set[tuple[str, str]] = set()
    plugins = draft.record.plugins
    bases = [here, *(base for base in draft.record.bases if base != here and os.path.isdir(base))]
    for base in bases:
        for name, row in TARGETS.items():
            for plugin in ("", *(folder for folder in plugins if folder == base)):
                draft.use = (name, base)
                try:
                    row.uninstall(InstallRequest(system, base, find_repository(base), "all", plugin=plugin), draft)
                except CoordError as error:
                    failed.add(draft.use)
                    draft.note(f"Kept: {error.message}")
    draft.record.forget_all_but(failed)
    return bases


def _log_to_remove(run: Run, draft: Changeset, repository: Repository | None, dry_run: bool) -> Workspace | None:
    """Return the workspace to delete. Raises CoordError while sessions are live in it; a dry run only prints that.

    A log of the repository that contains this one is kept, since it is not of this repository alone.
    """
    try:
        workspace = run.workspace
    except CoordError as error:
        draft.note(f"No log was deleted: {error.message}")
        return None
    owner = workspace.repository
    if repository and not (owner and is_same_folder(owner.common, repository.common)):
        draft.note(f"No log was deleted: this repository has none of its own. It uses {workspace.folder}")
        return None
    state = run.read_state().state
    if reason := live_sessions_text(run.system, state):
        if not dry_run:
            live = [session.id for session in live_sessions(run.system, state)]
            raise refused(f"nothing was removed: {reason}", live=live)
        draft.note(f"At present this would be refused: {reason}")
    deleted = f"{line(workspace.folder, MAX_PATH_LENGTH)}, with the log of {plural(state.session_count, 'session')}"
    then = "If it was committed: git rm -r --quiet COORDINATION, and commit that."
    draft.note(f"It would delete {deleted}." if dry_run else f"Deleted: {deleted}. {then}")
    return workspace


def _report_remaining(system: System, bases: list[str], removed: Workspace | None, draft: Changeset) -> None:
    """Add a note for each shared folder that was kept, also in other repositories, and for the person's settings."""
    for base in bases:
        found = find_checkout(base)
        if found and not (removed and is_same_folder(found.folder, removed.folder)):
            shown = line(short_path(found.folder, "", system.env.get("HOME", "")), MAX_PATH_LENGTH)
            draft.note(f"Kept: {shown}, with its log. To delete it, run there: coord uninstall --all --log")
    if has_person_config(system.env):
        path = person_config_path(system.env)
        draft.note(f"Kept: {line(path, MAX_PATH_LENGTH)}, your own settings. To delete them: rm {shell_word(path)}")
