"""The text of a denial: what the file is held for, and what the denied agent can do."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.guard_index import guard_rows
from coord.guard.denial import DENIAL_CHARS, denial_text, is_work_on, row_text
from coord.guard.view import GuardRow
from coord.workspace.config import Config
from projections.rules.state import State
from tests.support.histories import Story

FILE = "file/src/app.py"


def row_of(state: State) -> GuardRow:
    """The row of the first claim."""
    return guard_rows(state, Config(), list(state.claims.values())[:1])[0]


@dataclass
class Report:
    """What a holder reports after it claimed `FILE` or before, and whether a hook reports it."""

    action: str
    target: str = ""
    hook: bool = False
    before: bool = False


def text_after(report: Report, wanted: str = FILE, held: str = FILE) -> str:
    """The text about a claim of amber, which reports this, for a session that wants a file."""
    story = Story("amber", "brown")
    if not report.before:
        story.asks(1, "amber", held)
    story.beats(2, "amber", report.action, target=report.target, automatic=report.hook)
    if report.before:
        story.asks(3, "amber", held)
    return row_text(row_of(story.state(50)), wanted, "brown")


@pytest.mark.parametrize("tool", ["Read", "Grep", "WebFetch"])
@pytest.mark.parametrize("before", [True, False])
def test_a_denial_does_not_name_the_last_tool_of_the_holder(tool: str, before: bool) -> None:
    assert "using" not in text_after(Report("using", tool, hook=True, before=before))


@pytest.mark.parametrize("report", [Report("idle", "waiting for its user", hook=True), Report("running", "make", True)])
def test_other_work_of_the_holder_is_left_out(report: Report) -> None:
    assert report.action not in text_after(report)


def test_only_an_edit_of_the_wanted_file_is_shown() -> None:
    editing = Report("editing", "src/app.py", hook=True)
    assert "; editing src/app.py" in text_after(editing)
    assert "; editing src/app.py" in text_after(editing, held="file/src/"), "the wanted file is in the claimed folder"
    assert "editing" not in text_after(editing, wanted="file/src/api.py", held="file/src/")
    assert "editing" not in text_after(Report("editing", "src/app.pyc", hook=True))


def test_work_that_was_stated_before_the_claim_is_shown() -> None:
    assert "doing: “fixing the login”" in text_after(Report("fixing", "the login", before=True))
    assert "login" not in text_after(Report("fixing", "the login")), "it may be about another file"
    assert "doing: “fixing src/app.py: the login”" in text_after(Report("fixing", "src/app.py: the login"))


def sibling_denial(doing: str) -> str:
    """The denial of a subagent, because of a sibling whose session says that it is doing this."""
    story = Story("amber")
    story.beats(1, "amber", doing)
    story.asks(2, "amber", FILE, agent="one")
    return denial_text([(FILE, [row_of(story.state(50))])], "amber")


@given(st.text(min_size=1, max_size=60))
def test_a_denied_sibling_is_not_sent_to_its_own_session(doing: str) -> None:
    text = sibling_denial(f"my {doing}")
    assert text.startswith(
        "coord: src/app.py was not written, because it is claimed:\n  another subagent of your session"
    )
    assert "(one) has file/src/app.py" in text
    assert " or that subagent stops\n" in text
    assert text.endswith(
        "\nDo other work, write it again later, or tell the main agent. Do not use the shell to write it."
    )
    for part in ("coord send", "coord claim", "doing:", "blocked", "amber"):
        assert part not in text


def test_a_denial_because_of_another_session_says_whom_to_ask() -> None:
    story = Story("amber", "brown")
    story.asks(2, "amber", FILE, agent="one")
    text = denial_text([(FILE, [row_of(story.state(50))])], "brown")
    assert "amber, its subagent one, has file/src/app.py" in text
    assert 'coord send amber "Question" "..."' in text
    assert len(text) <= DENIAL_CHARS


_TIMES = st.sampled_from(["", "2026-11-22T12:00:00.000000Z", "2026-11-22T12:00:01.000000Z"])
_WORDS = st.sampled_from(["src/app.py", "“src/app.py”,", "src/app.pyc", "lib/src/app.py", "fixing", "(src/app.py)."])


@given(st.lists(_WORDS, max_size=4).map(" ".join), st.booleans(), _TIMES, _TIMES)
def test_work_on_a_file_names_it_or_was_stated_before_the_claim(
    doing: str, automatic: bool, doing_since: str, held_since: str
) -> None:
    names_it = any(word in doing.split() for word in ("src/app.py", "“src/app.py”,", "(src/app.py)."))
    stated = bool(doing) and not automatic and doing_since <= held_since
    assert is_work_on(FILE, doing, automatic, doing_since, held_since) == (names_it or stated)
