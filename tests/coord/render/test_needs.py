"""How a need is written: commands that a shell reads as they are meant, places, and Markdown."""

import subprocess

from hypothesis import example, given
from hypothesis import strategies as st

from coord.render.needs import commands_text, markdown_code, need_line, need_markdown, own_need_text, step_lines
from eventlog.events import MessageSent
from projections.views.needs import Need, NeedStep, Observed, find_needs, own_needs
from tests.support.histories import Story, at

WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


def urgent_need() -> tuple[Story, Need]:
    story = Story("amber", "brown", "coral")
    message = MessageSent(to=("brown", "coral"), subject="Stop", body="now", urgency="high", needs_ack=True)
    story.tell(60, "amber", message)
    (need,) = find_needs(story.state(120), Observed(at(120), 900))
    return story, need


@given(st.lists(WORDS, min_size=1, max_size=4))
@example(["y's $HOME", '"', "\\", "`id`", "!!", "-n", "", "\u202e", "a'\x1b\\", "…", "é ü", "$(id)"])
def test_a_shell_reads_a_command_as_it_is_meant(words: list[str]) -> None:
    text = commands_text(NeedStep("", (("printf", "%s\\0", *words),)))
    assert text.isprintable()
    done = subprocess.run(["bash", "-c", text], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode().split("\0")[:-1] == words


def test_a_place_to_fill_in_is_quoted() -> None:
    assert commands_text(NeedStep("", (("coord", "reply", "amber/2", "..."),))) == 'coord reply amber/2 "..."'


def test_the_reader_is_not_told_where_to_type_its_own_command() -> None:
    _, need = urgent_need()
    names = {"brown": "back", "coral": "back"}
    assert need_line(need, at(120), names) == (
        "back (brown), back (coral) must confirm the urgent message “Stop: now” from amber · since 11:01 UTC (1 min)"
    )
    assert step_lines(need, "", names)[:2] == [
        "confirm, in the terminals of back (brown), back (coral): coord ack amber/2",
        'or answer, in the terminals of back (brown), back (coral): coord reply amber/2 "..."',
    ]
    names["coral"] = "front"
    assert need_line(need, at(120), names).startswith("back, front must confirm")
    assert step_lines(need, "brown", names)[0] == "confirm: coord ack amber/2"
    inbox = Need("lost", steps=(NeedStep("read why", (("coord", "inbox"),), ("brown",)),))
    assert step_lines(inbox, "", names) == ["read why, in back's terminal: coord inbox"]


def test_the_reader_is_not_told_to_write_to_itself() -> None:
    story = Story("amber")
    story.beats(1, "amber", "waits", blocked_on="the key")
    (need,) = find_needs(story.state(2), Observed(at(2), 900))
    ends = 'when it is no longer blocked: coord heartbeat --blocked-on "" --session amber'
    assert step_lines(need, "brown", {}) == ['answer it: coord send amber Answer "..."', ends]
    assert step_lines(need, "amber", {}) == [ends]


def test_markdown_shows_commands_as_code_and_escapes_the_rest() -> None:
    story = Story("amber")
    story.beats(1, "amber", "waits", blocked_on="<b>*key*</b> | [x](y)")
    (need,) = find_needs(story.state(2), Observed(at(2), 900))
    text = need_markdown(need, at(2), {})
    assert "<b>" not in text
    assert r"\*key\*" in text
    assert '`coord heartbeat --blocked-on "" --session amber`' in text
    assert "\n" not in text
    assert markdown_code("break file/<a>`|b") == r"break file/&lt;a&gt;\`\|b"


def test_an_agent_is_told_what_it_must_do_itself() -> None:
    story, need = urgent_need()
    sent = story.events[-1]
    story.reads(130, "brown", sent)
    (own,) = own_needs(story.state(140), "brown")
    assert own.to == ("brown",)
    assert own_need_text(own, {}) == "you must still confirm: “Stop” (coord ack amber/2)"
    assert need.about == sent.id
