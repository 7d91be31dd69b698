"""Decide whether a person is notified of what needs them. No clock and no file is used here.

The rules:

1. A person is told of each need once. It counts as a new need if it ended and came back.
2. In any hour, at most `MOST_PER_HOUR` notifications have no urgent need in them. Further needs wait.
3. An urgent need never waits.
4. A notification names the most urgent of the needs that the person has not been told of, and their number. So a burst
   of needs is one notification, and needs that waited are in the next one, if they still exist then.
5. What a `coord watch` shows to the person counts as told, and so does a need that the person made by a command.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from eventlog.digest import blake2b
from eventlog.events import HOUR_S, Instant, add_time
from projections.views.needs import Need

MOST_PER_HOUR = 4
_MOST_KEYS = 1000  # at most this number of keys are kept if the list of needs is not complete
_URGENT_KINDS = ("journal", "lost")  # a part of the log is missing, or a session works on what it no longer has

_IDENTITY = {
    "lost": ("session", "about", "since"),
    "blocked": ("session", "since"),
    "circle": ("sessions", "since"),
    "unacknowledged": ("about",),
    "dead": ("session", "since"),
    "silent": ("session", "since"),
    "journal": ("session",),
    "clock": (),
    "unknown": (),
}
"""The fields that tell whether two needs of a kind, seen at two times, are the same one."""


class NotifyRecord(Struct, frozen=True):
    """What was decided before: the needs that the person was told of, when notifications that are not urgent were sent
    in the last hour, and which of the needs the person made by a command.
    """

    told: tuple[str, ...] = ()  # keys, see `need_key`
    sent: tuple[Instant, ...] = ()
    own: tuple[str, ...] = ()  # some of `told`


class Notification(Struct, frozen=True):
    """A notification to send: the need that it is about, and how many other needs are new."""

    need: Need
    more: int
    urgent: bool


def need_key(need: Need) -> str:
    """Return a short text that identifies a need as long as it exists, and that contains no text of a session."""
    parts = [need.kind, *(str(getattr(need, name)) for name in _IDENTITY[need.kind])]
    return blake2b(repr(parts).encode(errors="backslashreplace"), digest_size=8).hexdigest()


def is_urgent(need: Need) -> bool:
    """Return whether a need is told at once, however many notifications there were."""
    return need.urgent or need.kind in _URGENT_KINDS


def marked(
    record: NotifyRecord, needs: Sequence[Need], *, complete: bool = True, shown: bool = False, me: str = ""
) -> NotifyRecord:
    """Return the record without the needs that have ended, and with those that need no notification.

    `needs` are the present needs, the most urgent first. Without `complete`, there are more of them. `shown` is whether
    the person sees them now. `me` is the session in which the person has just typed a command, or empty.
    """
    keys = {need_key(need): need for need in needs}
    told = [key for key in record.told if key in keys or not complete]
    new = [key for key in keys if key not in record.told]
    own = {*record.own, *(key for key in new if _is_own(keys[key], me))}
    told = [*told, *(key for key in new if shown or key in own)][-_MOST_KEYS:]
    return NotifyRecord(tuple(told), record.sent, tuple(key for key in told if key in own))


def pick(record: NotifyRecord, needs: Sequence[Need], now: Instant) -> tuple[NotifyRecord, Notification | None]:
    """Return the notification to send, if there is one, and the record that it was sent. `record` is `marked`."""
    known = set(record.told)
    new = {key: need for need in needs if (key := need_key(need)) not in known}
    an_hour_ago = add_time(now, -HOUR_S)
    sent = tuple(at for at in record.sent if an_hour_ago < at <= now)
    urgent = [need for need in new.values() if is_urgent(need)]
    if not urgent and (not new or len(sent) >= MOST_PER_HOUR):
        return record, None
    first = (urgent or list(new.values()))[0]
    told = (*record.told, *new)[-_MOST_KEYS:]
    decided = replace(record, told=told, sent=sent if urgent else (*sent, now))
    return decided, Notification(first, len(new) - 1, bool(urgent))


def _is_own(need: Need, me: str) -> bool:
    return bool(me) and need.session == me and need.kind in ("blocked", "unacknowledged")
