"""`coord timeline`: draw who held what, and when, as text or SVG."""

import shutil

import msgspec

from coord.cli.commands.history._written import write_result
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import command, option
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.console.layout import cut, wrap
from coord.render.console.progress import chunks
from coord.render.format import line, plural, time_text
from coord.render.styled import Pieces, Row, Section, session_pieces, styled
from coord.render.timeline.scale import Scale, make_scale, period_label, ticks
from eventlog.events import DAY_S, Instant, add_time
from projections.views.intervals.analysis import HistoryAnalysis, analyze_history
from projections.views.point_in_time import PointInTime, before_instant
from projections.views.timeline.period import Lane, Timeline, build_timeline

_CUT_NOTE = "Only the last 24 hours before the last event are shown; --since shows more."
_MOST_LANES, _WIDEST = 20, 120


@command("timeline", acts=False, negative="there is no option '{word}'. To begin earlier: coord timeline --since -8h.")
@option("--svg", "file", metavar="FILE", help="Write an SVG picture to FILE; - is standard output.")
@option("--since", metavar="TIME", help="Begin at TIME: 8h, 18:00, or an event id.")
@option("--until", metavar="TIME", help="End at TIME instead of at the last event.")
@limit_option(f"sessions as text, the latest; the default is {_MOST_LANES}, and all with --svg or --json")
def timeline(run: Run, file: str | None, since: str | None, until: str | None, limit: int | None) -> None:
    """Draw who held what, and when: a lane for each session, with bars for claims, and marks for refusals and deaths.

    With --svg, a picture for a report or a browser is written. It also shows messages, as arrows; point at an element
    to see its events. Without --since, at most the 24 hours before the last event are shown.

    \b
    Examples:
      coord timeline
      coord timeline --svg night.svg
      coord timeline --svg - --since "yesterday 18:00" --until 9:00 > night.svg
    """
    past = run.full_history()
    drawn, is_cut = _read_timeline(past, since, until)
    run.note_problems(past.snapshot)
    data = {"file": None, "svg": None, **msgspec.to_builtins(drawn)}
    if not file:
        shown = limit or _MOST_LANES
        run.show(_sections(drawn, is_cut, shown, rest_hint(run, "timeline", len(drawn.lanes), shown)), data)
        return
    from coord.render.timeline.svg import render_svg  # takes a third of a command's time, and is needed only here

    picture = render_svg(drawn, [problem.text for problem in past.snapshot.journal_problems()])
    if file == "-":
        run.say(picture, data | {"svg": picture})
        return
    path = write_result(run, file, picture, "the picture")
    run.say(f"Wrote {line(file, 200)}: {_summary(drawn, is_cut)}", data | {"file": path})


def _read_timeline(past: FullHistory, since: str | None, until: str | None) -> tuple[Timeline, bool]:
    """Return the timeline between two times, and whether it was cut to the last day. Raises CoordError (2).

    Without `until` it ends with the last event, or with the last decision that needed no event, such as an expiry.
    """
    begin, end = past.since(since, "--since"), past.cut(until, "--until")
    if end.at < begin.at or (until and end.key < begin.key):
        first, last = (time_text(point.at, "", seconds=True) for point in (begin, end))
        raise usage_error(f"--until, {last}, is before --since, {first}.")
    events = past.until(end)
    analysis = analyze_history(events, end.at, lambda events: chunks("replaying", events))
    last_day = before_instant(add_time(events[-1].at, -DAY_S)) if events else begin
    is_cut = not since and bool(events) and events[0].key < last_day.key
    begin = last_day if is_cut else begin
    return build_timeline(analysis, begin, end.at if until else _last_time(analysis, begin, end)), is_cut


def _last_time(analysis: HistoryAnalysis, begin: PointInTime, end: PointInTime) -> Instant:
    """Return the time of the last event or decision, but not before the beginning."""
    if not analysis.events:
        return end.at
    last = [*(event.at for event in analysis.events[-1:]), *(decision.at for decision in analysis.decisions[-1:])]
    return min(max([begin.at, *last]), end.at)


def _summary(timeline: Timeline, is_cut: bool) -> str:
    """Return a phrase with the number of sessions and events, and the period."""
    if not timeline.lanes:
        return "nothing happened in this period." if timeline.names else "there are no events yet."
    period = period_label(timeline.since, timeline.until)
    facts = ", ".join([plural(len(timeline.lanes), "session"), plural(timeline.events, "event"), period])
    return f"{facts}. {_CUT_NOTE}" if is_cut else facts


# --- text -----------------------------------------------------------------------------------------------------------

_MARK_SYMBOLS = {"died": "✝", "lost": "!", "broken": "%", "refused": "x", "void": "?"}
_LEGEND = "─ live · █ holds · ▒ waits · x refused · ✝ died · ! lost · % broken · ? handover failed"
_HINT = "coord timeline --svg FILE draws a picture that also shows the messages."


def _sections(timeline: Timeline, is_cut: bool, shown: int, rest: list[str]) -> list[Section]:
    summary = _summary(timeline, is_cut)
    if not timeline.lanes:
        return [Section("", [Row(styled(summary[0].upper() + summary[1:]))])]
    width = min(shutil.get_terminal_size().columns, _WIDEST) - 1
    scale = make_scale(timeline.since, timeline.until, 0, width - 1)
    lanes = timeline.lanes[-shown:]
    rows: list[Pieces] = [styled(_ruler(scale, width), "quiet")]
    for lane in lanes:
        rows += [cut(_lane_label(lane, timeline), width), styled(_lane_line(lane, timeline, scale, width))]
    rows += [styled(row, "quiet") for row in rest]
    legend, hint = (wrap(styled(note, "quiet"), width, 0) for note in (_LEGEND, _HINT))
    return [Section("", [Row(row) for row in block]) for block in (wrap(styled(summary), width, 0), rows, legend, hint)]


def _lane_label(lane: Lane, timeline: Timeline) -> Pieces:
    """Return a lane's session, and the resources that it held."""
    held = list(dict.fromkeys(span.resource for row in lane.rows for span in row if span.kind == "claim"))
    label = session_pieces(lane.session, timeline.names, full=True)
    return [*label, *styled(": " + ", ".join(line(name) for name in held) if held else "")]


def _ruler(scale: Scale, width: int) -> str:
    """Return the row of times above the lanes. Each label begins at its time."""
    row = ""
    for tick in ticks(scale, 12):
        label = f"{tick.day[5:]} {tick.label}" if tick.day else tick.label
        column = round(tick.x)
        if column >= len(row) + (2 if row else 0) and column + len(label) < width:
            row += " " * (column - len(row)) + label
    return row


def _lane_line(lane: Lane, timeline: Timeline, scale: Scale, width: int) -> str:
    """Return a lane as one row. Waits are drawn over lives, claims over waits, and marks over everything."""
    row = [" "] * width

    def paint(start: Instant, end: Instant, symbol: str) -> None:
        first, last = round(scale.x(start)), round(scale.x(end)) if end else width - 1
        row[first : max(last, first) + 1] = symbol * (max(last, first) + 1 - first)

    spans = [span for spans in lane.rows for span in spans]
    for life in lane.lives:
        paint(life.start, life.end, "─")
    for kind, symbol in (("wait", "▒"), ("claim", "█")):
        for span in spans:
            if span.kind == kind:
                paint(span.start, span.end, symbol)
    for mark in timeline.marks:
        if mark.session == lane.session:
            paint(mark.at, mark.at, _MARK_SYMBOLS[mark.kind])
    return "".join(row).rstrip()
