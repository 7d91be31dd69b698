"""Reach a git remote: its URL, the repository's own settings for reaching it, and a private repository to fetch into.

The private repository is separate from the user's, so that nothing of it appears in `git log --all`, and no lock of the
user's repository is taken.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from coord.platform.git.command import GitError, run_git, start_git
from eventlog.remotes.git.runner import GitFailed

_SETTINGS = r"^(core\.sshcommand|ssh\..*|http\..*|https\..*|credential\..*|url\..*|protocol\..*|remote\..*\.proxy)$"
_NEVER_ASK = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "LC_ALL": "C"}
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10"


def remote_url(checkout: str, name: str, env: Mapping[str, str]) -> str:
    """Return the URL to which git pushes for the remote `name` of a repository. Raises GitError."""
    return run_git(checkout, "remote", "get-url", "--push", name, env=env).decode(errors="replace").strip()


def remote_settings(checkout: str, env: Mapping[str, str]) -> list[str]:
    """Return the settings in the repository's own configuration that matter for reaching a remote, as `-c` takes them.

    Those of the user and of the system count anyway. Raises GitError.
    """
    try:
        listed = run_git(checkout, "config", "--local", "--null", "--get-regexp", _SETTINGS, env=env)
    except GitError as error:
        if error.code == 1:  # there are none
            return []
        raise
    pairs = (entry.partition("\n") for entry in listed.decode(errors="replace").split("\0") if entry)
    return [f"{key}={value}" for key, _, value in pairs]


def make_private_repository(path: str, env: Mapping[str, str]) -> None:
    """Create the private repository, unless it is there. Raises GitError."""
    if not os.path.isfile(os.path.join(path, "HEAD")):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        run_git(os.path.dirname(path), "init", "--quiet", "--bare", os.path.basename(path), env=env)


class PrivateGit:
    """Runs git in the private repository at `path`, with settings for reaching the remote. See `RunGit`."""

    def __init__(self, path: str, settings: Sequence[str], env: Mapping[str, str]) -> None:
        self._path, self._plain_env = path, env
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False
        options = ["core.fsmonitor=false", "core.hooksPath=/dev/null", "gc.autoDetach=false", *settings]
        self._options = [word for setting in options for word in ("-c", setting)]
        kept = {name: value for name, value in env.items() if not name.startswith("GIT_") or name == "GIT_SSH_COMMAND"}
        if not any(setting.startswith("core.sshcommand=") for setting in settings):
            kept.setdefault("GIT_SSH_COMMAND", _SSH)
        self._env = kept | _NEVER_ASK

    def __call__(self, *arguments: str, data: bytes = b"", timeout_s: float = 30) -> bytes:
        """Return what git prints. Raises GitFailed. A process that is late is killed, with its children."""
        if self._stopped:
            raise GitFailed("git is not run any more", None, started=False)
        try:
            process = self._running = start_git(self._path, [*self._options, *arguments], self._env)
        except OSError as error:
            raise GitFailed(f"git: {error.strerror}", None, started=False) from None
        try:
            if self._stopped:  # by another thread, while this one started git
                _end(process)
            out, err = process.communicate(data, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise GitFailed(f"git {arguments[0]} did not end within {timeout_s:g} s", None) from None
        except BaseException:
            _kill(process)
            raise
        finally:
            self._running = None
        if process.returncode:
            raise GitFailed((err + b"\n" + out).decode(errors="replace").strip(), process.returncode)
        return out

    def renew(self) -> None:
        """Delete the private repository and make an empty one. Raises GitFailed."""
        shutil.rmtree(self._path, ignore_errors=True)
        try:
            make_private_repository(self._path, self._plain_env)
        except (GitError, OSError) as error:
            raise GitFailed(str(error), None, started=False) from None

    def stop(self) -> None:
        """End a running git with its children, called by another thread. Git is not run any more."""
        self._stopped = True
        if (process := self._running) is not None:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):
        process.kill()
    process.communicate()
