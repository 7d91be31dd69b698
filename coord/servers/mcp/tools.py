"""The tools that the MCP server offers: the command that each runs, and how its arguments become a command line.

The tools are only a table; the commands contain the rules. The schemas of the tools are in the context of every
conversation, so their descriptions are short and do not repeat the names.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from coord.errors import usage_error
from coord.render.format import line

ArgumentKind = Literal["string", "boolean", "array"]


class ToolArgument(Struct, frozen=True):
    """An argument of a tool. It becomes the command's `option`, or its next positional argument if that is empty."""

    name: str
    text: str = ""
    option: str = ""
    kind: ArgumentKind = "string"
    choices: tuple[str, ...] = ()


class CommandForm(Struct, frozen=True):
    """The command that a call runs, and its arguments in the command's order. The first `needed` ones are required."""

    command: str
    arguments: tuple[ToolArgument, ...] = ()
    needed: int = 0


class Tool(Struct, frozen=True):
    """A tool. A call with an argument that `instead` names uses that form, and only the arguments of that form."""

    name: str
    text: str
    form: CommandForm
    instead: dict[str, CommandForm] = {}
    acts: bool = True  # it acts as a session, so it takes the argument `session`
    reads: bool = False  # it only reads
    quotes: bool = False  # its answer contains texts of other sessions
    refused: str = "Next: see `status`."  # what to do after a refusal


_RESOURCE = ToolArgument("resource", "TYPE/NAME, e.g. file/src/app.py, file/src/api/ (all below), deploy/production")
_NOTE = ToolArgument("note", "What it is for; others see it", "--note")
_SESSION = ToolArgument("session", "Your session id, if this server cannot tell who you are", "--session")

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "start",
            "Register as a session, once, before other tools. Returns your session id. If you already have one, pass"
            " it as session; this server remembers it.",
            CommandForm(
                "start",
                (
                    ToolArgument("name", "A name that others can call you by", "--name"),
                    ToolArgument("continues", "Id of a dead session to continue", "--continue"),
                    ToolArgument("new", "Start another session even if you have one", "--new", "boolean"),
                ),
            ),
            refused="Next: pass `session` if one of these is you; `new`: true starts another.",
        ),
        Tool(
            "heartbeat",
            "Report everything you are doing; omitted fields are cleared. Without arguments, show that you are alive.",
            CommandForm(
                "heartbeat",
                (
                    ToolArgument("action", "One word: building, testing"),
                    ToolArgument("target", "On what"),
                    ToolArgument("phase"),
                    ToolArgument("progress", "E.g. 25%"),
                    ToolArgument("next_action"),
                    ToolArgument("files", "Files that you are changing", "--file", "array"),
                    ToolArgument("eta", "When done: 45m, 17:30", "--eta"),
                    ToolArgument("blocked_on", "What you are waiting for", "--blocked-on"),
                ),
            ),
        ),
        Tool(
            "claim",
            "Claim a resource before you work on it, so that no other session does; again to renew. Refused if taken.",
            CommandForm(
                "claim",
                (
                    _RESOURCE,
                    ToolArgument("ttl", "How long: 90m, 2h (default 4h)", "--ttl"),
                    ToolArgument("new_type", "Accept a TYPE that is new here", "--new-type", "boolean"),
                    ToolArgument("shared", "Allow other shared claims, but no exclusive one", "--shared", "boolean"),
                    _NOTE,
                ),
                needed=1,
            ),
            refused="Next: work on something else, ask its holder with `send` if that is another session, or claim it"
            " again later. Do not bypass it. (Waiting is possible in a shell.)",
        ),
        Tool("release", "Release a claim.", CommandForm("release", (_RESOURCE,), needed=1)),
        Tool(
            "handoff",
            "Hand a claim over to another session; nobody else can get it in between.",
            CommandForm("handoff", (_RESOURCE, ToolArgument("to", "Session id or name"), _NOTE), needed=2),
        ),
        Tool(
            "send",
            "Send a message to a session (or several, with commas, or `broadcast`) with a subject; or answer a message"
            " with in_reply_to, which confirms it too.",
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
                    (
                        ToolArgument("in_reply_to", "Id of the message to answer, session/n; then omit to and subject"),
                        ToolArgument("body"),
                    ),
                    needed=2,
                )
            },
        ),
        Tool(
            "inbox",
            "Read unread messages, which marks them as read. Or read one whole message; or confirm or close messages.",
            CommandForm("inbox"),
            {
                "message": CommandForm("inbox", (ToolArgument("message", "Its id, session/n"),), needed=1),
                "ack": CommandForm(
                    "ack", (ToolArgument("ack", "Ids of messages that ask for a confirmation", kind="array"),), 1
                ),
                "resolve": CommandForm(
                    "resolve",
                    (
                        ToolArgument(
                            "resolve", "Ids of your messages that nobody needs to confirm any more", kind="array"
                        ),
                        ToolArgument("note", "Why", "--note"),
                    ),
                    1,
                ),
            },
            quotes=True,
            refused="Next: read one message: pass its id, shown beside its sender, as `message`. In a shell,"
            " `coord inbox ID` shows a message of any length.",
        ),
        Tool(
            "status",
            "Who is here and works on what, who holds what, what needs attention.",
            CommandForm("status"),
            reads=True,
            quotes=True,
        ),
        Tool(
            "why",
            "The history of a resource, a session or an event: who had it, and which rule decided.",
            CommandForm(
                "why", (ToolArgument("about", "TYPE/NAME, a session's id or name, or an event's id"),), needed=1
            ),
            acts=False,
            reads=True,
            quotes=True,
        ),
    )
}
"""All tools, by name."""


