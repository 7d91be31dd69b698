"""The actions of the page: what each asks for, and the command lines that do it.

A text never becomes an option: it is passed on standard input, after `--`, or after `=`. `seen` contains what was shown
to the person before the action: the command refuses if that has changed since.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from coord.errors import usage_error
from eventlog.events import MAX_NAME_LENGTH, MAX_TEXT_LENGTH

FieldKind: TypeAlias = Literal["hidden", "line", "text", "session", "recipients", "choice", "check"]
Fields: TypeAlias = dict[str, str | bool]

_SUBJECT = 1000  # characters of a subject, as `coord send` allows
_REASON = 10_000  # characters of a text that is an argument: the system limits the length of one


class Field(Struct, frozen=True):
    """A value that the person gives, and how the page asks for it. `limit` is its number of characters."""

    name: str
    label: str = ""
    kind: FieldKind = "hidden"
    limit: int = MAX_NAME_LENGTH
    required: bool = False
    value: str | bool = ""  # the initial value
    choices: tuple[tuple[str, str], ...] = ()  # of the kind "choice": each value with its label


class Request(Struct, frozen=True):
    """What the person asks for: the fields of an action, and what was shown, by the names of `Effect.seen`."""

    fields: Fields
    seen: Mapping[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return str(self.fields[name])

    def is_set(self, name: str) -> bool:
        """Return whether a checkbox is set."""
        return self.fields[name] is True


class CommandLine(Struct, frozen=True):
    """A command line without `coord`, its standard input, and the acting session: empty for the person's own."""

    words: tuple[str, ...]
    text: str = ""
    session: str = ""


class Action(Struct, frozen=True):
    """An action: its title, the label of the button that does it, its fields, and the command lines."""

    title: str
    confirm: str
    fields: tuple[Field, ...]
    lines: Callable[[Request], list[CommandLine]]
    ends: bool = False  # whether it takes something away from another session
    as_other: bool = False  # whether it acts as another session, so that the person needs none


def _send(request: Request) -> list[CommandLine]:
    options = (f"--urgency={request['urgency']}", *(["--needs-ack"] if request.is_set("needs_ack") else []))
    return [CommandLine(("send", *options, "--", request["to"], request["subject"], "-"), request["body"])]


def _answer(request: Request) -> list[CommandLine]:
    send = CommandLine(("send", "--", request["session"], request["subject"], "-"), request["body"])
    return [send, *_unblock(request)] if request.is_set("unblock") and request.seen.get("blocked") else [send]


def _unblock(request: Request) -> list[CommandLine]:
    condition = (f"--if-blocked-since={event}" for event in request.seen.get("blocked", []))
    return [CommandLine(("heartbeat", "--blocked-on=", *condition), session=request["session"])]


def _reply(request: Request) -> list[CommandLine]:
    return [CommandLine(("reply", "--", request["message"], "-"), request["body"])]


def _ack(request: Request) -> list[CommandLine]:
    return [CommandLine(("ack", "--", request["message"]))]


def _resolve(request: Request) -> list[CommandLine]:
    return [CommandLine(("resolve", f"--note={request['note']}", "--", request["message"]))]


def _break(request: Request) -> list[CommandLine]:
    only = (f"--claim={claim}" for claim in request.seen.get("claims", []))
    return [CommandLine(("break", f"--reason={request['reason']}", *only, "--", request["resource"]))]


def _hand_over(request: Request) -> list[CommandLine]:
    return [CommandLine(("handoff", f"--note={request['note']}", "--", request["resource"], request["to"]))]


def _release(request: Request) -> list[CommandLine]:
    return [CommandLine(("release", "--", request["resource"]))]


def _withdraw(request: Request) -> list[CommandLine]:
    return [CommandLine(("release", "--waiting", "--", request["resource"]), session=request["session"])]


def _end(request: Request) -> list[CommandLine]:
    last = (f"--last={event}" for event in request.seen.get("last", []))
    return [CommandLine(("end", *last), session=request["session"])]


_SESSION = Field("session", required=True)
_RESOURCE = Field("resource", limit=_REASON, required=True)
_MESSAGE = Field("message", required=True)
_URGENCIES = (("normal", "normal"), ("high", "urgent"), ("low", "low"))

