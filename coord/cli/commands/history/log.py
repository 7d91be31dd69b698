"""`coord log`: list events."""

import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any, get_args

import msgspec

from coord.cli.commands.history._posted import PostedLog
from coord.cli.paging import Page, before_option, limit_option, newest_page
from coord.cli.parser import argument, command, option
from coord.cli.resources.words import resources_meant
from coord.engine.history.full import FullHistory
from coord.engine.history.search import contains
from coord.engine.run import Run
from coord.engine.times.points_in_time import is_event_name
from coord.errors import DONE, CoordError, usage_error
from coord.platform.watch import POLL_EVERY_S, Interrupted, collect_signals, wait_for
from coord.render.console.output import print_row, print_text
from coord.render.events import claimed_resources, event_line, names_in, type_of
from coord.render.format import json_plain, line, terminal_text
from eventlog.events import (
    AnyPayload,
    ClaimHandedOver,
    ClaimRequested,
    Event,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from projections.postings.answers import NotPosted
from projections.rules.resources import overlap

_SHOWN = 40  # events: about a screen
_SHOWN_BEFORE_FOLLOWING = 10  # events

_VOCABULARY = tuple(sorted({str(kind.__struct_config__.tag) for kind in get_args(AnyPayload)} - {"unknown"}))

Filter = Callable[[Event], bool]


@command("log", acts=False, negative="there is no option '{word}'. For the newest N events: coord log --last N.")
@argument("text", required=False)
@option("--session", "sessions", metavar="ID", multiple=True, help="Only events of this session; may be repeated.")
@option(
    "--type",
    "types",
    multiple=True,
    suggestions=_VOCABULARY,
    help="Only events of this type: claim, claim.broken; may be repeated.",
)
@option("--resource", help="Only events about this resource, or one that overlaps it.")
@option("--since", metavar="TIME", help="Only events after TIME: 18:00, -90m, yesterday, or an event id.")
@option("--until", metavar="TIME", help="Only events up to TIME.")
@limit_option(f"events; the default is {_SHOWN}", "--last")
@before_option
@option("--all", "everything", is_flag=True, help="Show all events.")
@option("--follow", is_flag=True, help="Also show new events as they come, until Ctrl-C.")
def log(run: Run, text: str | None, **options: Any) -> None:
    """List events, the newest last.

    With TEXT, only events that contain it are shown. If TEXT is an event id, that event is shown in full. --json prints
    all matching events, each as its line in the journal, with its hash.

    \b
    Examples:
      coord log
      coord log --since yesterday --type claim --resource file/src/
      coord log "stripe key"
      coord log amber-otter-k3f9/17
      coord log --follow
      coord log --json | jq -r .event.type
    """
    if options["follow"] and (options["until"] is not None or options["before"] is not None):
        raise usage_error("--follow shows new events, so it cannot be used with --until or --before.")
    if _log_from_postings(run, text, options):
        return None
    past = run.full_history(lines=run.json or is_event_name(text or ""), follows=options["follow"])
    run.note_problems(past.snapshot)
    if text and is_event_name(text) and past.is_known_event(text):
        return _print_event(run, past, past.event(text))
    filters = _build_filters(
        run, past, text or "", **{name: options[name] for name in ("sessions", "types", "resource")}
    )
    begin, end = past.since(options["since"], "--since").key, past.cut(options["until"], "--until").key
    if begin > end:
        raise usage_error("--until is before --since. Swap them.")
    before = past.events if options["until"] is None else past.until(past.cut(options["until"], "--until"))
    selected = [event for event in before if all(matches(event) for matches in filters) and event.key > begin]
    limit = options["limit"] or (_SHOWN_BEFORE_FOLLOWING if options["follow"] else _SHOWN)
    everything = options["everything"] or (run.json and not options["limit"])
    page = newest_page(run, "log", selected, lambda event: event.key, None if everything else limit, options["before"])
    _print(run, _lines(run, past, page.rows), _head(run, len(past.events), len(selected), page))
    if options["follow"]:
        _follow(run, past, filters)
    return None


def _log_from_postings(run: Run, text: str | None, options: dict[str, Any]) -> bool:
    """Print the events about a resource if the postings have them, and return whether. Raises as `log` does."""
    others = ("sessions", "types", "since", "until", "follow")
    if not options["resource"] or text or any(options[name] for name in others):
        return False
    limit = None if options["everything"] or (run.json and not options["limit"]) else options["limit"] or _SHOWN
    try:
        posted = PostedLog(run)
        page, count, rows = posted.page(options["resource"], limit, options["before"])
    except NotPosted:
        return False
    run.note_problems(posted.snapshot)
    _print(run, rows, _head(run, posted.snapshot.state.events, count, page))
    return True


def _build_filters(
    run: Run, past: FullHistory, text: str, sessions: Sequence[str], types: Sequence[str], resource: str | None
) -> list[Filter]:
    """Return the filters that an event must pass. Raises CoordError (2) for an unknown session or type."""
    filters: list[Filter] = []
    if resource:  # first, because it must see every claim
        filters.append(about_filter(resources_meant(run, "log --resource", resource)))
    if sessions:
        actors = {name for given in sessions for name in sessions_named(past, given)}
        filters.append(lambda event: event.actor in actors)
    if types:
        _check_types(past, types)
        filters.append(lambda event: any(_has_type(type_of(event), kind) for kind in types))
    if text:
        filters.append(lambda event: contains(event, text))
    return filters


def sessions_named(past: FullHistory, given: str) -> set[str]:
    """Return the sessions with events that have this id, this name, or an id that begins with it.

    Raises CoordError (2) if there is none.
    """
    names = names_in(past.events)
    actors = {event.actor for event in past.events}
    matching = (
        {given} & actors
        or {actor for actor in actors if names.get(actor) == given}
        or {actor for actor in actors if actor.startswith(given)}
    )
    if not matching:
        similar = get_close_matches(given, [*actors, *names.values()], n=3, cutoff=0.5)
        suggestion = f" Did you mean {' or '.join(similar)}?" if similar else ""
        raise usage_error(f"there are no events of a session '{line(given, 60)}'.{suggestion}")
    return matching


def _check_types(past: FullHistory, types: Iterable[str]) -> None:
    known = {*_VOCABULARY} | {type_of(event) for event in past.events}
    for kind in types:
        if not any(_has_type(name, kind) for name in known):
            raise usage_error(f"there is no event type '{line(kind, 60)}'. The types are {', '.join(sorted(known))}.")


def _has_type(name: str, kind: str) -> bool:
    """Return whether an event type is `kind` or, such as `claim.broken` for `claim`, belongs to it."""
    return name == kind or name.startswith(kind + ".")


def about_filter(resources: Sequence[str]) -> Filter:
    """Return a filter for events about one of these resources.

    Some events name only a claim. Their resource is the one of the claim's own event, which must have passed before.
    """
    claim_resources: dict[str, str] = {}

    def matches(event: Event) -> bool:
        payload = event.payload
        resource = getattr(payload, "resource", "") or claim_resources.get(getattr(payload, "claim", ""), "")
        if isinstance(payload, ClaimRequested | ClaimHandedOver):
            claim_resources[event.id] = payload.resource
        files = [f"file/{name}" for name in payload.files] if isinstance(payload, SessionHeartbeat) else []
        return any(overlap(wanted, each) for wanted in resources for each in (resource, *files) if each)

    return matches


# --- output ---------------------------------------------------------------------------------------------------------


def _head(run: Run, searched: int, selected: int, page: Page[Any]) -> str:
    if run.json:  # the lines are events only
        if page.older:
            run.note(page.hint("event"))
        return ""
    if not searched:
        return "The log has no events yet. The first is written by: coord start"
    if not selected:
        return f"No matching events ({searched} searched)."
    return page.hint("event") or ("" if page.rows else "No older matching events.")


def _lines(run: Run, past: FullHistory, events: Sequence[Event]) -> Iterator[str]:
    if run.json:
        return (json_plain(past.lines[event.id].decode()) for event in events)
    return _event_lines(past, {event.id for event in events})


def _event_lines(past: FullHistory, wanted: set[str]) -> Iterator[str]:
    """Yield the lines of some events, each with the name that its session had at that time."""
    names: dict[str, str] = {}
    resources = claimed_resources(past.events)
    for event in past.events:
        if isinstance(event.payload, SessionStarted):
            names |= names_in([event])
        if event.id in wanted:
            yield event_line(event, past.now, names, resources)


def _print_event(run: Run, past: FullHistory, event: Event) -> None:
    """Print one event in full: its line, and then each of its fields."""
    if run.json:
        _print(run, _lines(run, past, [event]))
        return
    rows = [*_event_lines(past, {event.id}), f"  {type_of(event)}, {event.at}"]
    values = msgspec.json.decode(past.lines[event.id])
    for name, value in values["event"].items():
        if name != "type":
            rows.append(f"  {name}: {_value_text(value)}")
    for name, value in values.get("imported", {}).items():
        rows.append(f"  imported {name}: {_value_text(value)}")
    if not isinstance(event.payload, _WITHOUT_EFFECT_ON_CLAIMS):
        rows.append(f"  its effect: coord why {event.id}")
    _print(run, rows)


_WITHOUT_EFFECT_ON_CLAIMS = (SessionHeartbeat, SessionStarted, MessageRead, MessageAcknowledged, MessageResolved)


def _value_text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return terminal_text(text).replace("\n", "\n    ")


def _print(run: Run, lines: Iterable[str], head: str = "") -> None:
    """Print lines one by one, so that a reader such as `head` can stop early. Raises CoordError (5)."""
    for row in chain([head] if head else [], lines):
        print_row(run.fitted(row), flush=False)
    print_text("")


def _follow(run: Run, past: FullHistory, filters: Sequence[Filter]) -> None:
    """Print new events as they come, until a signal or a closed pipe ends it."""
    snapshot, known = past.snapshot, {event.id for event in past.events}

    def look() -> tuple[None, Instant]:
        if _output_is_closed():
            raise CoordError(DONE, "")
        past.lines.clear()
        new = [event for event in snapshot.read_new() if event.id not in known]  # a rewound journal is read again
        known.update(event.id for event in new)
        past.events = [*past.events, *new]
        _print(run, _lines(run, past, [event for event in new if all(matches(event) for matches in filters)]))
        return None, add_time(run.system.wall(), POLL_EVERY_S)

    caught: list[int] = []
    try:
        with collect_signals(caught):
            wait_for(run.workspace.log, look, run.system.wall, caught)
    except Interrupted as signal:
        raise CoordError(128 + signal.args[0], "") from None


def _output_is_closed() -> bool:
    """Return whether the reader of standard output has closed the pipe. Without a write, nothing else shows this."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)  # 0, because a closed pipe is always reported
    except (OSError, ValueError):  # standard output is not a file
        return False
    return any(mask & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, mask in poll.poll(0))
