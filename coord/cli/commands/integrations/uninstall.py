"""`coord uninstall`: take out again what `coord install` put somewhere, and nothing else."""

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
from coord.cli.parser import argument, command, option
from coord.engine.run import Run
from coord.errors import CoordError, refused, usage_error
from coord.platform.git.repository import find_repository, folder_candidates, is_shared_folder
from coord.render.format import plural, session_label
from coord.workspace.paths import Workspace, remove_markers
from coord.workspace.system import System

_MOST_NAMES = 5


@command("uninstall", acts=False)
@argument("target", metavar="[TARGET]", required=False)
@option("--user", is_flag=True, help="From this person's settings for all repositories.")
@option("--project", is_flag=True, help="From the settings that the team shares.")
@option("--local", is_flag=True, help="From this person's settings in this repository.")
@option("--all", "everything", is_flag=True, help="Everything that coord ever installed, here and elsewhere.")
@option("--log", is_flag=True, help="With --all: the log of this repository too, with all that is in it.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option("--plugin", metavar="FOLDER", help="A plugin folder that was written there (claude).")
@option("--client", metavar="NAME", help="Whose settings have the server (mcp): claude, codex or gemini.")
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
    """Take coord out of a client again: claude, codex, gemini, git or mcp. What else is in a file stays as it is.

    Without --user, --project or --local: from all that only you see. The log is kept, unless --all --log is given.

    \b
    Examples:
      coord uninstall claude
      coord uninstall --all --dry-run
    """
    if everything == bool(target):
        raise usage_error("say what: coord uninstall TARGET, or coord uninstall --all.")
    if log and not everything:
        raise usage_error("--log removes all that is in the log; it goes with --all only.")
    base, repository = base_folder(run)
    draft = Changeset(read_record(run.system.env))
    draft.removing = True
    if target:
        scope = scope_in(project, user, local)
        ask = InstallRequest(run.system, base, repository, scope, client=client or "", plugin=plugin or "")
        draft.use = (target, base)
        find_target(target).uninstall(ask, draft)
    bases = [base, draft.use[1], *draft.record.bases] if target else _uninstall_all(run.system, base, draft)
    draft.record.forget_gone()
    workspace = _log_to_remove(run, draft, dry_run) if log else None
    if everything:
        _report_remaining(run.system, bases, workspace, draft)
    shown = show_diffs(run, draft, base)
    if not dry_run:
        draft.apply()
    if workspace and not dry_run:
        shutil.rmtree(workspace.folder)
        remove_markers(workspace)
    nothing = (
        f"{'Nothing was written: --dry-run.' if dry_run else '✅'} No client has coord in it." if workspace else NOTHING
    )
    print_summary(run, draft, bases, shown, "Uninstalled", dry_run, nothing=nothing, apart=everything)


def _uninstall_all(system: System, here: str, draft: Changeset) -> list[str]:
    """Everything that is known: of each target, here and in each folder that is remembered; these folders. What cannot
    be taken out of one file does not keep the rest.
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
                    draft.note(f"Left: {error.message}")
    draft.record.forget_all_but(failed)
    return bases


def _log_to_remove(run: Run, draft: Changeset, dry_run: bool) -> Workspace | None:
    """The shared folder that is to go. Raises CoordError while sessions are live in it; a dry run only says so."""
    try:
        workspace = run.workspace
    except CoordError as error:
        draft.note(f"No log is removed: {error.message}")
        return None
    state = run.read_state().state
    live = [session for session in state.sessions.values() if session.live and not run.system.death_evidence(session)]
    if live:
        names = [session_label(session.id, {session.id: session.name}) for session in live[:_MOST_NAMES]]
        more = f" and {len(live) - len(names)} more (coord status)" if len(live) > len(names) else ""
        are = f"{plural(len(live), 'session')} {'is' if len(live) == 1 else 'are'}"
        who = (
            f"{are} at work here: {', '.join(names)}{more}. "
            f"Each ends itself with: coord end; you end another with: coord end --session {live[0].id}"
        )
        if not dry_run:
            raise refused(f"nothing was removed: {who}", live=[session.id for session in live])
        draft.note(f"As things are it would be refused: {who}")
    removed = f"{workspace.folder}, with the log of {plural(len(state.sessions), 'session')}"
    then = "If it was committed: git rm -r --quiet COORDINATION, and commit that."
    draft.note(f"It would remove {removed}." if dry_run else f"Removed: {removed}. {then}")
    return workspace


def _report_remaining(system: System, bases: list[str], removed: Workspace | None, draft: Changeset) -> None:
    """The shared folders that are there still: those of other repositories too."""
    for base in bases:
        folder = next(filter(is_shared_folder, folder_candidates(base, find_repository(base))), "")
        if folder and not (removed and folder == removed.folder):
            shown = short_path(folder, "", system.env.get("HOME", ""))
            draft.note(f"Left: {shown}, with its log. To remove that too, there: coord uninstall --all --log")
