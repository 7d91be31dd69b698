"""`coord timeline`."""

import os
import shutil
from textwrap import fill

import msgspec

from coord.cli.parser import command, option
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.errors import usage_error
from coord.platform.replace_file import replace_file
from coord.render.console.progress import chunks
from coord.render.format import line, plural, session_label, time_text
from coord.render.timeline.scale import Scale, make_scale, period_label, ticks
from eventlog.events import DAY_S, Instant, add_time
from projections.views.intervals import HistoryAnalysis, analyze_history
from projections.views.point_in_time import PointInTime, before_instant
from projections.views.timeline import Lane, Timeline
from projections.views.timeline import build_timeline as timeline_of

_DAY = "of the last day before the last event; --since shows more"
_MOST_LANES, _WIDEST = 20, 120


@command("timeline", acts=False, negative="there is no option '{word}'. From a time on: coord timeline --since -8h.")
@option("--svg", "file", metavar="FILE", help="Draw it into this file; - is standard output.")
@option("--since", metavar="TIME", help="From when, if not all of the last 24 hours: 8h, 18:00, an event's id.")
@option("--until", metavar="TIME", help="Up to when, if not up to the last event.")
def timeline(run: Run, file: str | None, since: str | None, until: str | None) -> None:
    """Show who held what, when: sessions as lanes, their claims as bars, refusals and deaths marked.

    With --svg it is a picture with the messages as arrows, for a report or a browser; pointing at a thing names its
    events. Without --since it shows everything, but at most the last 24 hours before the last event.

    \b
    Examples:
      coord timeline
      coord timeline --svg night.svg
      coord timeline --svg - --since "yesterday 18:00" --until 9:00 > night.svg
    """
    past = run.full_history()
    found, cut_off = _read_timeline(past, since, until)
    run.note_problems(past.snapshot)
    data = {"file": None, "svg": None, **msgspec.to_builtins(found)}
    if not file:
        run.say(_text(found, cut_off), data)
        return
    from coord.render.timeline.svg import render_svg  # a third of a command, for a picture only

    picture = render_svg(found, [finding.text for finding in past.snapshot.journal_problems()])
    if file == "-":
        run.say(picture, data | {"svg": picture})
        return
    path = os.path.join(run.system.cwd, file)
    _write(path, file, picture)
    run.say(f"Drawn into {line(file, 200)}: {_heading(found, cut_off)}", data | {"file": path})


def _read_timeline(past: FullHistory, since: str | None, until: str | None) -> tuple[Timeline, bool]:
    """The timeline between two moments, and whether it was cut to the last day. Raises CoordError (2).

    Without `until` it ends with the last that happened, be it by time alone.
    """
    begin, end = past.since(since, "--since"), past.cut(until, "--until")
    if end.at < begin.at or (until and end.key < begin.key):
        first, last = (time_text(cut.at, "", seconds=True) for cut in (begin, end))
        raise usage_error(f"--until, {last}, is before --since, {first}.")
    events = past.until(end)
    told = analyze_history(events, end.at, lambda events: chunks("replaying", events))
    day = before_instant(add_time(events[-1].at, -DAY_S)) if events else begin
    cut_off = not since and bool(events) and events[0].key < day.key
    begin = day if cut_off else begin
    return timeline_of(told, begin, end.at if until else _last(told, begin, end)), cut_off


def _last(told: HistoryAnalysis, begin: PointInTime, end: PointInTime) -> Instant:
    """When the last happened of what did, but not before the beginning."""
    if not told.events:
        return end.at
    found = [*(event.at for event in told.events[-1:]), *(said.at for said in told.decisions[-1:])]
    return min(max([begin.at, *found]), end.at)


def _heading(of: Timeline, cut_off: bool) -> str:
    """What is shown, in a phrase."""
    if not of.lanes:
        return "nothing happened in this time." if of.names else "there are no events yet."
    facts = [plural(len(of.lanes), "session"), plural(of.events, "event"), period_label(of.since, of.until)]
    return ", ".join(facts) + (f". That is the part {_DAY}." if cut_off else "")


