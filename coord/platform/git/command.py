"""Run git. No other module does."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_OPTIONS = ("-c", "core.fsmonitor=false", "--no-optional-locks")  # start no daemon, and do not rewrite the index
_NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0"}


class GitError(Exception):
    """Git is missing, timed out, or failed. `code` is its exit code if it ran and failed, else None."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


def run_git(
    folder: str,
    *arguments: str,
    env: Mapping[str, str],
    timeout_s: float = 20,
    data: bytes = b"",
    in_hook: bool = False,
) -> bytes:
    """Return what git prints when it runs in `folder` with `data` on its standard input. Raises GitError.

    Git's variables in `env` could name another repository or index, so they are removed. With `in_hook` they are kept,
    because git has set them for the calling hook.
    """
    import subprocess  # slow to load, and most commands do not run git

    kept = {name: value for name, value in env.items() if in_hook or not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *arguments],
            cwd=folder,
            env=kept | _NO_QUESTIONS,
            input=data,
            capture_output=True,
            timeout=timeout_s,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise GitError(f"git {arguments[0]}: {type(error).__name__}: {error}") from None
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise GitError(f"git {arguments[0]}: exit code {done.returncode}: {message}", done.returncode)
    return done.stdout


def start_git(folder: str, words: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start git in `folder`, in a process group of its own, with exactly this environment. Raises OSError."""
    import subprocess  # slow to load, and most commands do not run git

    return subprocess.Popen(
        ["git", *words],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
