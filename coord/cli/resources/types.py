"""Check the type of a typed resource, so that a mistyped claim is not taken for a claim of something else.

A type is known if it is `file`, if the setting `types` lists it, or if a session here has requested a resource of that
type before. A path without a type and a type that resembles a known one are refused with the command to type instead.
`claim --new-type` accepts any other type. All commands that take a resource use `check_type`.
"""

import os

from msgspec import Struct

from coord.cli.resources.file_names import existing_file, file_name
from coord.engine.run import Run
from coord.errors import CoordError, usage_error
from coord.render.format import line

FILE = "file"
_WORDS_FOR_FILE = {"files": "", "filename": "", "path": "", "paths": ""} | dict.fromkeys(
    ("folder", "folders", "dir", "dirs", "directory"), "/"
)
"""Types that people write instead of `file`, and what the name then ends with."""


class TypedResource(Struct, frozen=True):
    """A resource as it was typed: `words[start]` is `TYPE/NAME`, or `TYPE` followed by a word for `NAME`."""

    command: str
    words: tuple[str, ...]
    start: int = 0

    @property
    def is_one_word(self) -> bool:
        """Whether it was typed as `TYPE/NAME`."""
        return "/" in self.words[self.start]

    @property
    def length(self) -> int:
        """The number of its words."""
        return 1 if self.is_one_word else len(self.words[self.start : self.start + 2])

    @property
    def kind(self) -> str:
        """The type."""
        return self.words[self.start].partition("/")[0]

    @property
    def name(self) -> str:
        """The name; empty if it is missing."""
        if self.is_one_word:
            return self.words[self.start].partition("/")[2]
        return self.words[self.start + 1] if self.length > 1 else ""

    @property
    def text(self) -> str:
        """The words of the resource."""
        return line(" ".join(self.words[self.start : self.start + self.length]), 60)

    def with_type(self, kind: str, name: str) -> str:
        """Return the command line with this resource replaced, in the form in which it was typed."""
        new = (f"{kind}/{name}",) if self.is_one_word else (kind, name)
        return command_line(
            *self.command.split(), *self.words[: self.start], *new, *self.words[self.start + self.length :]
        )


def command_line(*words: str) -> str:
    """Return the command line of coord with these words, as it is typed in a shell."""
    from shlex import join  # only messages about mistakes need it

    return line(join(["coord", *words]), 200)


def is_known_type(run: Run, kind: str) -> bool:
    """Return whether a resource of this type can be claimed without --new-type."""
    return kind == FILE or kind in run.config.types or kind in run.read_state().state.types


def check_type(run: Run, typed: TypedResource, *, new_type: bool = False) -> None:
    """Raise CoordError (2), with the command to type instead, unless the type is known or is new with `new_type`."""
    kind = typed.kind
    if kind == FILE:
        return
    if typed.is_one_word and existing_file(run.system, run.workspace, typed.words[typed.start]):
        meant = _as_files(run, typed)
        typed_apart = command_line(
            *typed.command.split(), *typed.words[: typed.start], kind, typed.name, *typed.words[typed.start + 1 :]
        )
        or_type = f" (If {line(kind, 40)} is the type: {typed_apart})" if kind.strip(".~") else ""
        raise usage_error(f"'{typed.text}' has no type; did you mean: {meant}{or_type}")
    if kind in run.config.types:
        return
    state = run.read_state().state
    held = f"{kind}/{typed.name}"  # an older version may have accepted a path, and its holder must be able to end it
    if any(claim.resource == held for claim in state.claims.values()):
        return
    if _is_path(run, typed):
        raise path_error(run, typed)
    if kind in state.types:
        return
    if not new_type and existing_file(run.system, run.workspace, kind):
        raise _path_as_type(run, typed)
    similar, ending = similar_type(run, kind)
    certain = similar and (kind.casefold() == similar or kind.casefold() in _WORDS_FOR_FILE)
    if not new_type or certain or kind.isdigit():
        raise _unknown_type(run, typed, similar, ending, certain=bool(certain))


