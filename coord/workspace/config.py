"""`COORDINATION/config.toml`: the few things that a team may want otherwise. It can run nothing and name no path."""

import os
from typing import Literal

import msgspec
from msgspec import Struct

from coord.errors import no_log
from coord.platform.git.repository import CONFIG
from coord.workspace.paths import Workspace
from eventlog.local.files import read_regular

_MOST_BYTES = 1 << 20
LOCK_FILES = (
    *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock"),
    *("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "Cargo.lock", "go.sum", "Gemfile.lock", "composer.lock"),
)


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings, at their defaults. The fold knows none of them: they cannot change who holds what."""

    claim_hours: float = 4  # how long a claim lasts when nothing is said
    silent_minutes: float = 15  # after so long without an event a session is shown as silent
    lock_wait_seconds: float = 10  # how long a command waits for the log's lock
    guard: Literal["claim", "check", "warn", "off"] = "claim"  # what the hooks do about a write of an agent
    ignore: tuple[str, ...] = LOCK_FILES  # the files that no hook claims or guards
    edit_minutes: float = 20  # how long a hook's claim lasts without a write, where nothing is uncommitted
    blocked_release_minutes: float = 30  # how long instead while its session waits for its person
    heartbeat_seconds: float = 30  # how often at most a hook says what its agent does


def read_config(workspace: Workspace) -> Config:
    """The settings of a folder. Raises CoordError (4) for what is no file, or one that cannot be understood."""
    path = os.path.join(workspace.folder, CONFIG)
    try:
        text = read_regular(path, _MOST_BYTES)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise no_log(f"cannot read {path}: {error.strerror}.") from None
    if all(line.strip()[:1] in (b"", b"#") for line in text.split(b"\n")):
        return Config()  # the file as it was installed: all defaults, and no parser to load
    import tomllib  # 5 % of a command

    try:
        config = msgspec.convert(tomllib.loads(text.decode()), Config)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise no_log(f"{path} cannot be understood: {error}. Correct it, or delete it for the defaults.") from None
    times = (config.edit_minutes, config.blocked_release_minutes, config.heartbeat_seconds)
    in_range = 0 < config.claim_hours <= 168 and config.silent_minutes > 0 and 0 <= config.lock_wait_seconds <= 3600
    if not (in_range and all(0 < time <= 10080 for time in times)):
        raise no_log(f"{path}: a time is out of its range: claim_hours up to 168, hooks' up to 10080, all above 0.")
    return config
