"""A repository in which agents can commit."""

import subprocess

from tests.support.processes import environment
from tests.support.repositories import Repo


def git(repo: Repo, *words: str) -> None:
    """Run git in a repository."""
    command = ["git", "-C", str(repo.root), *words]
    subprocess.run(command, env=environment(repo.home), check=True, capture_output=True)


def at_work(repo: Repo) -> Repo:
    """Give it a first commit, and an author for those that come."""
    (repo.root / "README.md").write_text("# A project\n")
    git(repo, "config", "user.name", "An Agent")
    git(repo, "config", "user.email", "agent@example.org")
    git(repo, "add", "README.md")
    git(repo, "commit", "-q", "-m", "First")
    return repo
