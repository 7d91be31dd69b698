"""`COORDINATION/config.toml`: the few things that a team may want otherwise. It can run nothing and name no path."""

import os

from msgspec import Struct

from coord.errors import no_log
from coord.folder import Place
from coord.repository import CONFIG
from eventlog.system import read_regular

_MOST_BYTES = 1 << 20


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings, at their defaults. The fold knows none of them: they cannot change who holds what."""

    claim_hours: float = 4  # how long a claim lasts when nothing is said
    silent_minutes: float = 15  # after so long without an event a session is shown as silent
    lock_wait_seconds: float = 10  # how long a command waits for the log's lock


def read_config(place: Place) -> Config:
    """The settings of a folder. Raises CoordError (4) for what is no file, or one that cannot be understood."""
    path = os.path.join(place.folder, CONFIG)
    try:
        text = read_regular(path, _MOST_BYTES)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise no_log(f"cannot read {path}: {error.strerror}.") from None
    if all(line.strip()[:1] in (b"", b"#") for line in text.split(b"\n")):
        return Config()  # the file as it was installed: all defaults, and no parser to load
    import tomllib

    import msgspec

    try:
        config = msgspec.convert(tomllib.loads(text.decode()), Config)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise no_log(f"{path} cannot be understood: {error}. Correct it, or delete it for the defaults.") from None
    if not (0 < config.claim_hours <= 168 and config.silent_minutes > 0 and 0 <= config.lock_wait_seconds <= 3600):
        raise no_log(f"{path}: a time is out of its range (claim_hours up to 168, the others above 0).")
    return config
