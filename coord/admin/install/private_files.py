"""Settings that only this person sees are no business of git's: they are put into its private list of what to ignore.

Otherwise the next `git add -A` would give the team hooks that fail for those who have no coord.
"""

from coord.admin.install.changeset import Changeset
from coord.admin.install.request import InstallRequest
from coord.platform.git.command import GitError, run_git
from coord.platform.git.exclude import exclude_file, with_pattern, without_pattern

_COMMENT = "# Made by `coord install`: settings of this person alone."


def exclude_from_git(ask: InstallRequest, draft: Changeset, name: str) -> None:
    """Let git ignore a file, unless it does, or has it."""
    if ask.repository is None:
        return
    path = exclude_file(ask.repository)
    text = draft.text(path)
    if without_pattern(text, f"/{name}", _COMMENT) is None and not _is_known(ask, name):
        draft.write(path, with_pattern(text, f"/{name}", _COMMENT))
        draft.say(path, f"Git ignores /{name}, which is yours alone.")


def remove_exclude(ask: InstallRequest, draft: Changeset, name: str) -> None:
    """Take that back."""
    if ask.repository is None:
        return
    path = exclude_file(ask.repository)
    if (left := without_pattern(draft.text(path), f"/{name}", _COMMENT)) is not None:
        draft.leave(path, left)
        draft.say(path, f"the line that hid /{name} from git")


def _is_known(ask: InstallRequest, name: str) -> bool:
    """Whether git ignores a file, or tracks it; also where there is no git to ask."""
    for words in (("check-ignore", "-q", "--no-index", "--", name), ("ls-files", "--error-unmatch", "--", name)):
        try:
            run_git(ask.base, *words, env=ask.system.env)
        except GitError as error:
            if error.code is not None:
                continue
        return True
    return False
