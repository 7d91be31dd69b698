"""Parse the words of a command line that name resources: `TYPE NAME`, `TYPE/NAME`, or the id of a claim's event.

A word without `/` is a type, and the word after it is the name, whatever that contains. A word with `/` is a whole
resource. So several resources can follow each other in both forms, and a single word that is left at the end is not a
resource: commands take it for HOURS or a session.
"""

from msgspec import Struct

from coord.cli.resources.file_names import check_resource, existing_file, file_name
from coord.cli.resources.types import (
    FILE,
    TypedResource,
    check_type,
    command_line,
    is_known_type,
    is_number,
    path_error,
    similar_type,
)
from coord.engine.run import Run
from coord.errors import CoordError, usage_error
from coord.render.format import line
from coord.workspace.names import matches
from eventlog.events import Event
from eventlog.local.journal import read_event
from projections.rules.resources import overlap, type_of

_EXAMPLE = "file src/app.py"


def resource_and_rest(
    run: Run, command: str, words: tuple[str, ...], *, start: int = 0, new_type: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Return the resource that the words from `start` on name, and the remaining words. Raises CoordError (2)."""
    if not words[start:]:
        raise usage_error(f"the resource is missing. For example: coord {command} {_EXAMPLE}")
    first = words[start]
    typed = TypedResource(command, words, start)
    if resource := _resource_of_event(run, first):
        return resource, words[start + 1 :]
    if not typed.name or not (typed.kind or typed.is_one_word):
        raise _name_missing(run, typed)
    if not new_type and (resource := _resource_of_shortened_id(run, first)):
        return resource, words[start + 1 :]
    if typed.kind and typed.kind != FILE:
        check_resource(f"{typed.kind}/{typed.name}")
    check_type(run, typed, new_type=new_type)
    name = file_name(run.system, run.workspace, typed.name) if typed.kind == FILE else typed.name
    return check_resource(f"{typed.kind}/{name}"), words[start + typed.length :]


def one_resource(run: Run, command: str, words: tuple[str, ...]) -> str:
    """Return the resource that the words name. Raises CoordError (2), also for words after the resource."""
    resource, rest = resource_and_rest(run, command, words)
    if rest:
        raise usage_error(f"too many words after {resource}: {line(' '.join(rest), 80)}")
    return resource


def resources_and_rest(
    run: Run, command: str, words: tuple[str, ...], *, new_type: bool = False
) -> tuple[list[str], tuple[str, ...]]:
    """Return all resources that the words name, each once, and the single word that is left, if any."""
    resource, rest = resource_and_rest(run, command, words, new_type=new_type)
    resources = [resource]
    while len(rest) > 1 or (rest and "/" in rest[0]):
        resource, rest = resource_and_rest(run, command, words, start=len(words) - len(rest), new_type=new_type)
        resources.append(resource)
    return list(dict.fromkeys(resources)), rest


def resources_meant(run: Run, command: str, text: str) -> list[str]:
    """Return every resource that one word can mean to a command that only reads.

    `text` is TYPE/NAME, a path in the repository, or an event id; `a/b` can be both of the first two. Raises
    CoordError (2), also for a type that is unknown and resembles a known one.
    """
    if resource := _resource_of_event(run, text):
        return [resource]
    kind, _, name = text.partition("/")
    if kind == FILE and name:
        return [check_resource(f"{FILE}/{file_name(run.system, run.workspace, name)}")]
    if name and kind.strip("."):
        _refuse_misspelled_type(run, TypedResource(command, (text,)))
    as_path = check_resource(f"{FILE}/{file_name(run.system, run.workspace, text)}")
    return [as_path, check_resource(text)] if kind.strip(".") and name else [as_path]


def resources_and_hours(
    run: Run, command: str, words: tuple[str, ...], *, new_type: bool = False
) -> tuple[list[str], str | None]:
    """Return all resources that the words name, and the word for HOURS, or None. Raises CoordError (2)."""
    resources, rest = resources_and_rest(run, command, words, new_type=new_type)
    if not rest:
        return resources, None
    if rest[0].strip() and not is_number(rest[0]) and not rest[0][:1].isdigit():
        raise _type_missing(command, words, resources[-1], "is not a number of hours")
    return resources, rest[0]


def all_resources(run: Run, command: str, words: tuple[str, ...]) -> list[str]:
    """Return all resources that the words name. Raises CoordError (2), also for a single word that is left."""
    resources, rest = resources_and_rest(run, command, words)
    if rest:
        raise _type_missing(command, words, resources[-1], "has no type")
    return resources


def _type_missing(command: str, words: tuple[str, ...], previous: str, fault: str) -> CoordError:
    """Return the error for a single word after resources: it is probably the name of another one of the same type."""
    *before, last = words
    meant = command_line(command, *before, f"{type_of(previous)}/{last}")
    return usage_error(f"'{line(last, 60)}' {fault}. For another {type_of(previous)}: {meant}")


class ResourceFilter(Struct, frozen=True):
    """The resources that a list shows: all of a type, and those that overlap one of `resources`."""

    text: str  # as it was typed
    kind: str = ""
    resources: tuple[str, ...] = ()

    def matches(self, resource: str) -> bool:
        """Return whether the filter includes a resource."""
        return type_of(resource) == self.kind or any(_is_within(resource, wanted) for wanted in self.resources)

    def begins(self, resource: str) -> bool:
        """Return whether the resource begins with what was typed."""
        return any(resource.startswith(wanted.rstrip("*")) for wanted in (self.text, *self.resources))


def _is_within(resource: str, wanted: str) -> bool:
    """Return whether a list of `wanted` includes a resource. Here, wildcards have a meaning in every type."""
    if type_of(resource) != type_of(wanted):
        return False
    as_file, wanted_as_file = (FILE + name[len(type_of(name)) :] for name in (resource, wanted))
    return overlap(resource, wanted) or overlap(as_file, wanted_as_file)


def resource_filters(run: Run, command: str, words: tuple[str, ...]) -> list[ResourceFilter]:
    """Return the filters that the words name: types, paths, resources or event ids. Raises CoordError (2)."""
    filters: list[ResourceFilter] = []
    position = 0
    while position < len(words):
        typed = TypedResource(command, words, position)
        if typed.is_one_word or typed.length == 1:
            filters.append(_filter_of_word(run, command, words[position]))
        else:
            resource, _ = resource_and_rest(run, command, words, start=position)
            filters.append(ResourceFilter(resource, resources=(resource,)))
        position += typed.length
    return filters


def _filter_of_word(run: Run, command: str, word: str) -> ResourceFilter:
    kind = word.removesuffix("/")
    if kind == FILE:
        return ResourceFilter(word, FILE)
    if "/" in kind or not is_known_type(run, kind):
        if "/" not in kind:
            _refuse_misspelled_type(run, TypedResource(command, (word,)))
        return ResourceFilter(word, resources=tuple(resources_meant(run, command, word)))
    path = existing_file(run.system, run.workspace, word)
    return ResourceFilter(word, kind, tuple(resources_meant(run, command, word)) if path else ())


def _refuse_misspelled_type(run: Run, typed: TypedResource) -> None:
    """Raise CoordError (2) if the type is unknown and resembles a known one, and the word is not a path either."""
    if (
        "." in typed.kind
        or is_known_type(run, typed.kind)
        or any(existing_file(run.system, run.workspace, path) for path in (typed.words[typed.start], typed.kind))
    ):
        return
    similar, ending = similar_type(run, typed.kind)
    if similar:
        word = typed.words[typed.start]
        name = typed.name + ending if ending else typed.name
        meant = typed.with_type(similar, name) if "/" in word else command_line(typed.command, similar)
        raise usage_error(f"there is no type '{line(typed.kind, 40)}'; did you mean: {meant}")


def _name_missing(run: Run, typed: TypedResource) -> CoordError:
    """Return the error for a single word that is not a resource."""
    word = typed.words[typed.start]
    path = existing_file(run.system, run.workspace, word.rstrip("/"))
    if is_known_type(run, kind := word.removesuffix("/")):
        or_file = f" (For the file: {command_line(typed.command, f'{FILE}/{path}')})" if path else ""
        name = line(kind, 40)
        return usage_error(f"the name of the {name} is missing. Write: coord {typed.command} {name} NAME{or_file}")
    if path or "." in word.strip("."):
        return path_error(run, typed)
    return usage_error(
        f"'{line(word, 60)}' is not a type and a name; write TYPE NAME or TYPE/NAME, for example: "
        f"coord {typed.command} {_EXAMPLE}"
    )


def _resource_of_event(run: Run, text: str) -> str:
    """Return the resource of the claim event with the id `text`, or "" if `text` is not the id of an event.

    Raises CoordError (2) for an event that is not about a claim, or whose claim is not in the log.
    """
    event = read_event(run.workspace.log, text)
    return _resource_in(run, event) if event else ""


def _resource_of_shortened_id(run: Run, text: str) -> str:
    """Return the resource of a claim event whose session is shortened or given by its name; "" for another word.

    Raises CoordError (2) if the session has no such event.
    """
    session, _, number = text.rpartition("/")
    if not number.isdecimal() or "/" in session or is_known_type(run, session):
        return ""
    ids = matches(run.read_state().state, session)
    events = [event for name in ids if (event := read_event(run.workspace.log, f"{name}/{number}"))]
    if ids and not events:
        raise usage_error(f"there is no event {line(text, 60)}, and no type '{line(session, 40)}'.")
    if len(ids) > 1:
        names = ", ".join(f"{name}/{number}" for name in ids[:5])
        raise usage_error(f"'{line(text, 60)}' can mean {names}. Write more of the id.")
    return _resource_in(run, events[0]) if events else ""


def _resource_in(run: Run, event: Event) -> str:
    """Return the resource that an event is about. Raises CoordError (2) if it is not about a claim of this log."""
    claim_event: Event | None = event
    if not hasattr(event.payload, "resource"):
        claim_event = read_event(run.workspace.log, getattr(event.payload, "claim", ""))
    if claim_event is None or not hasattr(claim_event.payload, "resource"):
        raise usage_error(f"{event.id} is not an event of a claim. See: coord why {event.id}")
    return str(claim_event.payload.resource)