ACTIONS = {
    "send": Action(
        "Write a message",
        "Send",
        (
            Field("to", "To", "recipients", _REASON, required=True),
            Field("subject", "Subject", "line", _SUBJECT, required=True),
            Field("body", "Text", "text", MAX_TEXT_LENGTH),
            Field("urgency", "Urgency", "choice", value="normal", choices=_URGENCIES),
            Field("needs_ack", "Ask for a confirmation", "check", value=False),
        ),
        _send,
    ),
    "reply": Action(
        "Reply", "Send", (_MESSAGE, Field("body", "Answer", "text", MAX_TEXT_LENGTH, required=True)), _reply
    ),
    "ack": Action("Confirm a message", "Confirm", (_MESSAGE,), _ack),
    "resolve": Action(
        "Close a message for everyone",
        "Close the message",
        (_MESSAGE, Field("note", "Why (the recipients see it)", "line", _REASON)),
        _resolve,
    ),
    "answer": Action(
        "Answer a blocked session",
        "Send",
        (
            _SESSION,
            Field("subject", "Subject", "line", _SUBJECT, required=True, value="Answer"),
            Field("body", "Answer", "text", MAX_TEXT_LENGTH),
            Field("unblock", "It is no longer blocked", "check", value=True),
        ),
        _answer,
    ),
    "unblock": Action("No longer blocked", "Clear it", (_SESSION,), _unblock, as_other=True),
    "break": Action(
        "Break a claim",
        "Break",
        (
            _RESOURCE,
            Field("session"),  # whose claim it is; without it, of everyone else
            Field("reason", "Reason (its holder sees it, and the log keeps it)", "line", _REASON, required=True),
        ),
        _break,
        ends=True,
    ),
    "handoff": Action(
        "Hand over a claim",
        "Hand over",
        (
            _RESOURCE,
            Field("to", "To", "session", required=True),
            Field("note", "What that session should know", "line", _REASON),
        ),
        _hand_over,
    ),
    "release": Action("Release a claim", "Release it", (_RESOURCE,), _release),
    "withdraw": Action(
        "Withdraw a waiting request", "Withdraw it", (_SESSION, _RESOURCE), _withdraw, ends=True, as_other=True
    ),
    "end": Action("End a session", "End it", (_SESSION,), _end, ends=True, as_other=True),
    "inbox": Action("Read my messages", "Show them", (), lambda _: [CommandLine(("inbox",))]),
}


def checked(name: str, fields: object, *, complete: bool = True) -> tuple[Action, Fields]:
    """Return an action and all its fields, with the initial values of those that are not given.

    Raises CoordError (2) for an unknown action and a wrong field, and with `complete` for a missing one.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise usage_error(f"there is no action '{str(name)[:40]}'. Nothing was done.")
    if not isinstance(fields, dict):
        raise usage_error("the fields of an action must be an object. Nothing was done.")
    return action, {field.name: _checked(field, fields.get(field.name), complete) for field in action.fields}


def _checked(field: Field, value: object, complete: bool) -> str | bool:
    shown = field.label or field.name
    if value is None:
        value = field.value
    if not isinstance(value, bool if field.kind == "check" else str):
        raise usage_error(f"'{shown}' has a value of the wrong type. Nothing was done.")
    if isinstance(value, bool):
        return value
    if complete and field.required and not value.strip():
        raise usage_error(f"'{shown}' is empty. Nothing was done.")
    if len(value) > field.limit:
        raise usage_error(
            f"'{shown}' has {len(value)} characters; at most {field.limit} are allowed. Nothing was done."
        )
    if field.kind == "choice" and value not in dict(field.choices):
        raise usage_error(f"'{shown}' has a value that is not one of its choices. Nothing was done.")
    if _is_unusable(value, is_argument=field.kind != "text"):
        raise usage_error(f"'{shown}' contains characters that no command accepts. Nothing was done.")
    return value


def _is_unusable(text: str, *, is_argument: bool) -> bool:
    """Return whether a text is not valid Unicode, or is an argument with a zero character."""
    return any("\ud800" <= letter <= "\udfff" for letter in text) or (is_argument and "\0" in text)


def checked_seen(seen: object) -> dict[str, list[str]]:
    """Return what the person saw, as the effect returned it. Raises CoordError (2)."""
    given = seen if seen is not None else {}
    if not isinstance(given, dict):
        raise usage_error("'seen' must be an object. Nothing was done.")
    for texts in given.values():
        if not isinstance(texts, list) or not all(
            isinstance(text, str) and not _is_unusable(text, is_argument=True) for text in texts
        ):
            raise usage_error("each value of 'seen' must be a list of texts. Nothing was done.")
    return given
