"""`coord notify`: show, set, remove, test and run the command that notifies a person."""

import os
import sys
import time

from coord.cli.parser import command, option
from coord.engine.board import take_notification
from coord.engine.run import Run
from coord.errors import CoordError, refused, usage_error
from coord.platform.executable import find_program
from coord.render.format import line, plural, shell_word
from coord.workspace.notify.due import record_problem
from coord.workspace.notify.message import PREFIX, SAMPLE, check_command, filled_in, variables
from coord.workspace.notify.record import FAILURE, WAITING, LockFile, read_failure, read_notified
from coord.workspace.paths import person_config_path
from coord.workspace.person_config import read_person_config, split_command, write_notify

_EXAMPLES = ("notify-send {title} {text}", "terminal-notifier -title {title} -message {text}", "ntfy publish MY-TOPIC")
"""Commands that work without a script, with programs that many people have."""


@command("notify", acts=False)
@option("--command", "given", metavar="CMD", help="Run CMD when something needs you. No shell is used.")
@option("--off", is_flag=True, help="Stop notifications.")
@option("--due", is_flag=True, help="Notify you of what is due now, after a short wait. For a timer of your system.")
@option("--test", is_flag=True, help="Run the command now, and show whether it works.")
def notify(run: Run, given: str | None, off: bool, due: bool, test: bool) -> None:
    """Run a command of yours when something needs you, such as an agent's question. Without options, show the command.

    The command is saved in your own settings, ~/.config/coord/config.toml, for all repositories. It gets one line of
    text in place of {text}, or else as its last argument; {title} and variables such as COORD_NOTIFY_WHAT are for
    commands that need more. At most four notifications in an hour are not urgent. There is none while you see `coord
    watch`.

    \b
    Examples:
      coord notify --command "notify-send {title} {text}"
      coord notify --command "ntfy publish MY-TOPIC"
      coord notify --command ~/bin/tell-me --test
      coord notify --off
      coord notify --due
    """
    if (off or due) and (given is not None) + off + due + test > 1:
        raise usage_error(f"give {'--off' if off else '--due'} alone.")
    if due:
        _deliver(run)
        return
    if given is not None:
        write_notify(run.system.env, _with_path(run, given))
    elif off:
        write_notify(run.system.env, ())
    words = read_person_config(run.system.env).notify
    if test and not words:
        raise refused(f"no command is set, so there is nothing to test. To set one: {_example(run)}")
    failure = _try_command(run, words) if test else ""
    failed = failure if test else read_failure(_cache(run)).partition(" ")[2]
    data = {"command": words, "file": person_config_path(run.system.env), "tested": test, "failure": failed}
    run.say("\n".join(_lines(run, words, tested=test, failure=failed)), data)
    if failure:
        raise CoordError(1, "")


def _deliver(run: Run) -> None:
    """Wait until new needs have lasted for some seconds, and notify of those that are left."""
    settings = read_person_config(run.system.env)
    if not settings.notify:
        run.say("Notifications are off, so nothing is sent.", {"sent": "", "failure": ""})
        return
    waiting = LockFile(run.workspace.cache, WAITING)
    if not waiting.take():
        run.say("Another process is about to notify you.", {"sent": "", "failure": ""})
        return
    time.sleep(settings.notify_after_seconds)
    waiting.release()  # from now on, a new need starts another process
    try:
        delivery = take_notification(run.system, run.workspace, run.config)
    except (CoordError, OSError) as error:
        record_problem(run.workspace, error)
        raise
    if delivery is None:
        own = len(read_notified(run.workspace.cache).own)
        made = f"{plural(own, 'need')} {'was' if own == 1 else 'were'} made by you in a terminal"
        run.say(f"Nothing is due: {made}." if own else "Nothing is due.", {"sent": "", "failure": ""})
        return
    from coord.workspace.notify.runner import record_failure, run_command  # loads `subprocess`

    failure = run_command(delivery.command, delivery.env)
    record_failure(os.path.join(run.workspace.cache, FAILURE), failure)
    sent = delivery.env[f"{PREFIX}TEXT"]
    run.say(f"❌ {line(failure, 300)}" if failure else f"🔔 {sent}", {"sent": sent, "failure": failure})
    if failure:
        raise CoordError(1, "")


def _with_path(run: Run, given: str) -> tuple[str, ...]:
    """Return the words of a command, with the path of its program: a hook can have another PATH. Raises CoordError."""
    words = split_command(given, "--command")
    if not words or not words[0]:
        raise usage_error("--command is empty. To stop notifications: coord notify --off")
    check_command(words)
    name = os.path.expanduser(words[0])
    path = os.path.join(run.system.cwd, name) if os.sep in name else find_program(run.system.env, name)
    if path and os.path.isfile(path) and not os.access(path, os.X_OK):
        raise usage_error(f"{path} is not executable. Nothing was changed. First run: chmod +x {shell_word(path)}")
    if not path or not os.path.isfile(path):
        raise usage_error(f"there is no program {line(words[0], 100)} that can be run. Nothing was changed.")
    return (os.path.abspath(path), *words[1:])


def _try_command(run: Run, words: tuple[str, ...]) -> str:
    """Run the command with a sample, and return why it failed. If it succeeds, an earlier failure is forgotten."""
    from coord.workspace.notify.runner import record_failure, run_command  # loads `subprocess`

    check_command(words)
    values = variables(SAMPLE, _root(run), {})
    failure = run_command(filled_in(words, values), {**run.system.env, **values})
    if not failure and (cache := _cache(run)):
        record_failure(os.path.join(cache, FAILURE), "")
    return failure


def _root(run: Run) -> str:
    """Return the folder that a notification would be about; outside a repository, the working directory."""
    try:
        return run.workspace.root
    except CoordError:
        return run.system.cwd


def _cache(run: Run) -> str:
    """Return the folder in which a failed notification is recorded; empty outside a repository."""
    try:
        return run.workspace.cache
    except CoordError:
        return ""


def _lines(run: Run, words: tuple[str, ...], *, tested: bool, failure: str) -> list[str]:
    if not words:
        return [f"Notifications are off. To be told when something needs you: {_example(run)}"]
    shown = " ".join(map(shell_word, words))
    rows = [f"🔔 When something needs you, coord runs: {shown}", f"   saved in {person_config_path(run.system.env)}"]
    if failure:
        rows.append(f"❌ {'It' if tested else 'The last notification'} failed: {line(failure, 300)}")
    elif tested:
        rows.append("✅ It ran and ended with exit code 0. If you saw nothing, its program did not show it.")
    rows += [] if tested else ["   try it: coord notify --test · stop it: coord notify --off"]
    return rows


def _example(run: Run) -> str:
    """Return a command line that sets a program of this machine; if it has none that is known, say what to install."""
    known = [words for words in _EXAMPLES if find_program(run.system.env, words.partition(" ")[0])]
    if known:
        return f'coord notify --command "{known[0]}"'
    usual = _EXAMPLES[sys.platform == "darwin"].partition(" ")[0]
    return f"coord notify --command PATH, with a script of your own (or install {usual}, and run coord notify again)"
