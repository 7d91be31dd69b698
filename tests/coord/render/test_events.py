"""Events as text: every type has a text, on one line, without control characters of other sessions."""

from typing import get_args

import pytest
from hypothesis import given
from msgspec import Raw

from coord.render.events import event_text, names_in, type_of
from eventlog.events import (
    AnyPayload,
    ClaimAccepted,
    ClaimBroken,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    Unknown,
)
from tests.support.histories import Story, anchor, histories

EVIL = "a\x1b[31m\nb\u202ec"


@pytest.mark.slow
@given(histories())
def test_every_event_is_one_line(events: list[Event]) -> None:
    names = names_in(events)
    for event in events:
        text = event_text(event, names)
        assert text
        assert text.isprintable()


def test_every_type_of_event_has_a_text() -> None:
    from coord.render.events import _EVENT_TEXT

    assert set(_EVENT_TEXT) == set(get_args(AnyPayload))


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (
            SessionStarted(client="codex", branch="main", continues="brook"),
            "starts: codex on main, continues Bo",
        ),
        (SessionHeartbeat(), "sends a heartbeat"),
        (SessionHeartbeat(action="building", target="x", progress="25%"), "building x · 25%"),
        (
            ClaimRequested(resource="file/a", mode="shared", ttl_s=3600, wait_s=60, told="waiting", agent="sub"),
            "asks for file/a shared for 1 h, waiting at most 1 min, by its subagent sub: waiting",
        ),
        (ClaimHandedOver(claim="amber/2", resource="file/a", to="brook"), "hands file/a (amber/2) over to Bo"),
        (MessageSent(to="everyone", subject=EVIL, urgency="high"), "writes to everyone: ❗ a\\x1b[31m ⏎ b\\u202ec"),
    ],
)
def test_text_of_an_event(payload: AnyPayload, text: str) -> None:
    event = Story().tell(1, "amber", payload)
    assert event_text(event, {"brook": "Bo"}) == text
    assert type_of(event) == payload.__struct_config__.tag


@pytest.mark.parametrize(
    "payload",
    [
        SessionStarted(client=EVIL, branch=EVIL, continues="brook"),
        SessionHeartbeat(
            action=EVIL, target=EVIL, phase=EVIL, progress=EVIL, next_action=EVIL, files=(EVIL,),
            estimated_completion=EVIL, blocked_on=EVIL,
        ),
        SessionEnded(reason=EVIL, summary=EVIL, notes=EVIL),
        SessionPresumedDead(session="brook", anchor=anchor(1), evidence=EVIL),
        SessionPresumedIdle(session="brook", n=1, evidence=EVIL),
        ClaimRequested(resource=f"file/{EVIL}", mode="shared", ttl_s=60, agent=EVIL, note=EVIL, told="granted"),
        ClaimAccepted(claim="amber/2", resource=f"file/{EVIL}", agent=EVIL),
        ClaimRenewed(claim="amber/2", ttl_s=60, agent=EVIL),
        ClaimReleased(claim="amber/2", agent=EVIL),
        ClaimHandedOver(claim="amber/2", resource=f"file/{EVIL}", to="brook", note=EVIL),
        ClaimBroken(claim="amber/2", reason=EVIL),
        MessageSent(to=("brook",), subject=EVIL, body=EVIL),
        Unknown(name=EVIL, raw=Raw(b"{}")),
    ],
    ids=lambda payload: type(payload).__name__,
)  # fmt: skip
def test_control_characters_are_escaped_in_every_field(payload: AnyPayload) -> None:
    text = event_text(Story().tell(1, "amber", payload), {"brook": EVIL}, {"amber/2": EVIL})
    assert text.isprintable(), text
    assert "a\\x1b[31m" in text