def arguments_of(tool: Tool) -> dict[str, ToolArgument]:
    """Return all arguments of a tool's forms, by name."""
    forms = (tool.form, *tool.instead.values())
    arguments = {argument.name: argument for form in forms for argument in form.arguments}
    return arguments | ({_SESSION.name: _SESSION} if tool.acts else {})


def schema(tool: Tool) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments."""
    needed = [] if tool.instead else [argument.name for argument in tool.form.arguments[: tool.form.needed]]
    return {
        "type": "object",
        "properties": {argument.name: _schema_of(argument) for argument in arguments_of(tool).values()},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _schema_of(argument: ToolArgument) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": argument.kind}
    if argument.kind == "array":
        facts["items"] = {"type": "string"}
    if argument.choices:
        facts["enum"] = list(argument.choices)
    if argument.text:
        facts["description"] = argument.text
    return facts


class ParsedCall(Struct, frozen=True):
    """A parsed call: the command, its command line, and the argument `session`."""

    command: str
    words: list[str]
    session: str = ""


def find_tool(name: str) -> Tool:
    """Return the tool of this name. Raises CoordError (2) if there is none."""
    if tool := TOOLS.get(name):
        return tool
    raise usage_error(f"there is no tool '{line(name, 60)}'; there are: {', '.join(TOOLS)}.")


def parse_arguments(tool: Tool, arguments: Mapping[str, Any]) -> ParsedCall:
    """Return a call's arguments as a command line. An argument that is `null` is ignored: some clients send it.

    Raises CoordError (2) for an argument that is unknown, missing or of another type.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    known = arguments_of(tool)
    for name, value in given.items():
        if name not in known:
            raise usage_error(f"{tool.name} has no argument '{line(name, 60)}'; it has: {', '.join(known) or 'none'}.")
        _check(tool, known[name], value)
    session = str(given.pop(_SESSION.name, ""))
    chosen = next((name for name in tool.instead if name in given), "")
    form = tool.instead[chosen] if chosen else tool.form
    names = [argument.name for argument in form.arguments]
    if other := next((name for name in given if name not in names), ""):
        raise usage_error(f"{tool.name}: `{other}` cannot be used with `{chosen}`.")
    for name in names[: form.needed]:
        if given.get(name) in (None, "", []):
            raise usage_error(f"{tool.name} needs `{name}`: {known[name].text or 'a text'}.")
    return ParsedCall(form.command, _words(form, given), session)


def _check(tool: Tool, argument: ToolArgument, value: Any) -> None:
    """Raise CoordError (2) for a value of another type, and for a text that the log cannot store."""
    kinds = {"string": str, "boolean": bool, "array": list}
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    if not isinstance(value, kinds[argument.kind]) or not all(isinstance(text, str) for text in texts):
        form = {"string": "a text", "boolean": "true or false", "array": "a list of texts"}[argument.kind]
        raise usage_error(f"{tool.name}: `{argument.name}` must be {form}.")
    if any("\ud800" <= letter <= "\udfff" for text in texts for letter in text):
        raise usage_error(f"{tool.name}: `{argument.name}` is not valid Unicode. Nothing was done.")
    if argument.choices and value not in argument.choices:
        raise usage_error(f"{tool.name}: `{argument.name}` must be one of {', '.join(argument.choices)}.")


def _words(form: CommandForm, given: Mapping[str, Any]) -> list[str]:
    """Return the command line. A positional argument that is missing before another one becomes an empty word."""
    options: list[str] = []
    words: list[str] = []
    for argument in form.arguments:
        value = given.get(argument.name)
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if argument.option:
            options += [argument.option] if value is True else [f"{argument.option}={text}" for text in texts]
        else:
            words += texts or [""]
    while words and not words[-1]:
        words.pop()
    return [*options, "--", *words]
