"""`coord git-hook`: answer a hook of git."""

import sys
from collections.abc import Callable

from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.errors import usage_error
from coord.guard import hook_state
from coord.guard.payload import read_input
from coord.hooks.git.hook import GitHook, after_commit, before_commit, before_push, hooks_in
from coord.render.format import line
from eventlog.events import to_micros

_INPUT_LIMIT_S = 10  # git writes the refs before it waits for the hook


_PUSH = "pre-push"
_HOOKS: dict[str, Callable[[GitHook, str, str], int]] = {
    "pre-commit": lambda hook, _remote, _text: before_commit(hook),
    "post-commit": lambda hook, _remote, _text: after_commit(hook),
    _PUSH: before_push,
}


@command("git-hook", acts=False)
@argument("words", nargs=-1, required=True, metavar="HOOK [ARGUMENT]...")
def git_hook(run: Run, words: tuple[str, ...]) -> int:
    """Handle a hook call from git. `coord install git` sets this up.

    pre-commit stops a commit that contains files which other sessions hold. post-commit ends the automatic claims on
    the committed files. pre-push stops a push that changes files which others claimed with `coord claim`. Exit code 9
    stops git, with the reason on standard error. An error never stops git. With COORD_GUARD=off git always continues,
    and the holders are notified.

    \b
    Example:
      coord git-hook pre-commit
    """
    name, *rest = words
    if name not in _HOOKS:
        raise usage_error(f"coord does not handle the hook '{line(name, 40)}'. It handles {', '.join(_HOOKS)}.")
    hooks = hooks_in(run.system)
    text = read_input(sys.stdin.fileno(), _INPUT_LIMIT_S).decode(errors="replace") if name == _PUSH and hooks else ""
    return max((_answer(run, hook, name, rest[0] if rest else "", text) for hook in hooks), default=0)


def _answer(run: Run, hook: GitHook, name: str, remote: str, text: str) -> int:
    try:
        return _HOOKS[name](hook, remote, text)
    except Exception as error:  # an error of coord must not stop git
        text = f"{type(error).__name__}: {error}"
        hook_state.record_failure(hook.workspace.cache, f"{to_micros(run.system.wall())} git {name} {text[:500]}")
        return 0
