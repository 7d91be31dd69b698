"""The table of all checks of `coord doctor`, and the function that runs them. A new check gets a row here."""

from msgspec import Struct

from coord.admin.doctor.clients import (
    failures,
    foreign_hooks,
    hook_programs,
    hooks_never_run,
    login_shell,
    sandbox,
    worktrees_without_hooks,
)
from coord.admin.doctor.folder import (
    disk,
    nested_folders,
    network,
    other_owner,
    permissions,
    worktree_logs,
)
from coord.admin.doctor.githooks import git_hooks
from coord.admin.doctor.installation import missing_folder, on_path, python_version, scripts, unreadable_config
from coord.admin.doctor.log import (
    checkpoint,
    clocks,
    damage,
    duplicate_journals,
    leftover_files,
    lock,
    newer_events,
    rewinds,
    unarchived_journals,
    unusable_log,
)
from coord.admin.doctor.notifications import notifications
from coord.admin.doctor.remote import remote
from coord.admin.doctor.sessions import copied_conversations, shared_anchors, silent_sessions, unwatched_anchors
from coord.admin.doctor.subject import Check, DoctorFinding, Subject
from coord.admin.doctor.tracking import git_ignores, git_list, git_tracks, tracking_branches


class _CheckEntry(Struct, frozen=True):
    check: Check
    needs: str = "log"  # what must be usable for it: log, folder, or nothing


CHECKS: dict[str, _CheckEntry] = {
    "folder": _CheckEntry(missing_folder, ""),
    "settings": _CheckEntry(unreadable_config, "folder"),
    "log": _CheckEntry(unusable_log, "folder"),
    "damage": _CheckEntry(damage),
    "rewinds": _CheckEntry(rewinds),
    "two places": _CheckEntry(duplicate_journals),
    "not archived": _CheckEntry(unarchived_journals),
    "checkpoint": _CheckEntry(checkpoint),
    "newer events": _CheckEntry(newer_events),
    "leftovers": _CheckEntry(leftover_files),
    "clocks": _CheckEntry(clocks),
    "lock": _CheckEntry(lock, "folder"),
    "anchors": _CheckEntry(unwatched_anchors),
    "silence": _CheckEntry(silent_sessions),
    "one anchor": _CheckEntry(shared_anchors),
    "one conversation": _CheckEntry(copied_conversations),
    "permissions": _CheckEntry(permissions, "folder"),
    "owner": _CheckEntry(other_owner, "folder"),
    "disk": _CheckEntry(disk, "folder"),
    "network": _CheckEntry(network, "folder"),
    "nested": _CheckEntry(nested_folders, "folder"),
    "worktrees": _CheckEntry(worktree_logs, "folder"),
    "tracked": _CheckEntry(git_tracks, "folder"),
    "tracking branches": _CheckEntry(tracking_branches, "folder"),
    "ignored": _CheckEntry(git_ignores, "folder"),
    "git's own list": _CheckEntry(git_list, "folder"),
    "scripts": _CheckEntry(scripts, "folder"),
    "hooks": _CheckEntry(hook_programs, "folder"),
    "hooks that ran": _CheckEntry(hooks_never_run, "folder"),
    "hooks of another client": _CheckEntry(foreign_hooks, "folder"),
    "hooks that failed": _CheckEntry(failures, "folder"),
    "sandbox": _CheckEntry(sandbox, "folder"),
    "login shell": _CheckEntry(login_shell, "folder"),
    "worktrees' hooks": _CheckEntry(worktrees_without_hooks, "folder"),
    "git's hooks": _CheckEntry(git_hooks, "folder"),
    "notifications": _CheckEntry(notifications, "folder"),
    "remote": _CheckEntry(remote, "folder"),
    "installation": _CheckEntry(on_path, ""),
    "python": _CheckEntry(python_version, ""),
}
"""Every check by its name, in the order in which they run."""

_ORDER = {"serious": 0, "warning": 1, "note": 2}


def run_checks(subject: Subject) -> tuple[list[str], list[tuple[str, DoctorFinding]]]:
    """Run the checks. Return the names of those that could run, and what they found, the most severe first."""
    ran: list[str] = []
    findings: list[tuple[str, DoctorFinding]] = []
    for name, row in CHECKS.items():
        if (row.needs and subject.workspace is None) or (row.needs == "log" and subject.unusable):
            continue
        ran.append(name)
        findings += [(name, finding) for finding in row.check(subject)]
    return ran, sorted(findings, key=lambda pair: _ORDER[pair[1].severity])
