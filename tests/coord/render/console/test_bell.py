"""The bytes that make a terminal ring and show a notification, also through tmux and with hostile texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.render.console.bell import notification

ITERM = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (ITERM, "\a\x1b]9;shop: x\x1b\\"),
        ({"TERM": "xterm-kitty"}, "\a\x1b]9;shop: x\x1b\\"),
        ({"TERM_PROGRAM": "WezTerm"}, "\a\x1b]777;notify;coord;shop: x\x1b\\"),
        ({"TERM": "foot"}, "\a\x1b]777;notify;coord;shop: x\x1b\\"),
        ({"TERM": "rxvt-unicode-256color"}, "\a\x1b]777;notify;coord;shop: x\x1b\\"),
        ({"TERM": "xterm-256color"}, "\a"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "\a"),
        ({}, "\a"),
        ({"TMUX": "/tmp/x,1,0", "TERM": "tmux-256color", "TERM_PROGRAM": "tmux"}, "\a"),
        (
            {"TMUX": "/tmp/x,1,0", "TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"},
            "\a\x1bPtmux;\x1b\x1b]9;shop: x\x1b\x1b\\\x1b\\",
        ),
    ],
)
def test_each_terminal_gets_what_it_understands(env: dict[str, str], expected: str) -> None:
    assert notification(env, "coord", "shop: x") == expected


@given(st.text(), st.text())
def test_a_text_cannot_end_the_sequence(title: str, text: str) -> None:
    for env, pattern in (
        (ITERM, r"\x07\x1b\]9;([^;\x00-\x1f\x7f-\x9f]*)\x1b\\"),
        ({"TERM": "foot"}, r"\x07\x1b\]777;notify;[^;\x00-\x1f\x7f-\x9f]*;([^;\x00-\x1f\x7f-\x9f]*)\x1b\\"),
    ):
        found = re.fullmatch(pattern, notification(env, title, text))
        assert found
        assert len(found[1]) < 320


def test_a_text_is_never_a_progress_bar() -> None:
    assert notification(ITERM, "", "4;1;50") == "\a\x1b]9;coord: 4,1,50\x1b\\"
