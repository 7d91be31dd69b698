"""The tools that the MCP server offers: for each, the command that it is, and its arguments as that one's words.

Pure tables: a tool has no rule and no message of its own beside what a model must know to call it. All schemas together
are what every conversation pays for, so a description says what the name does not.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from coord.errors import usage_error
from coord.render.format import line

ArgumentKind = Literal["string", "boolean", "array"]


class ToolArgument(Struct, frozen=True):
    """An argument of a tool. `option` is the command's; without one it is the command's next word."""

    name: str
    text: str = ""
    option: str = ""
    kind: ArgumentKind = "string"
    choices: tuple[str, ...] = ()


class CommandForm(Struct, frozen=True):
    """What a call becomes: a command, its arguments in the order of its words, and how many of these it needs."""

    command: str
    arguments: tuple[ToolArgument, ...] = ()
    needed: int = 0


class Tool(Struct, frozen=True):
    """A tool. One whose call has an argument that `instead` names takes that form and no other argument."""

    name: str
    text: str
    form: CommandForm
    instead: dict[str, CommandForm] = {}
    acts: bool = True  # it takes `session`: who calls
    reads: bool = False  # it changes nothing
    quotes: bool = False  # it shows at length what other sessions wrote
    refused: str = "Next: see `status`."  # what to do about a refusal


_RESOURCE = ToolArgument("resource", "TYPE/NAME, e.g. file/src/app.py, file/src/api/ (all below), deploy/production")
_NOTE = ToolArgument("note", "What for; others see it", "--note")
_SESSION = ToolArgument("session", "Your session id, if this server cannot tell who you are", "--session")

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "start",
            "Register as a session, once, before other tools. Tells your session id. If you were told one already, give"
            " it as session: this server remembers it.",
            CommandForm(
                "start",
                (
                    ToolArgument("name", "A name that others can call you by", "--name"),
                    ToolArgument("continues", "Id of a dead session to go on for", "--continue"),
                    ToolArgument("new", "Begin another even where one is here already", "--new", "boolean"),
                ),
            ),
            refused="Next: pass `session` if one of these is you; `new`: true begins another.",
        ),
        Tool(
            "heartbeat",
            "Say what you are doing, all of it: what you leave out is over. With nothing: that you are still there.",
            CommandForm(
                "heartbeat",
                (
                    ToolArgument("action", "One word: building, testing"),
                    ToolArgument("target", "On what"),
                    ToolArgument("phase"),
                    ToolArgument("progress", "E.g. 25%"),
                    ToolArgument("next_action"),
                    ToolArgument("files", "Files that you are touching", "--file", "array"),
                    ToolArgument("eta", "45m, or words", "--eta"),
                    ToolArgument("blocked_on", "What you cannot go on without", "--blocked-on"),
                ),
            ),
        ),
        Tool(
            "claim",
            "Take a resource before you work on it, so that no other session does; again: renew it. Refused if taken.",
            CommandForm(
                "claim",
                (
                    _RESOURCE,
                    ToolArgument("ttl", "How long: 90m, 2h (default 4h)", "--ttl"),
                    ToolArgument("shared", "Others may share it; nobody may have it alone", "--shared", "boolean"),
                    _NOTE,
                ),
                needed=1,
            ),
            refused="Next: work on something else, ask its holder with `send`, or claim it again later. Do not go round"
            " it. (To wait for it is for shells.)",
        ),
        Tool("release", "Give a claim back.", CommandForm("release", (_RESOURCE,), needed=1)),
        Tool(
            "handoff",
            "Give a claim to another session without a gap.",
            CommandForm("handoff", (_RESOURCE, ToolArgument("to", "Session id or name"), _NOTE), needed=2),
        ),
        Tool(
            "send",
            "Send a message: to a session (or several, with commas, or `broadcast`) with a subject; or, with"
            " in_reply_to, the answer to a message, which confirms it too.",
            CommandForm(
                "send",
                (
                    ToolArgument("to", "Session id or name"),
                    ToolArgument("subject"),
                    ToolArgument("body"),
                    ToolArgument("urgency", "", "--urgency", choices=("low", "normal", "high")),
                    ToolArgument("needs_ack", "Ask for a confirmation", "--needs-ack", "boolean"),
                ),
                needed=2,
            ),
            {
                "in_reply_to": CommandForm(
                    "reply",
                    (ToolArgument("in_reply_to", "A message's id, id/n; no to, no subject then"), ToolArgument("body")),
                    needed=2,
                )
            },
        ),
        Tool(
            "inbox",
            "Read unread messages; what is returned is read. Or one message, whole; or confirm messages.",
            CommandForm("inbox"),
            {
                "message": CommandForm("inbox", (ToolArgument("message", "Its id, id/n"),), needed=1),
                "ack": CommandForm(
                    "ack", (ToolArgument("ack", "Ids of messages that ask for a confirmation", kind="array"),), 1
                ),
            },
            quotes=True,
            refused="Next: read one message: pass its id, shown beside its sender, as `message`. In a shell,"
            " `coord inbox ID` shows a message of any length.",
        ),
        Tool(
            "status",
            "Who is here and on what, who holds what, what needs someone.",
            CommandForm("status"),
            reads=True,
            quotes=True,
        ),
        Tool(
            "why",
            "The story of a resource, a session or an event: who had it, and which rule decided.",
            CommandForm(
                "why", (ToolArgument("about", "TYPE/NAME, a session's id or name, or an event's id"),), needed=1
            ),
            acts=False,
            reads=True,
            quotes=True,
        ),
    )
}
"""Every tool, by its name."""


def arguments_of(tool: Tool) -> dict[str, ToolArgument]:
    """All arguments that a tool takes, by name, in whatever form."""
    forms = (tool.form, *tool.instead.values())
    found = {given.name: given for form in forms for given in form.arguments}
    return found | ({_SESSION.name: _SESSION} if tool.acts else {})


def schema(tool: Tool) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments."""
    needed = [] if tool.instead else [given.name for given in tool.form.arguments[: tool.form.needed]]
    return {
        "type": "object",
        "properties": {given.name: _schema_of(given) for given in arguments_of(tool).values()},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _schema_of(given: ToolArgument) -> dict[str, Any]:
    found: dict[str, Any] = {"type": given.kind}
    if given.kind == "array":
        found["items"] = {"type": "string"}
    if given.choices:
        found["enum"] = list(given.choices)
    if given.text:
        found["description"] = given.text
    return found


class ParsedCall(Struct, frozen=True):
    """A call as it was read: the command, its command line, and the session that was named."""

    command: str
    words: list[str]
    session: str = ""


def find_tool(name: str) -> Tool:
    """The tool of this name. Raises CoordError (2) if there is none."""
    if tool := TOOLS.get(name):
        return tool
    raise usage_error(f"there is no tool '{line(name, 60)}'; there are: {', '.join(TOOLS)}.")


def parse_arguments(tool: Tool, arguments: Mapping[str, Any]) -> ParsedCall:
    """A call's arguments as a command line. `null` is as good as nothing, as some clients send it.

    Raises CoordError (2) for an argument that is not there, is missing, or is of another kind.
    """
    said = {name: value for name, value in arguments.items() if value is not None}
    known = arguments_of(tool)
    for name, value in said.items():
        if name not in known:
            raise usage_error(f"{tool.name} has no argument '{line(name, 60)}'; it has: {', '.join(known) or 'none'}.")
        _check(tool, known[name], value)
    session = str(said.pop(_SESSION.name, ""))
    chosen = next((name for name in tool.instead if name in said), "")
    form = tool.instead[chosen] if chosen else tool.form
    names = [given.name for given in form.arguments]
    if other := next((name for name in said if name not in names), ""):
        raise usage_error(f"{tool.name}: `{other}` does not go with `{chosen}`.")
    for name in names[: form.needed]:
        if said.get(name) in (None, "", []):
            raise usage_error(f"{tool.name} needs `{name}`: {known[name].text or 'a text'}.")
    return ParsedCall(form.command, _words(form, said), session)


def _check(tool: Tool, given: ToolArgument, value: Any) -> None:
    """Refuse a value of another kind, and one that no log can hold."""
    kinds = {"string": str, "boolean": bool, "array": list}
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    if not isinstance(value, kinds[given.kind]) or not all(isinstance(text, str) for text in texts):
        form = {"string": "a text", "boolean": "true or false", "array": "a list of texts"}[given.kind]
        raise usage_error(f"{tool.name}: `{given.name}` must be {form}.")
    if any("\ud800" <= letter <= "\udfff" for text in texts for letter in text):
        raise usage_error(f"{tool.name}: `{given.name}` is not valid Unicode. Nothing was done.")
    if given.choices and value not in given.choices:
        raise usage_error(f"{tool.name}: `{given.name}` must be one of {', '.join(given.choices)}.")


def _words(form: CommandForm, said: Mapping[str, Any]) -> list[str]:
    """The command line. A word that is left out before another is an empty one."""
    options: list[str] = []
    words: list[str] = []
    for given in form.arguments:
        value = said.get(given.name)
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if given.option:
            options += [given.option] if value is True else [f"{given.option}={text}" for text in texts]
        else:
            words += texts or [""]
    while words and not words[-1]:
        words.pop()
    return [*options, "--", *words]
