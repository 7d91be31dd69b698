"""How the remote runs git. The program itself is run by the caller's own object."""

from typing import Protocol


class GitFailed(Exception):
    """Git failed: `code` is its exit code (negative if a signal ended it), or None if it did not start or did not end
    in time. `started` is whether it ran at all.
    """

    def __init__(self, message: str, code: int | None, *, started: bool = True) -> None:
        super().__init__(message)
        self.message, self.code, self.started = message, code, started


class RunGit(Protocol):
    """Runs git in the private repository, with the settings that reach the remote."""

    def __call__(self, *arguments: str, data: bytes = b"", timeout_s: float = 30) -> bytes:
        """Return what git prints on its standard output. Raises GitFailed."""
        ...

    def renew(self) -> None:
        """Delete the private repository and make an empty one. Raises GitFailed."""
        ...

    def stop(self) -> None:
        """End a running git, called by another thread. Git is not run any more."""
        ...
