"""What a name, a prefix or a conversation means: live sessions first, then those of the last day, then all others."""

import pytest

from coord.errors import CoordError
from coord.workspace.names import matches, resolve_session, sessions_by_conversation
from eventlog.events import DAY_S, SessionStarted
from projections.rules.rows import Rows
from projections.rules.state import Session, State
from projections.views.board import names_of
from tests.support.histories import Story

DAYS = 10 * DAY_S


def story() -> State:
    """Three sessions `ada` of one conversation: one ended long ago, one half an hour ago, and one has another name."""
    said = Story()
    said.tell(1, "brown-hare", SessionStarted(name="ada", client_session="talk"))
    said.ends(2, "brown-hare")
    said.tell(3, "coral-swift", SessionStarted(name="ada", client_session="talk"))
    said.tell(4, "amber-otter", SessionStarted(name="bea"))
    said.ends(DAYS, "coral-swift")
    said.beats(DAYS + 1800, "amber-otter", "build")
    return said.state()


def ids(found: dict[str, list[Session]]) -> dict[str, list[str]]:
    return {name: [session.id for session in sessions] for name, sessions in found.items()}


def test_a_session_of_the_last_hour_comes_before_older_ones() -> None:
    state = story()
    assert matches(state, "ada") == ["coral-swift"]
    assert ids(sessions_by_conversation(state, ["talk"])) == {"talk": ["coral-swift"]}
    assert matches(state, "brown") == ["brown-hare"]
    assert resolve_session(state, "amber") == "amber-otter"


def test_older_sessions_are_found_wherever_their_rows_are() -> None:
    state = story()
    kept = {"brown-hare": state.sessions.pop("brown-hare"), "coral-swift": state.sessions.pop("coral-swift")}
    lists = {"name/ada": kept, "conversation/talk": kept, "letter/b": ["brown-hare"]}
    state.sessions = Rows(state.sessions, kept.get, lambda key: lists.get(key, ()))
    assert matches(state, "brown") == ["brown-hare"]
    assert matches(state, "nobody") == []
    assert names_of(state)["coral-swift"] == "ada"
    assert ids(sessions_by_conversation(state, ["talk", "none"])) == {"talk": ["coral-swift"]}
    with pytest.raises(CoordError, match="no session is called"):
        resolve_session(state, "nobody")


def test_a_row_that_was_deleted_is_not_found_again() -> None:
    rows = Rows({}, {"a": 1}.get)
    assert ("a" in rows, rows["a"], rows.get("b"), rows.get("b", 2)) == (True, 1, None, 2)
    del rows["a"]
    assert ("a" in rows, rows.get("a")) == (False, None)
    with pytest.raises(KeyError):
        rows["a"]
