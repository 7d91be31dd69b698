"""The one place that runs git."""

from collections.abc import Mapping

_OPTIONS = ("-c", "core.fsmonitor=false", "--no-optional-locks")  # git starts no daemon, and changes no file
_NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0"}


class GitError(Exception):
    """Git is not there, took too long, or ended with an exit code other than 0: then `code` is that one."""

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
    """What git prints when it runs in a folder, with `data` on its standard input. Raises GitError.

    Variables of git's own in `env` name another repository or index than the folder has, so they are left out; but not
    `in_hook`, where git itself has set them for the hook that calls.
    """
    import subprocess  # takes long to load, and most commands do not run git

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
        said = done.stderr.decode(errors="replace").strip()
        raise GitError(f"git {arguments[0]}: exit code {done.returncode}: {said}", done.returncode)
    return done.stdout
