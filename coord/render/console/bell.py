"""The bell, and the sequence that makes a terminal show a desktop notification: OSC 9 or OSC 777.

A terminal that is not known to show such notifications gets only the bell, because some terminals print sequences that
they do not know.
Within tmux, the sequence is passed on to the terminal around it, if tmux allows that (`allow-passthrough on`).
"""

import re
from collections.abc import Mapping

from coord.render.format import line

BELL = "\a"
_MOST = 300  # characters of the text

_OSC_9, _OSC_777 = "\x1b]9;{text}\x1b\\", "\x1b]777;notify;{title};{text}\x1b\\"
_BY_PROGRAM = {"iTerm.app": _OSC_9, "WarpTerminal": _OSC_9, "WezTerm": _OSC_777, "ghostty": _OSC_777}
_BY_TERM = (
    (r"xterm-kitty", _OSC_9),
    (r"foot(-.*)?|rxvt-unicode.*|contour.*|wezterm|xterm-ghostty", _OSC_777),
)
_AROUND_TMUX = {
    "KITTY_WINDOW_ID": _OSC_9,
    "ITERM_SESSION_ID": _OSC_9,
    "WEZTERM_PANE": _OSC_777,
    "GHOSTTY_RESOURCES_DIR": _OSC_777,
}
"""Variables of the terminal in which tmux was started."""


def notification(env: Mapping[str, str], title: str, text: str) -> str:
    """Return what to write to a terminal with this environment, so that it rings, and shows a notification if it can.

    The texts may contain anything: they become one line without control characters and without `;`.
    """
    form = _form(env)
    shown = form.format(title=_harmless(title), text=_harmless(text))
    return BELL + (_through_tmux(shown) if shown and env.get("TMUX") else shown)


def _form(env: Mapping[str, str]) -> str:
    if env.get("TMUX"):
        return next((form for name, form in _AROUND_TMUX.items() if env.get(name)), "")
    by_program = _BY_PROGRAM.get(env.get("TERM_PROGRAM", ""), "")
    term = env.get("TERM", "")
    return by_program or next((form for pattern, form in _BY_TERM if re.fullmatch(pattern, term)), "")


def _harmless(text: str) -> str:
    """Return text that cannot end the sequence or its field, and that no terminal takes for a number."""
    shown = line(text, _MOST).replace(";", ",")
    return f"coord: {shown}" if shown[:1].isdigit() else shown  # `OSC 9 ; 4` is a progress bar in some terminals


def _through_tmux(sequence: str) -> str:
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
