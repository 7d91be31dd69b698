"""The check of git's hooks: whether git still calls coord after `coord install git`.

Another program can overwrite the hooks, and the setting core.hooksPath can make git use another folder. In both cases
git silently continues without coord.
"""

import os
from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited, shell_quoted
from coord.admin.doctor.tracking import git
from coord.admin.install.changeset import Changeset
from coord.admin.install.environment import linked_worktrees
from coord.admin.install.githooks import GUARD_MARKER, install_git
from coord.admin.install.record import InstallRecord, read_record
from coord.errors import REFUSED, CoordError
from coord.platform.git.repository import Repository
from eventlog.local.files import read_regular

_MAX_BYTES = 1 << 20  # of a hook
_UNGUARDED = "files that other sessions have claimed can be committed and pushed"
_NOT_EXECUTABLE = "is not executable"
_INSTALL = "install coord's hooks again; a hook of another program is kept, and still runs"
_UNINSTALL_STEP = RepairStep(
    "or, if you no longer need the guard for commits here, uninstall them", "coord uninstall git"
)


def git_hooks(subject: Subject) -> Iterator[DoctorFinding]:
    """Find git hooks that were installed and do not call coord any more."""
    repository = subject.folder.repository
    if repository is None or git(subject, "rev-parse", "--git-dir") is None:
        return
    known = _recorded_hooks(subject, repository)
    try:
        scope, paths = _where_git_looks(subject)
    except CoordError as error:
        if known:
            steps = (RepairStep("do that, then install coord's hooks again", "coord install git"), _UNINSTALL_STEP)
            yield DoctorFinding("warning", f"git does not call coord any more, so {_UNGUARDED}", error.message, steps)
        return
    if not known and not any(_is_ours(path) for path in paths):
        return
    broken = {path: reason for path in paths if (reason := _why_not_called(path))}
    if broken:
        names = [_name(path) for path in broken]
        then = "claims outlast the commit of their edits" if names == ["post-commit"] else _UNGUARDED
        what = f"git does not call coord at {' and '.join(join_limited(names).rsplit(', ', 1))}, so {then}"
        yield DoctorFinding("warning", what, _evidence(broken, known), _steps(broken, scope))


def _recorded_hooks(subject: Subject, repository: Repository) -> list[str]:
    """Return the hooks that were installed for this repository, according to the install record."""
    bases = {repository.worktree, repository.main, *linked_worktrees(repository)}
    files = read_record(subject.system.env).files.items()
    return [path for path, record in files if any(target == "git" and base in bases for target, base in record.uses)]


def _where_git_looks(subject: Subject) -> tuple[str, list[str]]:
    """Return the option of `coord install git` for the folder that git uses now, and the paths of the hooks there.

    The installer computes both with a draft that is not applied. Raises CoordError if the installer would refuse.
    """
    refused = CoordError(REFUSED, "")
    for scope in ("", "project", "user"):
        draft = Changeset(InstallRecord("", {}))
        try:
            install_git(subject.install_request(scope=scope), draft)
        except CoordError as error:
            refused = (
                error if error.code == REFUSED else refused
            )  # any other code only means that this option is the wrong one
        else:
            return f" --{scope}" if scope else "", list(draft.record.files)
    raise refused


def _why_not_called(path: str) -> str:
    """Return why a hook does not make git call coord; empty if it does."""
    text = _text(path)
    if text is None:
        return "does not exist"
    if GUARD_MARKER not in text:
        return "was written by another program"
    if f"git-hook {_name(path)} " not in text:
        return "was edited and does not call coord any more"
    return "" if os.access(path, os.X_OK) else _NOT_EXECUTABLE


def _name(path: str) -> str:
    return os.path.basename(path).partition(".")[0]


def _is_ours(path: str) -> bool:
    return GUARD_MARKER in (_text(path) or "")


def _text(path: str) -> str | None:
    try:
        return read_regular(os.path.realpath(path), _MAX_BYTES).decode(errors="replace")
    except OSError:
        return None


def _evidence(broken: dict[str, str], known: list[str]) -> str:
    """Describe where git looks for hooks, where coord's are if that is another folder, and what is wrong with each."""
    folder, before = os.path.dirname(next(iter(broken))), sorted({os.path.dirname(path) for path in known})
    elsewhere = (
        f" (core.hooksPath), but coord's hooks are in {join_limited(before)}" if before and folder not in before else ""
    )
    each = "; ".join(f"{_name(path)} {reason}" for path, reason in broken.items())
    return f"git looks in {folder}{elsewhere}: {each}"


def _steps(broken: dict[str, str], scope: str) -> tuple[RepairStep, ...]:
    not_executable = [shell_quoted(path) for path, reason in broken.items() if reason == _NOT_EXECUTABLE]
    chmod = (RepairStep("make them executable", f"chmod +x {' '.join(not_executable)}"),) if not_executable else ()
    install = (RepairStep(_INSTALL, f"coord install git{scope}"),) if len(not_executable) < len(broken) else ()
    return (*chmod, *install, _UNINSTALL_STEP)
