"""The words of a notification, and how the person's command gets them."""

import pytest

from coord.errors import CoordError
from coord.workspace.notify.decision import Notification
from coord.workspace.notify.message import SAMPLE, check_command, filled_in, variables
from projections.views.needs import Need, NeedStep

STEPS = (NeedStep("answer it", (("coord", "send", "s1", "Answer", "..."),)), NeedStep("or wait"))
BLOCKED = Need(kind="blocked", session="s1", sessions=("s1",), subject="the key", steps=STEPS)


def words(need: Need = BLOCKED, root: str = "/home/you/shop", more: int = 0) -> dict[str, str]:
    return variables(Notification(need, more, need.urgent), root, {"s1": "frontend"})


def test_the_text_says_where_who_what_and_what_to_do() -> None:
    told = words()
    assert told["COORD_NOTIFY_TEXT"] == 'shop: frontend is blocked on the key → answer it: coord send s1 Answer "..."'
    assert told["COORD_NOTIFY_TITLE"] == "coord: shop"
    assert told["COORD_NOTIFY_DO"].splitlines() == ['answer it: coord send s1 Answer "..."', "or wait"]
    assert (told["COORD_NOTIFY_SESSION"], told["COORD_NOTIFY_FOLDER"]) == ("s1", "/home/you/shop")
    assert words(more=2)["COORD_NOTIFY_TEXT"].endswith(" (and 2 more: coord status)")


def test_the_text_is_the_last_argument_or_replaces_placeholders() -> None:
    told = {"COORD_NOTIFY_TITLE": "T {text}", "COORD_NOTIFY_TEXT": "x {title}"}
    assert filled_in(["ntfy", "publish", "topic"], told) == ["ntfy", "publish", "topic", "x {title}"]
    assert filled_in(["send", "-t={title}", "{text}"], told) == ["send", "-t=T {text}", "x {title}"]
    assert filled_in(["{text}", "a"], told) == ["{text}", "a", "x {title}"], "never the program"


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\nb", "a\0b", "<b>a</b>", "a\u202eb"])
def test_text_of_others_is_one_line_without_markup(text: str) -> None:
    told = words(Need(kind="blocked", session="s1", subject=text, steps=STEPS))
    for name in ("WHAT", "TEXT", "TITLE"):
        value = told[f"COORD_NOTIFY_{name}"]
        assert value.isprintable()
        assert not set("<>") & set(value)


@pytest.mark.parametrize("root", ["/src/-rf", "/src/@secret", "/", "/src/--", "/src/+x"])
def test_no_program_takes_the_text_for_an_option_or_a_file(root: str) -> None:
    assert words(root=root)["COORD_NOTIFY_TEXT"][0].isalnum()
    assert words(root=root)["COORD_NOTIFY_PROJECT"]


def test_a_long_text_is_cut() -> None:
    assert len(words(Need(kind="blocked", session="s1", subject="x" * 10_000))["COORD_NOTIFY_TEXT"]) < 400


@pytest.mark.parametrize(
    "command",
    [
        "sh -c {text}",
        "/bin/bash -lc x{title}",
        "python3 -c {text}",
        "osascript -e {text}",
        "sh -c",  # the text is the last argument
        "env LANG=C sh -c {text}",
        "bash -c -x {text}",
        "bash -o pipefail -c {text}",
        "perl -E {text}",
        "php -r {text}",
        "node --eval={text}",
        "ruby -e{text}",
        "ssh laptop notify-send",
        "timeout 9 ssh laptop notify-send {text}",
        "tmux display-message {text}",
    ],
)
def test_a_command_that_would_run_the_text_is_refused(command: str) -> None:
    with pytest.raises(CoordError, match="would run the text of other sessions as code"):
        check_command(command.split())


@pytest.mark.parametrize(
    "command",
    [
        "sh -c true",
        "bash tell.sh {text}",
        "bash -e tell.sh",
        "notify-send -c {title}",
        "sh",
        "x -message {text}",
        "ntfy publish ssh",
    ],
)
def test_other_commands_are_accepted(command: str) -> None:
    check_command(command.split())


def test_the_sample_can_be_sent() -> None:
    assert variables(SAMPLE, "/src/shop", {})["COORD_NOTIFY_TEXT"] == "shop: This is a test. → nothing to do"


def test_an_urgent_message_is_called_urgent_once() -> None:
    need = Need("unacknowledged", session="s2", sessions=("s1",), subject="Stop", urgent=True)
    assert words(need)["COORD_NOTIFY_TEXT"] == "shop: frontend must confirm the urgent message “Stop” from s2"
    lost = Notification(Need("unknown", subject="A problem."), 0, urgent=True)
    assert variables(lost, "/repos/shop", {})["COORD_NOTIFY_TEXT"] == "shop: urgent: A problem."
