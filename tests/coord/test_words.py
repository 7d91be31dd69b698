"""An event in a line: every type says what its session did, in one line, and obeys nothing that others wrote."""

from typing import get_args

import pytest
from hypothesis import given

from coord.words import names_in, said, type_of
from eventlog.events import (
    AnyPayload,
    ClaimHandedOver,
    ClaimRequested,
    Event,
    MessageSent,
    SessionHeartbeat,
    SessionStarted,
)
from tests.histories import Story, histories

EVIL = "a\x1b[31m\nb\u202ec"


@given(histories())
def test_every_event_is_one_line(events: list[Event]) -> None:
    names = names_in(events)
    for event in events:
        text = said(event, names)
        assert text
        assert text.isprintable()


def test_every_type_of_event_has_its_words() -> None:
    from coord.words import _SAY

    assert set(_SAY) == set(get_args(AnyPayload))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (
            SessionStarted(client="codex", branch="main", continues="brook"),
            "starts: codex on main, going on for brook (Bo)",
        ),
        (SessionHeartbeat(), "is still there"),
        (SessionHeartbeat(action="building", target="x", progress="25%"), "building x · 25%"),
        (
            ClaimRequested(resource="file/a", mode="shared", ttl_s=3600, wait_s=60, told="waiting", agent="sub"),
            "asks for file/a shared for 1 h, waiting at most 1 min, by its subagent sub: told waiting",
        ),
        (ClaimHandedOver(claim="amber/2", resource="file/a", to="brook"), "hands file/a (amber/2) over to brook (Bo)"),
        (MessageSent(to="everyone", subject=EVIL, urgency="high"), "writes to everyone: ❗ a\\x1b[31m ⏎ b\\u202ec"),
    ],
)
def test_what_an_event_says(payload: AnyPayload, words: str) -> None:
    event = Story().tell(1, "amber", payload)
    assert said(event, {"brook": "Bo"}) == words
    assert type_of(event) == payload.__struct_config__.tag
