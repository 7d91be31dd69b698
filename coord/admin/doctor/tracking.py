"""Checks that git leaves the live log alone. If git is missing, the checks that need it are skipped."""

import os
from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited, shell_quoted
from coord.platform.git.command import GitError, run_git
from coord.platform.git.exclude import LIVE_FILES, exclude_file, is_tracked_on_purpose
from coord.platform.git.repository import FOLDER
from coord.render.format import line, plural
from coord.workspace.paths import is_log_protected

_MAX_BRANCHES = 50  # that are examined, the newest first
_LIVE = ("log", "STATUS_BOARD.md", ".cache")


def git_tracks(subject: Subject) -> Iterator[DoctorFinding]:
    """Find live files that git tracks: every stash, checkout and reset would restore an old version of them."""
    names = (git(subject, "ls-files", "-z", "--", *_LIVE) or "").split("\0")
    live = [name for name in names if name and not name.endswith((".gitignore", ".gitkeep"))]
    if not live:
        return
    evidence = f"{plural(len(live), 'file')}: {join_limited(map(line, live), 3)}"
    if _on_purpose(subject) and (subject.unusable or not subject.live):
        yield DoctorFinding("note", "git tracks the log, as an archive", evidence)
        return
    steps = (
        RepairStep(
            "make a copy: once the next step is committed, checking out that commit deletes the files in other clones",
            f"cp -a {subject.path('log')} ~/",
        ),
        RepairStep(
            "stop tracking them; the files here stay",
            f"git -C {shell_quoted(subject.folder.folder)} rm -r --cached -q --ignore-unmatch {' '.join(_LIVE)}",
        ),
        RepairStep("make git ignore them", f"coord init{' --force' if _on_purpose(subject) else ''}"),
    )
    what = "git tracks the live log: a stash, checkout or reset rolls it back"
    yield DoctorFinding("warning", what, evidence, steps)


def tracking_branches(subject: Subject) -> Iterator[DoctorFinding]:
    """Find branches that contain live files. Checking one out here overwrites the files, although git ignores them."""
    if _on_purpose(subject):
        return
    options = ("--sort=-committerdate", f"--count={_MAX_BRANCHES}", "--format=%(refname)")
    refs = (git(subject, "for-each-ref", *options, "refs/heads") or "").split("\n")
    current = (git(subject, "symbolic-ref", "-q", "HEAD") or "").removesuffix("\n")  # `git_tracks` examines its index
    others = [ref for ref in refs if ref not in ("", current)]
    found = [ref for ref in others if git(subject, "ls-tree", "-r", "-z", "--name-only", ref, "--", *_LIVE)]
    if found:
        names = [ref.removeprefix("refs/heads/") for ref in found]
        one = len(names) == 1
        what = f"{'a branch tracks' if one else f'{len(names)} branches track'} the log"
        evidence = f"{join_limited(map(line, names), 3)}: checking {'it' if one else 'one'} out here replaces journals"
        steps = (
            RepairStep(
                "check the branch out in another worktree",
                f"git worktree add ../{shell_quoted(names[0])} {shell_quoted(names[0])}",
            ),
            RepairStep(
                "in that worktree, stop tracking them",
                f"git rm -r --cached -q {FOLDER}/log && git commit -m 'Untrack the log'",
            ),
        )
        yield DoctorFinding("warning", what, evidence, steps)


def git_ignores(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a log that the next `git add` would include."""
    if _on_purpose(subject) or git(subject, "rev-parse", "--is-inside-work-tree") != "true\n":
        return
    rules = _ignore_rules(subject)
    shown = [name for name, (ignored, _) in rules.items() if not ignored]
    if not shown:
        return
    overriding = list(dict.fromkeys(rules[name][1] for name in shown if rules[name][1]))
    steps = (
        (
            RepairStep(f"remove this pattern: {line(overriding[0])}"),
            RepairStep("or make git ignore the whole folder, in this clone only", "coord init --private"),
        )
        if overriding
        else (
            RepairStep(f"add them to git's own list, and restore {FOLDER}/.gitignore if it is missing", "coord init"),
            RepairStep("or make git ignore the whole folder, in this clone only", "coord init --private"),
        )
    )
    because = f" because of {join_limited(map(line, overriding))}" if overriding else ""
    evidence = (
        f"{', '.join(f'{FOLDER}/{name}' for name in shown)}{because}: the next `git add` can include it, and then a "
        "stash or checkout rolls it back"
    )
    yield DoctorFinding("warning", "git does not ignore the log", evidence, steps)


def git_list(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a log that only a file in the tree protects, which an older branch does not have."""
    repository = subject.folder.repository
    if repository is None or is_log_protected(subject.folder):
        return
    path = exclude_file(repository)
    steps = [RepairStep(f"add {', '.join(LIVE_FILES)} of {FOLDER}/ to it; `coord start` does this too", "coord init")]
    if os.path.islink(path):
        steps.insert(
            0,
            RepairStep(
                "coord does not follow a link there; replace it by a copy",
                f"cp --remove-destination $(realpath {shell_quoted(path)}) {shell_quoted(path)}",
            ),
        )
    evidence = (
        f"{path} does not list the live files: on a branch without {FOLDER}/.gitignore, `git stash -u`, `git clean` "
        "and `git add` remove or add them"
    )
    yield DoctorFinding(
        "warning", "the live log is protected only by a file that git itself can change", evidence, tuple(steps)
    )


def _ignore_rules(subject: Subject) -> dict[str, tuple[bool, str]]:
    """Return for each live file whether git ignores it, and otherwise the pattern that makes git include it, if any.

    Git is asked once, because it can hang on a `.gitignore` that is a pipe.
    """
    # a pattern can match only the folder, or only the files in it
    paths = {name: (f"{name}x.jsonl", name[:-1]) if name.endswith("/") else (name,) for name in LIVE_FILES}
    asked = "\0".join(path for some in paths.values() for path in some)
    answer = git(subject, "check-ignore", "-v", "-z", "--no-index", "--stdin", data=os.fsencode(asked)) or ""
    rules: dict[str, tuple[bool, str]] = {}
    for source, number, pattern, path in _rows(answer):
        rules[path] = not pattern.startswith("!"), f"{source}:{number} {pattern}"
    return {name: next((rules[path] for path in some if path in rules), (False, "")) for name, some in paths.items()}


def _rows(answer: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of `git check-ignore -v -z`: source, line, pattern and path."""
    fields = answer.split("\0")
    yield from zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=False)


def _on_purpose(subject: Subject) -> bool:
    repository = subject.folder.repository
    try:
        return repository is not None and is_tracked_on_purpose(repository, subject.folder.folder)
    except OSError:
        return False


def git(subject: Subject, *words: str, data: bytes = b"") -> str | None:
    """Return what git prints in the shared folder; None if it fails, is not installed, or this is not a repository."""
    if subject.folder.repository is None:
        return None
    try:
        return os.fsdecode(run_git(subject.folder.folder, *words, env=subject.system.env, data=data))
    except GitError:
        return None