def _write(path: str, given: str, picture: str) -> None:
    """The whole picture in place of what was there, or nothing. Raises CoordError (2)."""
    if "\0" in path:
        raise usage_error(f"{line(given, 200)} cannot be the name of a file.")
    folder, name = os.path.split(os.path.realpath(path))
    if not name or os.path.isdir(path):
        raise usage_error(f"{line(given, 200)} is a folder: name the file that the picture shall be in.")
    if not os.path.isdir(folder):
        raise usage_error(f"there is no folder {line(folder, 200)} to put {line(name)} into. Nothing was written.")
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe is written to, not replaced
            with open(path, "wb") as file:
                file.write(picture.encode())
        else:
            replace_file(os.path.join(folder, name), picture.encode())
    except OSError as error:
        raise usage_error(f"{line(given, 200)} cannot be written: {error.strerror}. Nothing was changed.") from None


# --- on a terminal --------------------------------------------------------------------------------------------------

_MARK_SYMBOLS = {"died": "✝", "lost": "!", "broken": "%", "refused": "x", "void": "?"}
_LEGEND = "─ here · █ holds · ▒ waits · x refused · ✝ died · ! lost · % broken · ? handover void"


def _text(of: Timeline, cut_off: bool) -> str:
    heading = _heading(of, cut_off)
    if not of.lanes:
        return heading[0].upper() + heading[1:]
    width = min(shutil.get_terminal_size().columns, _WIDEST) - 1
    on = make_scale(of.since, of.until, 0, width - 1)
    lanes = of.lanes[-_MOST_LANES:]
    rows = [_ruler(on, width)]
    for lane in lanes:
        rows += [_lane_label(lane, of, width), _lane_line(lane, of, on, width)]
    more = len(of.lanes) - len(lanes)
    rows += [f"… and {plural(more, 'earlier session')}: --json shows all"] if more else []
    words = (_LEGEND, "coord timeline --svg FILE draws it, with the messages.")
    return "\n\n".join([fill(heading, width), "\n".join(rows), *(fill(text, width) for text in words)])


def _lane_label(lane: Lane, of: Timeline, width: int) -> str:
    """A lane's session, and what it held."""
    held = list(dict.fromkeys(span.resource for row in lane.rows for span in row if span.kind == "claim"))
    text = session_label(lane.session, of.names) + (f": {', '.join(held)}" if held else "")
    return line(text, width)


def _ruler(on: Scale, width: int) -> str:
    """Times above the lanes, each beginning where it is."""
    row = ""
    for tick in ticks(on, 12):
        label = f"{tick.day[5:]} {tick.label}" if tick.day else tick.label
        workspace = round(tick.x)
        if workspace >= len(row) + (2 if row else 0) and workspace + len(label) < width:
            row += " " * (workspace - len(row)) + label
    return row


def _lane_line(lane: Lane, of: Timeline, on: Scale, width: int) -> str:
    """A lane as a line: what comes later in this function is drawn over what came before."""
    row = [" "] * width

    def paint(start: Instant, end: Instant, sign: str) -> None:
        first, last = round(on.x(start)), round(on.x(end)) if end else width - 1
        row[first : max(last, first) + 1] = sign * (max(last, first) + 1 - first)

    spans = [span for spans in lane.rows for span in spans]
    for life in lane.lives:
        paint(life.start, life.end, "─")
    for kind, sign in (("wait", "▒"), ("claim", "█")):
        for span in spans:
            if span.kind == kind:
                paint(span.start, span.end, sign)
    for mark in of.marks:
        if mark.session == lane.session:
            paint(mark.at, mark.at, _MARK_SYMBOLS[mark.kind])
    return "".join(row).rstrip()
