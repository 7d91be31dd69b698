"""The report as a page, the same for a terminal and as Markdown, with the most important first.

Its reader has just come back. So the page begins with damage to the log, then what needs attention, then what went
wrong, then what each session did. Every list is cut to a readable length and tells how to see the rest.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from coord.render.format import ago, duration_text, line, markdown_text, period_text, plural, time_text
from coord.render.needs import markdown_code
from coord.render.report.incidents import (
    blocked_text,
    break_text,
    death_row,
    expiry_text,
    loss_text,
    need_rows,
    refusal_text,
    text_rows,
    unanswered_text,
    wait_text,
)
from coord.render.report.rows import MOST_ROWS, ReportRow, ReportStyle, Section
from coord.render.report.sessions import sessions_section
from coord.render.styled import INDENT, Row, styled
from coord.render.styled import Section as TextSection
from eventlog.events import seconds_between
from projections.views.report import Report

_MOST_WAITS = 3
_Again: TypeAlias = Callable[[int], str]


def report_sections(report: Report, damage: Sequence[str], most: int | None, again: _Again) -> list[TextSection]:
    """Return the report for a terminal, with at most `most` rows of each section, or the default number.

    `damage` are sentences about missing parts of the log. `again` returns the command that shows a number of rows.
    """
    parts = [TextSection(f"📋 {_title(report)}", [Row(styled(_summary(report)))])]
    for section in _sections(report, damage, ReportStyle(report, line, str), most):
        rows = [
            Row(_with_quiet_ids(text))
            for row in section.rows
            for text in (f"- {row.text}", *(f"{INDENT}{under}" for under in row.under))
        ]
        more = [Row(styled(text, "quiet")) for text in _more(section, again)]
        parts.append(TextSection(f"{section.sign} {section.title.upper()}", [*rows, *more]))
    return parts


def _with_quiet_ids(text: str) -> list[tuple[str, str]]:
    """Return a row as pieces, with the event ids in brackets in a quiet style."""
    parts = re.split(r"( \([^()]*/\d+[^()]*\))", text)
    return [(part, "quiet" if number % 2 else "") for number, part in enumerate(parts) if part]


def report_markdown(report: Report, damage: Sequence[str], most: int | None, again: _Again) -> str:
    """Return the report as Markdown. The arguments are those of `report_sections`."""
    parts = [f"# 📋 {_title(report)}\n\n{_summary(report)}\n"]
    for section in _sections(report, damage, ReportStyle(report, markdown_text, markdown_code), most):
        rows = [f"- {row.text}" + "".join(f"\n  - {under}" for under in row.under) for row in section.rows]
        parts.append(
            "\n".join(
                [
                    f"## {section.sign} {section.title}\n",
                    *rows,
                    *_more(section, lambda count: markdown_code(again(count))),
                    "",
                ]
            )
        )
    return "\n".join(parts)


def _more(section: Section, again: _Again) -> list[str]:
    return [f"- … and {section.more} more: {again(section.shown + section.more)}"] if section.more else []


def _title(report: Report) -> str:
    lasted = duration_text(seconds_between(report.since, report.until))
    return f"Report: {period_text(report.since, report.until, '')} ({lasted})"


def _summary(report: Report) -> str:
    """Return the totals, or when the last event was if there are none."""
    totals = report.totals
    if totals.events:
        return (
            f"{plural(totals.sessions, 'session')} · {plural(totals.events, 'event')} · "
            f"{plural(totals.granted, 'claim')} granted · {plural(totals.messages, 'message')}"
        )
    if not report.last_event:
        return "Nothing happened: the log has no events yet."
    last, when, before = report.last_event, time_text(report.last_at, report.until), ago(report.last_at, report.until)
    return f"Nothing happened. The last event was {last}, {when}, {before}: coord report --until {last}"


def _sections(report: Report, damage: Sequence[str], style: ReportStyle, most: int | None) -> list[Section]:
    """Return the sections that have rows."""
    rows, few = most or MOST_ROWS, most or _MOST_WAITS
    pressing = sorted(report.unanswered, key=lambda message: message.needs_ack or message.urgency == "high")
    damaged = [ReportRow(style.escape(text, 300)) for text in damage]
    deaths = [death_row(death, style) for death in report.deaths]
    unanswered = [ReportRow(unanswered_text(message, style)) for message in pressing]
    sections = [
        _section("🚨", "The log is damaged: this page may be wrong", damaged, rows),
        _section("⚠️ ", "Needs attention", need_rows(report, style), rows, newest=False),
        _section("🙋", "Was blocked", text_rows(report.blocked, blocked_text, style), few, newest=False),
        _section("💀", "Died", deaths, rows),
        _section("❌", "Lost", text_rows(report.lost, loss_text, style), rows),
        _section("🔨", "Broken", text_rows(report.breaks, break_text, style), rows),
        _section("⌛", "Expired", text_rows(report.expired, expiry_text, style), rows),
        _section("⛔", "Refused", text_rows(report.refusals, refusal_text, style), rows),
        _section("📭", "Not answered", unanswered, rows),
        _section("⏳", "Longest waits", text_rows(report.waits, wait_text, style), few, newest=False),
        sessions_section(report.sessions, style, most),
    ]
    return [section for section in sections if section.rows]


def _section(sign: str, title: str, rows: Sequence[ReportRow], most: int, *, newest: bool = True) -> Section:
    """Return a section with its newest rows, or its first ones."""
    shown = rows[-most:] if newest else rows[:most]
    return Section(sign, title, shown, len(shown), len(rows) - len(shown))
