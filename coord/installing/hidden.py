"""Settings that only this person sees are no business of git's: they are put into its private list of what to ignore.

Otherwise the next `git add -A` would give the team hooks that fail for those who have no coord.
"""

import os
import subprocess
from itertools import pairwise

from coord.blocks import with_block, without_lines
from coord.installing.draft import Draft
from coord.installing.plan import Ask

_COMMENT = "# Made by `coord install`: settings of this person alone."


def hide(ask: Ask, draft: Draft, name: str) -> None:
    """Let git ignore a file, unless it does, or has it."""
    if ask.repository is None:
        return
    path, text = _exclude(ask, draft)
    if _spot(text, name) is None and not _is_known(ask, name):
        draft.write(path, with_block(text, [_COMMENT, f"/{name}"]))
        draft.say(path, f"Git ignores /{name}, which is yours alone.")


def unhide(ask: Ask, draft: Draft, name: str) -> None:
    """Take that back."""
    if ask.repository is None:
        return
    path, text = _exclude(ask, draft)
    if (start := _spot(text, name)) is not None:
        draft.leave(path, without_lines(text, start, start + 2))
        draft.say(path, f"the line that hid /{name} from git")


def _spot(text: str, name: str) -> int | None:
    lines = text.splitlines()
    pairs = enumerate(pairwise(lines))
    return next((start for start, pair in pairs if pair == (_COMMENT, f"/{name}")), None)


def _exclude(ask: Ask, draft: Draft) -> tuple[str, str]:
    assert ask.repository is not None
    path = os.path.join(ask.repository.common, "info", "exclude")
    return path, draft.text(path)


def _is_known(ask: Ask, name: str) -> bool:
    """Whether git ignores a file, or tracks it; also where there is no git to ask."""
    env = {key: value for key, value in ask.world.env.items() if not key.startswith("GIT_")}
    for words in (("check-ignore", "-q", "--no-index", "--", name), ("ls-files", "--error-unmatch", "--", name)):
        try:
            done = subprocess.run(
                ["git", "-C", ask.base, *words], capture_output=True, env=env, timeout=20, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return True
        if done.returncode == 0:
            return True
    return False