def _is_path(run: Run, typed: TypedResource) -> bool:
    """Return whether the words are certainly a path without a type."""
    kind = typed.kind
    if not kind or kind.startswith((".", "~")):
        return True
    if typed.is_one_word:
        return any(os.path.isdir(os.path.join(base, kind)) for base in _bases(run))
    return "." in kind.strip(".") or bool(existing_file(run.system, run.workspace, kind) and not typed.name)


def _bases(run: Run) -> tuple[str, str]:
    return run.system.cwd or run.workspace.root, run.workspace.root


def path_error(run: Run, typed: TypedResource) -> CoordError:
    """Return the error for a path without a type. Raises CoordError (2) if it lies outside the repository."""
    return usage_error(f"'{typed.text}' has no type; did you mean: {_as_files(run, typed)}")


def _path_as_type(run: Run, typed: TypedResource) -> CoordError:
    """Return the error for a file or folder in the place of the type: `src 4`, or `src app.py`."""
    if is_number(typed.name):
        return path_error(run, typed)
    meant = command_line(
        *typed.command.split(),
        *typed.words[: typed.start],
        f"{FILE}/{typed.kind}/{typed.name}",
        *typed.words[typed.start + typed.length :],
    )
    return usage_error(f"'{typed.text}' has no type; did you mean: {meant}")


def _as_files(run: Run, typed: TypedResource) -> str:
    """Return the command line with all paths without a type, from this resource on, as files."""
    words = [_as_file(run, word) for word in typed.words[typed.start :]]
    return command_line(*typed.command.split(), *typed.words[: typed.start], *words)


def _as_file(run: Run, word: str) -> str:
    """Return a word with the type `file`, if it is a path without a type."""
    kind, slash, _ = word.partition("/")
    path = existing_file(run.system, run.workspace, word)
    if not path and (kind in (FILE, *run.config.types) or not (slash or "." in word.strip(".")) or is_number(word)):
        return word
    here = os.path.relpath(run.system.cwd or run.workspace.root, run.workspace.root)
    local = word if word.startswith(("/", ".")) or here.startswith("..") else f"./{word}"
    return f"{FILE}/{path or file_name(run.system, run.workspace, local)}"


def is_number(word: str) -> bool:
    """Return whether a word is a number of hours, also one that is out of range."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def similar_type(run: Run, kind: str) -> tuple[str, str]:
    """Return the known type that a word resembles, or "", and what a name of that type then ends with."""
    from difflib import get_close_matches  # only messages about mistakes need it

    lower = kind.casefold()
    if lower in _WORDS_FOR_FILE:
        return FILE, _WORDS_FOR_FILE[lower]
    known = (FILE, *run.config.types, *sorted(run.read_state().state.types))
    same = [name for name in known if name.casefold() == lower]
    return next(iter(same or get_close_matches(lower, known, n=1, cutoff=0.75)), ""), ""


def _unknown_type(run: Run, typed: TypedResource, similar: str, ending: str, *, certain: bool) -> CoordError:
    kind = line(typed.kind, 40)
    if kind.isdigit():
        return usage_error(f"'{kind}' is not a type. Write HOURS once, as the last word; they apply to all resources.")
    new = command_line(typed.command, *typed.words, "--new-type") if typed.command == "claim" else ""
    if similar:
        meant = typed.with_type(similar, typed.name.rstrip("/") + ending if ending else typed.name)
        or_new = f" (For a new type: {new})" if new and not certain else ""
        return usage_error(f"there is no type '{kind}'; did you mean: {meant}{or_new}")
    if new:
        file = f" For a file: {typed.with_type(FILE, '/'.join((typed.kind, typed.name)))}." if typed.is_one_word else ""
        return usage_error(f"there is no type '{kind}' here.{file} For a new type: {new}. {_known_types(run)}")
    return usage_error(f"there is no type '{kind}' here. {_known_types(run)}")


def _known_types(run: Run) -> str:
    known = dict.fromkeys((FILE, *run.config.types, *sorted(run.read_state().state.types)))
    return f"Known types: {line(', '.join(known), 400)}."
