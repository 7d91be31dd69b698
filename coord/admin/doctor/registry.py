"""All checks of `coord doctor`, in order, and what they find: the worst first. Nothing here changes anything."""

from msgspec import Struct

from coord.admin.doctor.clients import blind_worktrees, failures, hook_programs, login_shell, never_fired, sandbox
from coord.admin.doctor.folder import (
    disk,
    git_ignores,
    git_tracks,
    nested,
    network,
    other_owner,
    permissions,
    worktrees,
)
from coord.admin.doctor.githooks import git_hooks
from coord.admin.doctor.installation import config, missing_folder, on_path, python, scripts
from coord.admin.doctor.log import checkpoint, clocks, damage, leftovers, lock, newer_events, rewinds, twice, unusable
from coord.admin.doctor.sessions import anchors, one_anchor, silent
from coord.admin.doctor.subject import Check, Patient, Symptom


class _Row(Struct, frozen=True):
    check: Check
    needs: str = "log"  # what must be there for it: log, folder, or nothing


CHECKS: dict[str, _Row] = {
    "folder": _Row(missing_folder, ""),
    "settings": _Row(config, "folder"),
    "log": _Row(unusable, "folder"),
    "damage": _Row(damage),
    "rewinds": _Row(rewinds),
    "two places": _Row(twice),
    "checkpoint": _Row(checkpoint),
    "newer events": _Row(newer_events),
    "leftovers": _Row(leftovers),
    "clocks": _Row(clocks),
    "lock": _Row(lock, "folder"),
    "anchors": _Row(anchors),
    "silence": _Row(silent),
    "one anchor": _Row(one_anchor),
    "permissions": _Row(permissions, "folder"),
    "owner": _Row(other_owner, "folder"),
    "disk": _Row(disk, "folder"),
    "network": _Row(network, "folder"),
    "nested": _Row(nested, "folder"),
    "worktrees": _Row(worktrees, "folder"),
    "tracked": _Row(git_tracks, "folder"),
    "ignored": _Row(git_ignores, "folder"),
    "scripts": _Row(scripts, "folder"),
    "hooks": _Row(hook_programs, "folder"),
    "hooks that ran": _Row(never_fired, "folder"),
    "hooks that failed": _Row(failures, "folder"),
    "sandbox": _Row(sandbox, "folder"),
    "login shell": _Row(login_shell, "folder"),
    "worktrees' hooks": _Row(blind_worktrees, "folder"),
    "git's hooks": _Row(git_hooks, "folder"),
    "installation": _Row(on_path, ""),
    "python": _Row(python, ""),
}
"""Every check by its name, in the order in which they are made."""

_ORDER = {"serious": 0, "warning": 1, "note": 2}


def examine(patient: Patient) -> tuple[list[str], list[tuple[str, Symptom]]]:
    """The checks that could be made, and what each found, the worst first."""
    made: list[str] = []
    found: list[tuple[str, Symptom]] = []
    for name, row in CHECKS.items():
        if (row.needs and patient.place is None) or (row.needs == "log" and patient.unusable):
            continue
        made.append(name)
        found += [(name, symptom) for symptom in row.check(patient)]
    return made, sorted(found, key=lambda pair: _ORDER[pair[1].severity])
