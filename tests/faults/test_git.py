"""Attack 18: git changes or deletes files while sessions are live.

By default git ignores the log, also on a branch without the shared folder, and nothing that git does to the working
tree affects the sessions: no event is lost, and each session continues. `git clean -fdx` deletes ignored files, and a
tracked log changes with the working tree. Then the next command reports each journal that was cut back or deleted; such
a journal takes no more events and is not created again; and a session with a shorter journal is continued by a new
session.
"""

import pytest

from tests.support.attacks import Tally
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

COMMIT = "git add -A && git commit -qm all"
AWAY = "git checkout -q other && echo theirs >theirs && git add theirs && git commit -qm theirs && git checkout -q main"
OLDER = f"{COMMIT} && git branch older $(git commit-tree -m older $(git mktree </dev/null))"  # without COORDINATION
UNIGNORED = "git rm -q --cached COORDINATION/.gitignore && git commit -qm unignored"
UNTOUCHED = {  # for each case: the preparation, and the git command
    "stash": (":", "git stash -q -u"),
    "checkout": (AWAY, "git checkout -q other"),
    "reset": (":", "git reset -q --hard HEAD"),
    "clean": (":", "git clean -q -f -d"),
    "merge": (AWAY, "git merge -q -m merged other"),
    "older branch, add": (OLDER, f"git checkout -q older && echo new >new && {COMMIT} && git checkout -q main"),
    "older branch, clean": (OLDER, "git checkout -q older && git clean -q -f -d && git checkout -q main"),
    "older branch, stash": (OLDER, "git checkout -q older && echo a >a && git stash -q -u && git checkout -q main"),
    "stash twice": (UNIGNORED, "git stash -q -u && echo four >file && git stash -q -u"),
    "worktrees": (":", "git worktree add -q ../tree other && git worktree remove --force ../tree"),
}
BACK = f"{COMMIT} && git checkout -q -B other HEAD && git checkout -q HEAD~1 -- COORDINATION/log && {COMMIT}"
TAKEN = {  # cases in which git changes the log: the `init`, the preparation, and the git command
    "clean -x": ("coord init", ":", "git clean -q -f -d -x"),
    "tracked, stash": ("coord init --track", ":", "git stash -q -u"),
    "tracked, checkout": ("coord init --track", COMMIT, "git checkout -q other"),
    "tracked, reset": ("coord init --track", ":", "git reset -q --hard HEAD"),
    "tracked, clean": ("coord init --track", ":", "git clean -q -f -d"),
    "tracked, merge": (
        "coord init --track",
        f"{BACK} && git checkout -q main",
        "git merge -q -m merged other",
    ),
}


class Scene:
    """Three sessions and a user of git. Two sessions started before a commit and one after it. The first claims before
    and after the commit, the second writes nothing after it. The commit contains the log if the log is tracked.
    """

    def __init__(self, repo: Repo, init: str) -> None:
        self.repo, self.git = repo, repo.shell()
        self.git.ok(f"{init} && echo one >file && {COMMIT}")
        self.shells = [repo.shell() for _ in range(3)]
        self.names = [shell.start() for shell in self.shells[:2]]
        self.shells[0].ok("coord claim droplet early")
        self.git.ok(f"echo two >file && {COMMIT} && git branch other")
        self.names.append(self.shells[2].start())
        self.shells[0].ok("coord claim droplet late")
        self.git.ok("echo three >file && echo new >new")
        self.before = repo.bytes()

    def goes_on(self, number: int) -> tuple[str, str]:
        """The session as which one of the three continues, empty if none, and the message it got."""
        result = self.shells[number].run("coord heartbeat going on --json")
        assert result.code in (0, 3), result
        return str(result.json["session"]) if result.code == 0 else "", result.err


