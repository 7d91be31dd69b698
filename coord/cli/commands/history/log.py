"""`coord log`: what happened, event by event."""

import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from coord.cli.parser import Number, argument, command, option
from coord.cli.resources import possible_resources
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.engine.times import is_event_name
from coord.errors import CoordError, usage_error
from coord.platform.watch import POLL_EVERY_S, Interrupted, collect_signals, wait_for
from coord.render.events import claimed_resources, event_text, names_in, type_of
from coord.render.format import json_plain, line, plural, terminal_text, time_text
from eventlog.events import (
    AnyPayload,
    ClaimHandedOver,
    ClaimRequested,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from projections.rules.resources import overlap

_SHOWN = 40  # a screen
_FOLLOWED = 10  # what came before, for one who follows

Filter = Callable[[Event], bool]


@command("log", acts=False, negative="there is no option '{word}'. For the newest N events: coord log --last N.")
@argument("text", required=False)
@option("--session", "sessions", metavar="ID", multiple=True, help="Only what this session did; may be repeated.")
@option("--type", "types", multiple=True, help="Only this type: claim, claim.broken; may be repeated.")
@option("--resource", help="Only what is about this resource, or overlaps it.")
@option("--since", metavar="TIME", help="Only what came after: 18:00, -90m, yesterday, an event's id.")
@option("--until", metavar="TIME", help="Only what came up to then.")
@option("--last", metavar="N", number=Number(least=1), help=f"Show so many at most, not {_SHOWN}.")
@option("--all", "everything", is_flag=True, help="Show all of them.")
@option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
def log(run: Run, text: str | None, **options: Any) -> None:
    """Show what happened, the newest last; or one event, whole. TEXT finds the events that say it.

    With --json the lines are those of the journals, hash and all, and all of them are shown.

    \b
    Examples:
      coord log
      coord log --since yesterday --type claim --resource file/src/
      coord log "stripe key"
      coord log amber-otter-k3f9/17
      coord log --follow
      coord log --json | jq -r .event.type
    """
    if options["follow"] and options["until"] is not None:
        raise usage_error("--follow goes on with what comes; it does not go with --until.")
    past = run.full_history(lines=run.json or is_event_name(text or ""), follows=options["follow"])
    run.note_problems(past.snapshot)
    if text and is_event_name(text) and past.is_known_event(text):
        return _print_event(run, past, past.event(text))
    chosen = _filters(run, past, text or "", **{name: options[name] for name in ("sessions", "types", "resource")})
    begin, end = past.since(options["since"], "--since").key, past.cut(options["until"], "--until").key
    if begin > end:
        raise usage_error("--until is before --since: nothing is in between.")
    before = past.events if options["until"] is None else past.until(past.cut(options["until"], "--until"))
    found = [event for event in before if all(wanted(event) for wanted in chosen) and event.key > begin]
    most = options["last"] or (_FOLLOWED if options["follow"] else _SHOWN)
    shown = found if options["everything"] or (run.json and not options["last"]) else found[-most:]
    _print(_lines(run, past, shown), _head(run, past, len(found), len(shown)))
    if options["follow"]:
        _follow(run, past, chosen)
    return None


def _filters(
    run: Run, past: FullHistory, text: str, sessions: Sequence[str], types: Sequence[str], resource: str | None
) -> list[Filter]:
    """What an event must be, each as a function. Raises CoordError (2) for a session or a type that nothing has."""
    chosen: list[Filter] = []
    if resource:  # first, since it must see every claim
        chosen.append(_resource_filter(possible_resources(run.system, run.workspace, resource)))
    if sessions:
        wanted = {name for given in sessions for name in sessions_named(past, given)}
        chosen.append(lambda event: event.actor in wanted)
    if types:
        _check_types(past, types)
        chosen.append(lambda event: any(_is_of(type_of(event), kind) for kind in types))
    if text:
        chosen.append(lambda event: _contains_text(event, text.casefold()))
    return chosen


def sessions_named(past: FullHistory, given: str) -> set[str]:
    """The sessions that ever did something and bear this id, this name, or an id that begins so. Raises CoordError (2)
    if there is none.
    """
    names = names_in(past.events)
    known = {event.actor for event in past.events}
    found = {given} & known or {n for n in known if names.get(n) == given} or {n for n in known if n.startswith(given)}
    if not found:
        near = get_close_matches(given, [*known, *names.values()], n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise usage_error(f"nothing was ever done by a session '{line(given, 60)}'.{meant}")
    return found


def _check_types(past: FullHistory, types: Iterable[str]) -> None:
    vocabulary = {str(kind.__struct_config__.tag) for kind in get_args(AnyPayload)} - {"unknown"}
    known = vocabulary | {type_of(event) for event in past.events}
    for kind in types:
        if not any(_is_of(name, kind) for name in known):
            raise usage_error(f"there is no type of event '{line(kind, 60)}'. There are: {', '.join(sorted(known))}")


def _is_of(name: str, kind: str) -> bool:
    return name == kind or name.startswith(kind + ".")


def _resource_filter(resources: Sequence[str]) -> Filter:
    """Whether an event is about one of these: a claim event by the claim that it names, which was told before."""
    claims: dict[str, str] = {}

    def wanted(event: Event) -> bool:
        payload = event.payload
        named = getattr(payload, "resource", "") or claims.get(getattr(payload, "claim", ""), "")
        if isinstance(payload, ClaimRequested | ClaimHandedOver):
            claims[event.id] = payload.resource
        touched = [f"file/{name}" for name in payload.files] if isinstance(payload, SessionHeartbeat) else []
        return any(overlap(resource, found) for resource in resources for found in (named, *touched) if found)

    return wanted


def _contains_text(event: Event, text: str) -> bool:
    return text in event.id or any(text in word.casefold() for word in _strings_in(msgspec.to_builtins(event.payload)))


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings_in(part)


# --- showing --------------------------------------------------------------------------------------------------------


def _head(run: Run, past: FullHistory, found: int, shown: int) -> str:
    if run.json:
        return ""
    if not past.events:
        return "The log has no events yet: `coord start` begins it."
    if not found:
        return f"None of {plural(len(past.events), 'event')} is like that."
    return f"… {plural(found - shown, 'older event')}: --all shows them" if found > shown else ""


def _lines(run: Run, past: FullHistory, events: Sequence[Event]) -> Iterator[str]:
    if run.json:
        return (json_plain(past.lines[event.id].decode()) for event in events)
    return _event_lines(past, {event.id for event in events})


def _event_lines(past: FullHistory, wanted: set[str]) -> Iterator[str]:
    """The lines of some events, each with the name that its session had then."""
    names: dict[str, str] = {}
    resources = claimed_resources(past.events)
    for event in past.events:
        if isinstance(event.payload, SessionStarted):
            names |= names_in([event])
        if event.id in wanted:
            yield event_line(event, past.now, names, resources)


def event_line(
    event: Event, now: Instant, names: Mapping[str, str], resources: Mapping[EventId, str] | None = None
) -> str:
    """An event in a line: when, its name, who did it, and what. `names` and `resources` as in
    `coord.render.events.event_text`.
    """
    who = event.actor if event.imported else line(names.get(event.session, ""), 40)
    words = event_text(event, names, resources)
    return f"{time_text(event.at, now, seconds=True)}  {event.id}{f' ({line(who)})' if who else ''} {words}"


def _print_event(run: Run, past: FullHistory, event: Event) -> None:
    """One event, whole: the line, and each thing that it says."""
    if run.json:
        _print(_lines(run, past, [event]))
        return
    rows = [*_event_lines(past, {event.id}), f"  {type_of(event)}, {event.at}"]
    values = msgspec.json.decode(past.lines[event.id])
    for name, value in values["event"].items():
        if name != "type":
            rows.append(f"  {name}: {_value(value)}")
    for name, value in values.get("imported", {}).items():
        rows.append(f"  imported {name}: {_value(value)}")
    if not isinstance(event.payload, _SAYS_ONLY):
        rows.append(f"  what came of it: coord why {event.id}")
    _print(rows)


_SAYS_ONLY = (SessionHeartbeat, SessionStarted, MessageRead, MessageAcknowledged)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return terminal_text(text).replace("\n", "\n    ")


def _print(lines: Iterable[str], head: str = "") -> None:
    """Lines as they come: what reads them may stop at any."""
    for text in ([head] if head else []), lines:
        for row in text:
            sys.stdout.write(row + "\n")
    sys.stdout.flush()


def _follow(run: Run, past: FullHistory, chosen: Sequence[Filter]) -> None:
    """Go on with what comes. Ctrl-C ends it."""
    snapshot, known = past.snapshot, {event.id for event in past.events}

    def look() -> tuple[None, Instant]:
        if _reader_is_gone():
            raise BrokenPipeError
        past.lines.clear()
        new = [event for event in snapshot.read_new() if event.id not in known]  # a rewound journal is read again
        known.update(event.id for event in new)
        past.events = [*past.events, *new]
        _print(_lines(run, past, [event for event in new if all(wanted(event) for wanted in chosen)]))
        return None, add_time(run.system.wall(), POLL_EVERY_S)

    caught: list[int] = []
    try:
        with collect_signals(caught):
            wait_for(run.workspace.log, look, run.system.wall, caught)
    except Interrupted as signal:
        raise CoordError(128 + signal.args[0], "") from None


def _reader_is_gone() -> bool:
    """Whether nobody reads the pipe that we write to any more: one who waits would not notice."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)  # the end of a pipe is told, whatever one asks for
    except (OSError, ValueError):  # no real file
        return False
    return any(seen & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, seen in poll.poll(0))
