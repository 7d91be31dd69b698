"""The words of a notification, and where the person's command gets them: as environment variables, in place of
`{title}` and `{text}`, or as the last argument.

The words contain texts of other sessions, which are untrusted. They are on one line, without control characters and
without `<` and `>`, because some desktops show markup in notifications. They begin with a letter or a digit, so that no
program reads them as an option or as the name of a file. They must not become a part of a program's code: a command
that asks for this is refused.
"""

import os
import re
from collections.abc import Mapping, Sequence

from coord.errors import usage_error
from coord.render.format import Names, line, session_label
from coord.render.needs import step_lines
from coord.workspace.notify.decision import Notification
from projections.views.needs import Need, NeedStep, need_text

PREFIX = "COORD_NOTIFY_"
_MOST = 300  # characters of what happened, and of what to do
_PLACEHOLDER = r"\{(title|text)\}"
_INTERPRETER = r"(?:ba|da|z|fi|k|c|tc)?sh|python[\d.]*|perl|ruby|node|osascript|php|pwsh|powershell"
_CODE_OPTION = r"-\w*[ceErp]|--(?:eval|print|command|run)|-(?i:command)"  # an argument after it is code
_WRAPPER = (
    r"env|timeout|nice|ionice|nohup|setsid|stdbuf|sudo|doas|flock|systemd-run|busybox"  # they run another program
)
_SHELL_USER = r"ssh|rsh|mosh|su|runuser|watch|tmux|screen|xterm"  # its arguments are code for a shell
_NO_MARKUP = str.maketrans("<>", "‹›")

SAMPLE = Notification(
    Need(kind="unknown", subject="This is a test.", steps=(NeedStep("nothing to do"),)), more=0, urgent=False
)
"""The notification of `coord notify --test`."""


def variables(notification: Notification, root: str, names: Names) -> dict[str, str]:
    """Return the environment variables of a notification. `root` is the folder in which the commands are typed."""
    need = notification.need
    project = _plain(os.path.basename(root)).lstrip("-@+/. ") or "coord"
    what = _plain(need_text(need, lambda session: session_label(session, names)))
    steps = [_plain(step) for step in step_lines(need, "", names)]
    more = f" (and {notification.more} more: coord status)" if notification.more else ""
    mark = "urgent: " if notification.urgent and not need.urgent else ""  # the sentence says it of a message
    text = f"{project}: {mark}{what}{f' → {steps[0]}' if steps else ''}{more}"
    values = {
        "TITLE": f"coord: {project}",
        "TEXT": text,
        "PROJECT": project,
        "FOLDER": root,
        "SESSION": need.session or next(iter(need.sessions), ""),
        "KIND": need.kind,
        "WHAT": what,
        "DO": "\n".join(steps),
        "MORE": str(notification.more),
        "URGENT": "1" if notification.urgent else "",
    }
    return {PREFIX + name: value for name, value in values.items()}


def _plain(text: str) -> str:
    return line(text, _MOST).translate(_NO_MARKUP)


def filled_in(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return the command with the words in place of the placeholders, or else with the text as its last argument."""
    program, *arguments = command
    if not _has_placeholder(command):
        return [program, *arguments, values[f"{PREFIX}TEXT"]]

    def value(match: re.Match[str]) -> str:
        return values[PREFIX + match[1].upper()]

    return [program, *(re.sub(_PLACEHOLDER, value, word) for word in arguments)]


def check_command(command: Sequence[str]) -> None:
    """Raise CoordError (2) for a command that would run text of other sessions as code.

    The interpreter can be behind another program, as in `env sh -c`.
    """
    words = list(command) if _has_placeholder(command) else [*command, "{text}"]
    programs = words[:-1] if re.fullmatch(_WRAPPER, os.path.basename(words[0])) else words[:1]
    for place, word in enumerate(programs):
        program = os.path.basename(word)
        if re.fullmatch(_INTERPRETER, program):
            option = _option_with_text(words[place + 1 :])
        else:
            option = "" if re.fullmatch(_SHELL_USER, program) else None
        if option is not None:
            raise usage_error(
                f"{f'{program} {option}'.strip()} would run the text of other sessions as code. Nothing was changed. "
                f'Use a script, with the variable "${PREFIX}TEXT" in quotation marks, or on the standard input of '
                "what runs elsewhere."
            )


def _option_with_text(arguments: Sequence[str]) -> str | None:
    """Return the option of an interpreter whose code would contain the text, or None if there is none."""
    for place, option in enumerate(arguments):
        if re.fullmatch(_CODE_OPTION, option):
            code = next((word for word in arguments[place + 1 :] if not word.startswith("-")), "")
            if re.search(_PLACEHOLDER, code):
                return option
        elif option.startswith("-") and re.search(_PLACEHOLDER, option):  # as in `--eval={text}` and `-e{text}`
            return re.split(r"[={]", option)[0]
    return None


def _has_placeholder(command: Sequence[str]) -> bool:
    return any(re.search(_PLACEHOLDER, word) for word in command[1:])
