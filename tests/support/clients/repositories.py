"""A repository in which agents can commit."""

from tests.support.repositories import Repo, git


def with_first_commit(repo: Repo) -> Repo:
    """Set an author and make a first commit."""
    (repo.root / "README.md").write_text("# A project\n")
    git(repo, "config", "user.name", "An Agent")
    git(repo, "config", "user.email", "agent@example.org")
    git(repo, "add", "README.md")
    git(repo, "commit", "-q", "-m", "First")
    return repo
