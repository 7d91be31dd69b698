"""What a failure of git means: was the remote away, did it refuse, did another publication come first, or is the
outcome unknown?

Whatever is not certain about a push is an unknown outcome: the caller then reads the remote before it decides.
"""

import re
from enum import Enum

from eventlog.remotes.git.runner import GitFailed


class Meaning(Enum):
    """What a failed push or fetch means."""

    AWAY = "away"
    REFUSED = "refused"
    BEHIND = "behind"
    LOCKED = "locked"  # the remote could not update the ref: another publication, or a lock that was left behind
    UNKNOWN = "unknown"


_REJECTED = re.compile(r"^!\t[^\t]*\t\[(rejected|remote rejected|remote failure)\] \((.*)\)$", re.MULTILINE)
_MOVED = re.compile(r"incorrect old value|fetch first|non-fast-forward|already exists|stale info|reference already")
_LOCKED = re.compile(r"failed to update ref|cannot lock ref|failed to lock|unable to (create|lock)")
_NO_PERMISSION = re.compile(
    r"[Pp]ermission (to .* )?denied|access denied|Authentication failed|could not read (Username|Password)|"
    r"error: 40[13]|insufficient permission|read-only|service not enabled|access denied or repository not exported"
)
_NOT_REACHED = re.compile(
    r"[Cc]ould not resolve|unable to (connect|look up|access)|Connection (refused|timed out)|No route to host|"
    r"unreachable|does not appear to be a git repository|Could not read from remote repository|not found|"
    r"hung up upon initial contact|does not exist|[Cc]ould(n't| not) connect|no such remote|Host key verification"
)


def meaning_of_push(error: GitFailed) -> Meaning:
    """Return what a failed push means."""
    if not error.started:
        return Meaning.AWAY
    if error.code is None or error.code < 0:
        return Meaning.UNKNOWN
    if found := _REJECTED.search(error.message):
        kind, reason = found[1], found[2]
        if kind == "remote failure":
            return Meaning.UNKNOWN
        if kind == "rejected" or _MOVED.search(reason):
            return Meaning.BEHIND
        return Meaning.LOCKED if _LOCKED.search(reason) else Meaning.REFUSED
    return meaning_of_fetch(error) if is_of_the_remote(error) else Meaning.UNKNOWN


def meaning_of_fetch(error: GitFailed) -> Meaning:
    """Return what a failed fetch means: the remote was away, or it refused."""
    return Meaning.REFUSED if _NO_PERMISSION.search(error.message) else Meaning.AWAY


def is_of_the_remote(error: GitFailed) -> bool:
    """Return whether the remote certainly is the cause: it was not reached, gave no permission, or was late."""
    if error.code is None or error.code < 0:
        return error.started
    return bool(_NO_PERMISSION.search(error.message) or _NOT_REACHED.search(error.message))


def reason_of(error: GitFailed) -> str:
    """Return the line of git's message that explains most."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("remote:", "fatal:", "error:", "ssh:", "!"))]
    return (telling or lines or ["git printed no reason"])[0].replace("\t", " ")[:300]
