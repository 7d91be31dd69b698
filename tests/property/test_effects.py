"""What the page says before an action is exactly what then changes: who loses which claim, who gets it, whose request
ends, and who is told.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.servers.web.actions.context import ActionContext
from coord.servers.web.actions.effects import EFFECTS, effect_of
from coord.servers.web.actions.table import ACTIONS
from eventlog.events import AnyPayload, ClaimBroken, ClaimHandedOver, ClaimReleased, Event, SessionEnded, add_time
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.replay import copy_state
from tests.support.histories import histories
from tests.support.state_bytes import image

FIELDS: dict[str, str | bool] = {
    "to": "",
    "subject": "s",
    "body": "",
    "note": "",
    "reason": "r",
    "urgency": "normal",
    "needs_ack": True,
}


def context(state: State, me: str, **given: str | bool) -> ActionContext:
    return ActionContext(state, max(state.at, state.reached), me, {**FIELDS, "unblock": True, **given}, {})


def contested(events: list[Event]) -> State:
    """The state after the last event at which a request was waiting, or else after all events."""
    state, found = State(), State()
    for event in events:
        fold(state, [event])
        if state.waits:
            found = copy_state(state)
    return found if found.waits else state


def after(state: State, actor: str, *payloads: AnyPayload) -> State:
    """A copy of the state after these events, as a command would write them."""
    copy, number = copy_state(state), state.sessions[actor].last_n
    at = max(state.at, state.reached)
    for payload in payloads:
        number, at = number + 1, add_time(at, micros=1)
        fold(copy, [Event(v=1, at=at, session=actor, n=number, payload=payload)])
    return copy


def expected_rows(before: State, later: State, me: str) -> list[str]:
    """The beginning of each sentence that the claims and waiting requests of the two states require."""

    def who(name: str) -> str:
        return "you" if name == me else name

    rows = []
    for claim in before.claims.values():
        if claim.id not in later.claims:
            agent = f"'s subagent {claim.agent}" if claim.agent else ""
            verb = "lose" if who(claim.session) + agent == "you" else "loses"
            rows.append(f"{who(claim.session)}{agent} {verb} {claim.resource},")
    for claim in later.claims.values():
        if claim.id not in before.claims:
            rows.append(f"{who(claim.session)} {'get' if claim.session == me else 'gets'} {claim.resource}")
    gone = [w for w in before.waits.values() if w.id not in later.waits and w.id not in later.claims]
    return rows + [f"{who(wait.session)} no longer waits for {wait.resource}." for wait in gone]


def assert_says(texts: list[str], before: State, later: State, me: str) -> None:
    """The sentences about claims are those that are expected, each once."""
    wanted = expected_rows(before, later, me)
    said = [text for text in texts if re.search(r"^(?!Nobody).* (loses?|gets?|no longer waits for) ", text)]
    assert len(said) == len(wanted), (said, wanted)
    for row in wanted:
        assert any(text.startswith(row) for text in said), (row, said)
    more = {n for n, s in later.sessions.items() if len(s.notices) > len(before.sessions[n].notices)}
    told = {text.split(" is told ")[0] for text in texts if " is told " in text}
    assert told <= {"you" if name == me else name for name in more}


@pytest.mark.slow
@given(data=st.data())
def test_an_effect_names_exactly_what_changes(data: st.DataObject) -> None:
    state = contested(data.draw(histories()))
    live = [session.id for session in state.sessions.values() if session.live]
    if not live:
        return
    me = data.draw(st.sampled_from(live))
    for session in state.sessions.values():
        session.name = ""  # the ids are the labels
    for claim in [claim for claim in state.claims.values() if not claim.imported][:5]:
        other = [c for c in state.claims.values() if (c.resource, c.session) == (claim.resource, claim.session)]
        if claim.session != me:
            effect = effect_of("break", context(state, me, resource=claim.resource, session=claim.session))
            broken = after(state, me, *(ClaimBroken(claim=each.id, reason="r") for each in other))
            assert effect.seen == {"claims": [each.id for each in other]}
            assert_says(effect.text, state, broken, me)
        elif not any(w.session == me and w.resource == claim.resource for w in state.waits.values()):
            effect = effect_of("release", context(state, me, resource=claim.resource))
            released = after(state, me, *(ClaimReleased(claim=each.id) for each in other))
            assert_says(effect.text, state, released, me)
            to = data.draw(st.sampled_from(live))
            handed = effect_of("handoff", context(state, me, resource=claim.resource, to=to))
            if not handed.refused:
                events_ = [ClaimHandedOver(claim=c.id, resource=c.resource, to=to) for c in other]
                assert_says(handed.text, state, after(state, me, *events_), me)


@pytest.mark.slow
@given(data=st.data())
def test_ending_and_withdrawing_name_exactly_what_changes(data: st.DataObject) -> None:
    state = contested(data.draw(histories()))
    for session in state.sessions.values():
        session.name = ""
    for session in [session for session in state.sessions.values() if session.live][:4]:
        effect = effect_of("end", context(state, "", session=session.id))
        assert effect.seen == {"last": [f"{session.id}/{session.last_n}"]}
        assert_says(effect.text[1:], state, after(state, session.id, SessionEnded()), "")
    for wait in list(state.waits.values())[:4]:
        effect = effect_of("withdraw", context(state, "", session=wait.session, resource=wait.resource))
        same = [w for w in state.waits.values() if (w.session, w.resource) == (wait.session, wait.resource)]
        assert_says(
            effect.text, state, after(state, wait.session, *(ClaimReleased(claim=each.id) for each in same)), ""
        )


@pytest.mark.slow
@given(data=st.data())
def test_a_look_at_an_effect_changes_nothing(data: st.DataObject) -> None:
    """For every action, also about something that does not exist, and by a person who has no session yet."""
    state = fold(State(), data.draw(histories(stray=True)))
    before = image(state)
    names = st.sampled_from([*state.sessions, "nobody"])
    given: dict[str, str | bool] = {
        "session": data.draw(names),
        "to": data.draw(names),
        "message": data.draw(st.sampled_from([*state.messages, "nobody/1", ""])),
        "resource": data.draw(st.sampled_from([*(claim.resource for claim in state.claims.values()), "file/x"])),
    }
    me = data.draw(st.sampled_from(["", *state.sessions]))
    for name in EFFECTS:
        effect = effect_of(name, context(state, me, **given))
        assert effect.refused or effect.text
        assert all(text for text in effect.text)
    assert image(state) == before


def test_every_action_has_an_effect() -> None:
    assert EFFECTS.keys() == ACTIONS.keys()
