"""Read `COORDINATION/config.toml`, a team's settings. No setting can name a program to run or a path."""

import os
from typing import Literal

import msgspec
from msgspec import Struct

from coord.errors import no_log
from coord.platform.git.repository import CONFIG
from coord.workspace.paths import Workspace
from eventlog.local.files import read_regular

_MAX_BYTES = 1 << 20
LOCK_FILES = (
    *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock"),
    *("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "Cargo.lock", "go.sum", "Gemfile.lock", "composer.lock"),
)
TYPES = (
    *("branch", "build", "database", "deploy", "doc", "droplet", "environment", "feature", "issue"),
    *("migration", "port", "push", "release", "service", "tag", "task", "test", "workstream"),
)
"""The types of resources that can be claimed without --new-type, besides `file`."""


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings with their defaults. The fold does not use them, so they cannot change who holds what."""

    claim_hours: float = 4  # how long a claim lasts by default
    silent_minutes: float = 15  # a session without an event for this long is shown as silent
    lock_wait_seconds: float = 10  # how long a command waits for the lock
    guard: Literal["claim", "check", "warn", "off"] = "claim"  # what hooks do before an agent writes a file
    ignore: tuple[str, ...] = LOCK_FILES  # the files that hooks neither claim nor guard
    edit_minutes: float = 20  # how long an automatic claim lasts after the last write, if nothing is uncommitted
    blocked_release_minutes: float = 30  # the minimum for `edit_minutes` while the session waits for its user
    heartbeat_seconds: float = 30  # the least time between two heartbeats that hooks write
    remote: str = ""  # a remote for everyone who uses this repository; each person must join it once on each machine
    offline: Literal["refuse", "provisional"] = "refuse"  # what becomes of claims while the remote cannot be reached
    agree_seconds: float = 10  # how long a claim waits for the other machines' agreement
    sync_seconds: float = 5  # how often a git remote or a folder is looked at
    types: tuple[str, ...] = TYPES  # the types of resources that can be claimed without --new-type, besides `file`


def read_config(workspace: Workspace) -> Config:
    """Return the settings of a shared folder. Raises CoordError (4) if the file cannot be read or is not valid."""
    path = os.path.join(workspace.folder, CONFIG)
    try:
        text = read_regular(path, _MAX_BYTES)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise no_log(f"cannot read {path}: {error.strerror}.") from None
    if all(line.strip()[:1] in (b"", b"#") for line in text.split(b"\n")):
        return Config()  # only comments, as in the installed file: no need to load a parser
    import tomllib  # loading it takes 5 % of a command

    try:
        config = msgspec.convert(tomllib.loads(text.decode()), Config)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise no_log(f"{path} is not valid: {error}. Correct it, or delete it for the defaults.") from None
    times = (config.edit_minutes, config.blocked_release_minutes, config.heartbeat_seconds)
    in_range = 0 < config.claim_hours <= 168 and config.silent_minutes > 0 and 0 <= config.lock_wait_seconds <= 3600
    if not (in_range and all(0 < time <= 10080 for time in times)):
        raise no_log(
            f"{path}: a time is out of range. lock_wait_seconds must be 0 to 3600; all other times must be above 0. "
            "claim_hours is at most 168; edit_minutes, blocked_release_minutes and heartbeat_seconds at most 10080."
        )
    for name in config.types:
        if not name or "/" in name or " " in name or not name.isprintable():
            raise no_log(f"{path}: types: {name!r} is not the name of a type. A type has no / and no spaces.")
    return config
