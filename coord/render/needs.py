"""What needs a person, for a terminal, for Markdown, and for the agent that it concerns.

`projections.views.needs` decides what it is and writes the sentence. Here a session gets its name, the time is added,
and the commands are quoted so that they work when they are typed or pasted into a shell.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from coord.render.format import (
    Names,
    duration_text,
    line,
    markdown_text,
    quoted,
    session_label,
    shell_word,
    time_text,
)
from eventlog.events import Instant, seconds_between
from projections.views.needs import Need, NeedStep, need_text

Escape: TypeAlias = Callable[[str, int], str]
"""Makes text of other sessions safe for the output format, and cuts it to a number of characters."""

_MOST = 400  # characters of a sentence
_PLAIN_WORD = r"[a-zA-Z0-9_@%+=:,./-]+"  # a string, as in `coord.render.format`: most commands need no pattern


def need_line(need: Need, now: Instant, names: Names, escape: Escape = line) -> str:
    """Return who it is about, what is wrong, and since when, on one line."""
    return escape(need_text(need, lambda session: session_label(session, names)), _MOST) + _since(need, now)


def step_lines(need: Need, me: str, names: Names, escape: Escape = line, code: Callable[[str], str] = str) -> list[str]:
    """Return what to do about a need, a line for each step.

    `me` is the reader's session, or empty. A step that would send a message to that session is left out.
    """
    to_me = ("coord", "send", me)
    steps = [step for step in need.steps if all(words[:3] != to_me for words in step.commands)]
    return [_step_text(step, me, names, escape, code) for step in steps]


def need_markdown(need: Need, now: Instant, names: Names) -> str:
    """Return a need with its steps for one line or table cell of Markdown."""
    steps = " · ".join(step_lines(need, "", names, markdown_text, markdown_code))
    return need_line(need, now, names, markdown_text) + (f" → {steps}" if steps else "")


def own_need_text(need: Need, names: Names) -> str:
    """Return what a session must do itself, for its own agent: a message to confirm, or a circle to leave."""
    if need.kind == "unacknowledged":
        return f"you must still confirm: {quoted(need.subject, 80)} ({commands_text(need.steps[0])})"
    path = " → ".join(session_label(name, names) for name in (*need.sessions, need.sessions[0]))
    return f"you wait for each other in a circle: {path} (to end it: {commands_text(need.steps[0])})"


def commands_text(step: NeedStep) -> str:
    """Return the commands of a step as a person types them."""
    return "; ".join(" ".join(map(_shell_word, words)) for words in step.commands)


def _step_text(step: NeedStep, me: str, names: Names, escape: Escape, code: Callable[[str], str]) -> str:
    """Return the purpose of a step, the session in which to type its commands unless `me` is one, and the commands."""
    place = "" if me in step.sessions else ", ".join(session_label(session, names) for session in step.sessions)
    terminal = f"{place}'s terminal" if len(step.sessions) == 1 else f"the terminals of {place}"
    purpose = escape(f"{step.why}, in {terminal}" if place else step.why, _MOST)
    return f"{purpose}: {code(commands_text(step))}" if step.commands else purpose


def _since(need: Need, now: Instant) -> str:
    """Return since when; and the message's id, if no command names it, as in a past board."""
    reference = f" ({need.about})" if need.kind == "unacknowledged" and not need.steps else ""
    if not need.since:
        return reference
    return f" · since {time_text(need.since, now)} ({duration_text(seconds_between(need.since, now))}){reference}"


def _shell_word(word: str) -> str:
    """Return a word quoted for a shell, with double quotes where that is enough, since they are easier to read."""
    if re.fullmatch(_PLAIN_WORD, word) and word != "...":
        return word
    if not word.isprintable():
        return shell_word(word)
    if not any(letter in word for letter in '"$`\\!'):
        return f'"{word}"'
    return "'" + word.replace("'", "'\\''") + "'"


def markdown_code(text: str) -> str:
    """Return text as code in Markdown, or as escaped text if it contains characters of markup."""
    return markdown_text(text, 0) if re.search("[<>&|`]", text) else f"`{text}`"
