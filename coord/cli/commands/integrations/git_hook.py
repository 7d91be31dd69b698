"""`coord git-hook`: what git's hooks run."""

import sys
from collections.abc import Callable

from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.errors import usage_error
from coord.guard import hook_state
from coord.hooks.git.hook import GitHook, after_commit, before_commit, before_push, hook_in
from coord.render.format import line
from eventlog.events import to_micros

_MOST_INPUT = 1 << 24  # bytes


def _push(hook: GitHook, words: tuple[str, ...]) -> int:
    text = sys.stdin.buffer.read(_MOST_INPUT).decode(errors="replace")
    return before_push(hook, words[0] if words else "", text)


_HOOKS: dict[str, Callable[[GitHook, tuple[str, ...]], int]] = {
    "pre-commit": lambda hook, _: before_commit(hook),
    "post-commit": lambda hook, _: after_commit(hook),
    "pre-push": _push,
}


@command("git-hook", acts=False)
@argument("words", nargs=-1, required=True, metavar="HOOK [ARGUMENT]...")
def git_hook(run: Run, words: tuple[str, ...]) -> int:
    """Answer a hook of git; `coord install git` makes git call it.

    pre-commit looks whether the commit takes along what others are working on, post-commit ends the claims that were
    made for edits that are committed, and pre-push looks whether others have claimed by name what the push changes.
    Exit code 9 holds git back, with the reason on standard error. What fails lets git go on. With COORD_GUARD=off it
    goes on in any case, on the record.

    \b
    Example:
      coord git-hook pre-commit
    """
    name, *rest = words
    if name not in _HOOKS:
        raise usage_error(f"'{line(name, 40)}' is no hook of ours. Known: {', '.join(_HOOKS)}")
    hook = hook_in(run.system)
    if hook is None:
        return 0
    try:
        return _HOOKS[name](hook, tuple(rest))
    except Exception as error:  # whatever it is: git goes on
        said = f"{type(error).__name__}: {error}"
        hook_state.record_failure(hook.workspace.cache, f"{to_micros(run.system.wall())} git {name} {said[:500]}")
        return 0
