"""Whether git still calls coord. What `coord install git` put there can be written over by another program, and passed
by when git is told to look for its hooks elsewhere; git then goes on without a word.
"""

import os
from collections.abc import Iterator

from coord.admin.doctor.folder import git
from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited, shell_quoted
from coord.admin.install.changeset import Changeset
from coord.admin.install.environment import linked_worktrees
from coord.admin.install.githooks import GUARD_MARKER, install_git
from coord.admin.install.record import InstallRecord, read_record
from coord.errors import REFUSED, CoordError
from coord.platform.git.repository import Repository
from eventlog.local.files import read_regular

_MOST = 1 << 20  # bytes of a hook
_UNGUARDED = "what others have claimed can be committed and pushed"
_NOT_TO_BE_RUN = "has not the right to be run"
_PUT = "put coord's hooks there again; a hook that another program has put there stays beside it, and runs"
_UNINSTALL_STEP = RepairStep("or, if nothing is to be guarded here any more, take them out", "coord uninstall git")


def git_hooks(subject: Subject) -> Iterator[DoctorFinding]:
    """Hooks of git that do not call coord any more, though it was installed."""
    repository = subject.folder.repository
    if repository is None or git(subject, "rev-parse", "--git-dir") is None:
        return
    known = _remembered(subject, repository)
    try:
        scope, paths = _where_git_looks(subject)
    except CoordError as error:
        if known:
            steps = (RepairStep("do that, then put coord's hooks there again", "coord install git"), _UNINSTALL_STEP)
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


def _remembered(subject: Subject, repository: Repository) -> list[str]:
    """The hooks that were installed for this repository, as far as that was written down."""
    bases = {repository.worktree, repository.main, *linked_worktrees(repository)}
    files = read_record(subject.system.env).files.items()
    return [path for path, memory in files if any(target == "git" and base in bases for target, base in memory.uses)]


def _where_git_looks(subject: Subject) -> tuple[str, list[str]]:
    """The option with which coord's hooks are put where git looks for them now, and which files they are there: the
    installer is asked, and nothing is written. Raises CoordError for what it would refuse.
    """
    refused = CoordError(REFUSED, "")
    for scope in ("", "project", "user"):
        draft = Changeset(InstallRecord("", {}))
        try:
            install_git(subject.install_request(scope=scope), draft)
        except CoordError as error:
            refused = error if error.code == REFUSED else refused  # else it is only that the option is another
        else:
            return f" --{scope}" if scope else "", list(draft.record.files)
    raise refused


def _why_not_called(path: str) -> str:
    """Why git does not call coord by a hook; empty if it does."""
    text = _text(path)
    if text is None:
        return "is not there"
    if GUARD_MARKER not in text:
        return "was written by another program"
    if f"git-hook {_name(path)} " not in text:
        return "was edited, and the call of coord is gone"
    return "" if os.access(path, os.X_OK) else _NOT_TO_BE_RUN


def _name(path: str) -> str:
    return os.path.basename(path).partition(".")[0]


def _is_ours(path: str) -> bool:
    return GUARD_MARKER in (_text(path) or "")


def _text(path: str) -> str | None:
    try:
        return read_regular(os.path.realpath(path), _MOST).decode(errors="replace")
    except OSError:
        return None


def _evidence(broken: dict[str, str], known: list[str]) -> str:
    """Where git looks, where coord's are if that is elsewhere, and what is wrong with each."""
    folder, before = os.path.dirname(next(iter(broken))), sorted({os.path.dirname(path) for path in known})
    elsewhere = (
        f" (core.hooksPath), and coord put its own in {join_limited(before)}" if before and folder not in before else ""
    )
    each = "; ".join(f"{_name(path)} {reason}" for path, reason in broken.items())
    return f"git looks in {folder}{elsewhere}: {each}"


def _steps(broken: dict[str, str], scope: str) -> tuple[RepairStep, ...]:
    stuck = [shell_quoted(path) for path, reason in broken.items() if reason == _NOT_TO_BE_RUN]
    run = (RepairStep("let git run them", f"chmod +x {' '.join(stuck)}"),) if stuck else ()
    put = (RepairStep(_PUT, f"coord install git{scope}"),) if len(stuck) < len(broken) else ()
    return (*run, *put, _UNINSTALL_STEP)