@pytest.mark.attack(18)
@pytest.mark.parametrize("name", UNTOUCHED)
def test_git_commands_beside_an_ignored_log_change_nothing(bare_repo: Repo, tally: Tally, name: str) -> None:
    scene = Scene(bare_repo, "coord init")
    beforehand, act = UNTOUCHED[name]
    scene.git.ok(beforehand)
    head = scene.git.ok("git status --porcelain=v2 --branch -uall; git log --oneline; ls; git reflog")
    scene.git.ok(act)
    now = scene.git.ok("git status --porcelain=v2 --branch -uall; git log --oneline; ls; git reflog")
    assert now != head or name == "worktrees", "git did nothing"
    assert bare_repo.bytes() == scene.before
    for number, session in enumerate(scene.names):
        assert scene.goes_on(number) == (session, "")
    after = bare_repo.bytes()
    assert {path: after[path][: len(data)] for path, data in scene.before.items()} == scene.before
    assert [claim["resource"] for claim in scene.shells[1].json("coord claims")["claims"]] == [
        "droplet/early",
        "droplet/late",
    ]
    assert scene.git.run("coord verify").code == 0
    tally.did("cases")


@pytest.mark.attack(18)
@pytest.mark.parametrize("name", TAKEN)
def test_journals_changed_by_git_are_reported_and_kept(bare_repo: Repo, tally: Tally, name: str) -> None:
    init, beforehand, act = TAKEN[name]
    scene = Scene(bare_repo, init)
    scene.git.ok(beforehand)
    assert bare_repo.bytes() == scene.before or name == "tracked, merge"
    scene.git.ok(act)
    taken = bare_repo.bytes()
    other = {path for path, data in scene.before.items() if taken.get(path) != data}
    assert other, "git changed no journal"
    told, became = [], []
    for number in (2, 1, 0):
        session, words = scene.goes_on(number)
        told.append(words)
        became.append(session)
    cut = [name for name in scene.names if f"{name}.jsonl" in other & taken.keys()]
    gone = [name for name in scene.names if f"{name}.jsonl" in other - taken.keys()]
    for old, session, words in zip(reversed(scene.names), became, told, strict=True):
        if old in cut:
            assert session not in (old, "")
            assert f"{old} continues as {session}" in words
            assert old in [e["event"].get("continues") for e in bare_repo.events() if e["session"] == session]
        elif old in gone:
            assert (session, "this shell has no session yet" in words) == ("", True), words
        else:
            assert session == old
    if not any(taken.values()):  # then only the mark in git's folder knows of it
        cut, gone = [], scene.names[:1]
    assert sum("was rewound" in words for words in told[:1]) == 1, told
    for command in ("coord status", "coord verify"):
        seen = scene.git.run(command).out.replace("\n  was", " was")
        assert [name for name in scene.names if f"{name}.jsonl was rewound" in seen] == [*cut, *gone]
    assert gone == [] or "was rewound" in scene.shells[0].run("coord inbox").err, "a command that only reads reports it"
    after = bare_repo.bytes()
    assert {path: after.get(path) for path in other} == {path: taken.get(path) for path in other}
    assert all(after[path].startswith(data) for path, data in taken.items())
    scene.shells[2].ok("coord claim droplet mine" if became[0] else "coord start")
    if gone:
        assert "was rewound" in scene.shells[0].ok("coord start --new 2>&1"), "a new session gets the report"
    assert {path: bare_repo.bytes().get(path) for path in other} == {path: taken.get(path) for path in other}
    tally.did("cases")


@pytest.mark.parametrize("init", ["coord init", "coord init --private"])
def test_a_shared_folder_deleted_by_git_is_reported(bare_repo: Repo, init: str) -> None:
    scene = bare_repo.shell()
    scene.ok(f"{init}; git commit -q --allow-empty -m one")
    scene.start()
    scene.ok("git clean -q -f -d -x")
    missed = scene.run("coord status")
    assert (missed.code, "COORDINATION is gone" in missed.err, "coord init" in missed.err) == (4, True, True)
    scene.ok("coord init")
    assert "no longer exist" in scene.run("coord start").err
    assert "no longer exist" in scene.ok("coord status")
    assert "make coord forget it" in scene.run("coord doctor").out
    scene.ok("rm .git/coord COORDINATION/.cache/checkpoint")
    assert "no longer exist" not in scene.run("coord status").both


def test_a_fresh_clone_reports_no_missing_journals(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok(f"coord init && {COMMIT}")
    shell.start()
    shell.ok("git clone -q . ../clone")
    assert "left" not in shell.run("cd ../clone && coord status && coord verify").both
