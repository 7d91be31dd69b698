"""Attack 18: git takes files away under live sessions, and does what it is asked to do in a repository where they work.

Where git ignores the log, as it does by default, whatever it does to the working tree is nothing to the sessions: all
that was recorded is there, and each goes on as itself. `git clean -fdx` deletes what is ignored, and a log that is
tracked goes back and forth with the tree: whatever is cut back or gone then is told by the next command, takes no more
events, and comes back under no session's name; whoever has something left goes on in a new session that continues it.
"""

import pytest

from tests.support.attacks import Tally
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

COMMIT = "git add -A && git commit -qm all"
AWAY = "git checkout -q other && echo theirs >theirs && git add theirs && git commit -qm theirs && git checkout -q main"
UNTOUCHED = {  # what is done beforehand, and what git is then told to do
    "stash": (":", "git stash -q -u"),
    "checkout": (AWAY, "git checkout -q other"),
    "reset": (":", "git reset -q --hard HEAD"),
    "clean": (":", "git clean -q -f -d"),
    "merge": (AWAY, "git merge -q -m merged other"),
    "worktrees": (":", "git worktree add -q ../tree other && git worktree remove --force ../tree"),
}
BACK = f"{COMMIT} && git checkout -q -B other HEAD && git checkout -q HEAD~1 -- COORDINATION/log && {COMMIT}"
TAKEN = {  # the same where it takes the log: how it was installed comes first
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
    """Three sessions and a person with git: two began before a commit and one after it; the first claims before and
    after it, the second is silent since. Of a tracked log the commit has what was there then.
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
        """As which session one of the three goes on, empty if as none, and what it was told."""
        result = self.shells[number].run("coord heartbeat going on --json")
        assert result.code in (0, 3), result
        return str(result.json["session"]) if result.code == 0 else "", result.err


@pytest.mark.attack(18)
@pytest.mark.parametrize("name", UNTOUCHED)
def test_beside_the_log_git_changes_nothing_for_any_session(bare_repo: Repo, tally: Tally, name: str) -> None:
    scene = Scene(bare_repo, "coord init")
    beforehand, act = UNTOUCHED[name]
    scene.git.ok(beforehand)
    head = scene.git.ok("git status --porcelain=v2 --branch -uall; git log --oneline; ls; git reflog")
    scene.git.ok(act)
    now = scene.git.ok("git status --porcelain=v2 --branch -uall; git log --oneline; ls; git reflog")
    assert now != head or name == "worktrees", "git did something"
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
def test_what_git_takes_from_the_log_is_told_and_not_overwritten(bare_repo: Repo, tally: Tally, name: str) -> None:
    init, beforehand, act = TAKEN[name]
    scene = Scene(bare_repo, init)
    scene.git.ok(beforehand)
    assert bare_repo.bytes() == scene.before or name == "tracked, merge"
    scene.git.ok(act)
    taken = bare_repo.bytes()
    other = {path for path, data in scene.before.items() if taken.get(path) != data}
    assert other, "git took something"
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
            assert (session, "not a session" in words) == ("", True)
        else:
            assert session == old
    if not any(taken.values()):  # what then knows of it is the mark in git's own folder
        cut, gone = [], scene.names[:1]
    assert sum("was rewound" in words for words in told[:1]) == 1, told
    for command in ("coord status", "coord verify"):
        seen = scene.git.run(command).out.replace("\n  was", " was")
        assert [name for name in scene.names if f"{name}.jsonl was rewound" in seen] == [*cut, *gone]
    assert gone == [] or "was rewound" in scene.shells[0].run("coord inbox").err, "whoever looks is told"
    after = bare_repo.bytes()
    assert {path: after.get(path) for path in other} == {path: taken.get(path) for path in other}
    assert all(after[path].startswith(data) for path, data in taken.items())
    scene.shells[2].ok("coord claim droplet mine" if became[0] else "coord start")
    if gone:
        assert "was rewound" in scene.shells[0].ok("coord start --new 2>&1"), "and whoever begins anew, each of them"
    assert {path: bare_repo.bytes().get(path) for path in other} == {path: taken.get(path) for path in other}
    tally.did("cases")


@pytest.mark.parametrize("init", ["coord init", "coord init --private"])
def test_a_folder_that_git_took_away_as_a_whole_is_told(bare_repo: Repo, init: str) -> None:
    scene = bare_repo.shell()
    scene.ok(f"{init}; git commit -q --allow-empty -m one")
    scene.start()
    scene.ok("git clean -q -f -d -x")
    missed = scene.run("coord status")
    assert (missed.code, "COORDINATION is gone" in missed.err, "coord init" in missed.err) == (4, True, True)
    scene.ok("coord init")
    assert "no longer exist" in scene.run("coord start").err
    assert "no longer exist" in scene.ok("coord status")
    assert "have it forgotten" in scene.run("coord doctor").out
    scene.ok("rm .git/coord COORDINATION/.cache/checkpoint")
    assert "no longer exist" not in scene.run("coord status").both


def test_a_fresh_clone_misses_nothing(bare_repo: Repo) -> None:
    shell = bare_repo.shell()
    shell.ok(f"coord init && {COMMIT}")
    shell.start()
    shell.ok("git clone -q . ../clone")
    assert "left" not in shell.run("cd ../clone && coord status && coord verify").both
