"""Every kind of notice has a text, in the inbox and in the report."""

from typing import get_args, get_type_hints

from coord.render.messages import notice_line
from coord.render.report.sessions import _UNREAD
from projections.rules.state import Notice

KINDS = get_args(get_type_hints(Notice)["kind"])
NOON = "2026-11-22T12:00:00.000000Z"


def test_every_kind_of_notice_is_a_line_of_the_inbox() -> None:
    lines = {notice_line(Notice("amber/1", NOON, kind, ("file/a.py",), "brown"), NOON, {}) for kind in KINDS}
    assert len(lines) == len(KINDS)


def test_the_report_names_every_kind_of_unread_notice() -> None:
    assert _UNREAD.keys() == {"message", *KINDS}
