"""Read and change a person's own settings: `~/.config/coord/config.toml`.

In contrast to a team's settings, they can name a program to run. So they are never read from a repository, and a file
that other users could have written is not used. `coord notify` changes the setting `notify`.
"""

import os
import stat
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from coord.errors import CoordError, refused, usage_error
from coord.workspace.paths import person_config_path

_MAX_BYTES = 1 << 16
_NOTIFY = r"""\s*(?:notify|"notify"|'notify')\s*="""


class PersonConfig(Struct, frozen=True):
    """The settings with their defaults. Unknown settings are ignored: a later version can have more."""

    notify: tuple[str, ...] = ()  # the words of the command for notifications; empty: there are none
    notify_after_seconds: float = 15  # a need that ends before is not notified of


def read_person_config(env: Mapping[str, str]) -> PersonConfig:
    """Return the settings. Raises CoordError (1) for a file that cannot be used."""
    path = person_config_path(env)
    values = _parse(path, _read(path)) if path else {}
    notify = values.get("notify", ())
    words = split_command(notify, path) if isinstance(notify, str) else notify
    try:
        config = msgspec.convert({**values, "notify": words}, PersonConfig)
    except msgspec.ValidationError as error:
        raise refused(f"{path} is not valid: {error}. Correct it in an editor.") from None
    if not 0 <= config.notify_after_seconds <= 3600:
        raise refused(f"{path} is not valid: notify_after_seconds must be 0 to 3600. Correct it in an editor.")
    return config


def write_notify(env: Mapping[str, str], command: Sequence[str]) -> str:
    """Set the command for notifications, or remove the setting if it is empty. All other lines stay as they are.

    Return the path of the file. Raises CoordError.
    """
    path = person_config_path(env)
    if not path:
        raise usage_error("HOME is not set, so coord does not know where your own settings are. Nothing was changed.")
    before = _read(path)
    values = _parse(path, before)
    new = _with_notify(before, list(command))
    wanted = {**values, "notify": list(command)} if command else {k: v for k, v in values.items() if k != "notify"}
    try:
        is_right = _parse(path, new) == wanted
    except CoordError:
        is_right = False
    if not is_right:
        raise refused(f"{path} has the setting notify in a form that coord cannot change. Change it in an editor.")
    if new.strip():
        _replace(os.path.realpath(path), new)
    elif before:
        os.unlink(os.path.realpath(path))
    return path


def split_command(text: str, source: str) -> tuple[str, ...]:
    """Split a command into words as a shell does, without any other meaning of a shell. Raises CoordError (2)."""
    from shlex import split  # few commands need it

    try:
        return tuple(split(text))
    except ValueError as error:
        raise usage_error(f"{source}: the command for notifications cannot be split into words: {error}.") from None


def _read(path: str) -> str:
    """Return the content of the settings; empty if there are none. Links are followed: they are the person's own."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise refused(f"cannot read {path}: {error.strerror}.") from None
    with open(fd, "rb") as file:
        if reason := _unsafe_reason(os.fstat(fd), path):
            raise refused(reason)
        try:
            return file.read(_MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError):
            raise refused(f"{path} is not a text file in UTF-8.") from None


def _unsafe_reason(status: os.stat_result, path: str) -> str:
    """Return why the settings cannot be used; empty if they can. Who could write them could run any program."""
    if not stat.S_ISREG(status.st_mode) or status.st_size >= _MAX_BYTES:
        return f"{path} is not a small regular file."
    if os.name != "posix":
        return ""
    if status.st_uid not in (os.getuid(), 0):
        return f"{path} belongs to another user, so its command is not run."
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"other users can write {path}, so its command is not run. To correct this: chmod go-w {path}"
    return ""


def _parse(path: str, text: str) -> dict[str, object]:
    if not text:
        return {}
    import tomllib  # loading it takes 5 % of a command

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused(f"{path} is not valid: {error}. Correct it in an editor.") from None


def _with_notify(text: str, command: list[str]) -> str:
    """Return the text with another value of `notify`, in the place of the old one or at the beginning."""
    import re
    import tomllib
    from json import dumps  # a list of texts is the same in TOML, except for one character

    lines = text.splitlines(keepends=True)
    first = next((n for n, row in enumerate(lines) if re.match(_NOTIFY, row) or row.lstrip().startswith("[")), -1)
    start, stop = 0, 0
    if first >= 0 and re.match(_NOTIFY, lines[first]):
        start, stop = first, first + 1
        while stop < len(lines):  # a list can have several lines
            try:
                tomllib.loads("".join(lines[start:stop]))
                break
            except ValueError:
                stop += 1
    words = dumps(command, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "".join([*lines[:start], *([f"notify = {words}\n"] if command else []), *lines[stop:]])


def _replace(path: str, text: str) -> None:
    from coord.platform.replace_file import replace_file

    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        mode = 0o600
    replace_file(path, text.encode(), mode=mode)
