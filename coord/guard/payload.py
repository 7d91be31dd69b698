"""Parse what a client sends to its hook into a `HookCall`, which has the same form for all clients. The records in
`coord.clients` contain the field and tool names of each client.

Unknown fields are ignored, and a field of the wrong type counts as absent. Hooks load this module before every write,
so it imports only modules that load fast.
"""

import os
import time

from coord.clients.client import TASK_NOTICE, Client
from coord.platform.git.naming import claim_name, find_checkout, folder_in_environment, relative_name
from coord.platform.json_reader import field_at, loads
from coord.platform.records import LightRecord

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coord.clients.client import HookEvent
    from coord.platform.git.naming import Checkout

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Cursor's first bytes on Windows
_PATCH_HEADS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")
_LONGEST_WORD = 200  # characters
_GIT = ".git"  # the folder whose files are not guarded
MOST_INPUT = 1 << 25  # bytes
INPUT_LIMIT_S = 1.5  # a client waits 5 s for the hook before a write, and the full path can need 2 s for the lock


class HookCall(LightRecord):
    """One call of a hook."""

    client: Client
    hook_event: "HookEvent"
    event: str  # the client's name of the hook event
    conversation: str  # the client's id of the conversation
    agent: str  # the acting subagent; empty for the conversation itself
    kind: str  # the kind of the subagent
    cwd: str  # the working directory
    tool: str
    about: str  # the agent's description of the shell command
    command: str  # the shell command; empty for other tools
    paths: list[str]  # the files that the tool writes, as the client names them
    unguarded: bool  # whether the tool writes a file that coord cannot guard
    inputs: list[str]  # the names of the tool's inputs, for reports
    use: str  # the client's id of this tool call
    source: str  # how the conversation started, such as `resume`
    reason: str  # why the conversation ends
    transcript: str  # the file with the transcript of the conversation; empty if the client names none
    alone: bool = False  # whether the client says that no subagent works in the background
    continues: bool = False  # whether the shell command continues in the background after its tool
    task: str = ""  # the client's id of that command, if it has one
    ended: str = ""  # the id of a command in the background that has ended, according to the client
    through: str = ""  # the word of the client whose hook was called, if another client called it
    running: "list[str] | None" = None  # the ids of those that still run; None if the client does not list them


class Write(LightRecord):
    """A write to a file by a `conversation` of a `client`, or by its subagent `agent`. `resource` and `worktree` are as
    in events, `folder` is the shared folder, `path` the file, `directory` its directory, `name` its path from the root
    as it is spelled on the disk, and `git` the git directory of the repository that the file is in.
    """

    client: str
    conversation: str
    agent: str
    resource: str
    name: str
    folder: str
    directory: str
    path: str
    worktree: str
    git: str


def read_input(fd: int, limit_s: float = INPUT_LIMIT_S) -> bytes:
    """Read what a client sends: up to the end of the input, or of the JSON document if the client leaves the input
    open. At most `MOST_INPUT` bytes and one more are read. Raises TimeoutError if neither comes within `limit_s`.
    """
    data, deadline = bytearray(), time.monotonic() + limit_s
    while len(data) <= MOST_INPUT:
        if not _is_readable(fd, deadline - time.monotonic()):
            raise TimeoutError(f"standard input stayed open for {limit_s:g} s, and {len(data)} bytes came")
        part = os.read(fd, min(1 << 16, MOST_INPUT + 1 - len(data)))
        data += part
        if not part or (part.rstrip().endswith(b"}") and not _is_readable(fd, 0) and _is_document(bytes(data))):
            break
    return bytes(data)


def _is_readable(fd: int, seconds: float) -> bool:
    """Return whether the input, or its end, can be read within this time."""
    if os.name != "posix":  # only sockets can be waited for
        return True
    from select import select

    return bool(select([fd], [], [], max(0.0, seconds))[0])


def _is_document(data: bytes) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True


def parse_call(client: Client, data: bytes, event: str = "") -> HookCall | None:
    """Return the call that a client's JSON describes, or None for a call that hooks do not answer. `event` is the hook
    event for a client whose payloads do not name it. Raises ValueError for text that is not JSON.
    """
    return read_call(client, decode(data), event)


def decode(data: bytes) -> "dict[str, object]":
    """Return the JSON object that a client sends; empty if it is not an object. Raises ValueError for text that is not
    JSON.
    """
    said = loads(data.removeprefix(_BYTE_ORDER_MARK))
    return said if isinstance(said, dict) else {}


def read_call(client: Client, said: "dict[str, object]", event: str = "") -> HookCall | None:
    """Return the call that a decoded payload describes: see `parse_call`."""
    keys = client.keys
    event, agent, tool = _word(said, keys["event"]) or event, _word(said, keys["agent"]), _word(said, keys["tool"])
    parent = _word(said, keys["parent"]) if keys["parent"] else ""
    hook_event, conversation = _hook_event(client, said, event, tool), parent or _word(said, keys["conversation"])
    if hook_event is None or not conversation:
        return None
    if parent and hook_event in ("prompt", "stop", "turn_end"):
        return None  # `agent_start` and `agent_stop` report the subagent
    given = _input(said, keys["input"])
    tasks, paths, unguarded = said.get("background_tasks"), list(_paths(client, tool, given)), False
    if hook_event in ("before", "after") and not paths and tool not in client.shells:
        from coord.guard.call_details import unguarded_write  # the hooks before most writes do not need it

        paths, unguarded = unguarded_write(client, hook_event, tool, given)
    call = HookCall(
        client=client,
        hook_event=hook_event,
        event=event,
        conversation=conversation,
        agent="" if agent == conversation else agent,
        kind=_word(said, keys["kind"]),
        cwd=_path(_text(said, keys["cwd"])),
        tool=tool,
        about=_text(given, "description") if tool in client.shells else "",
        command=_text(given, client.shell_input) if tool in client.shells else "",
        paths=paths,
        unguarded=unguarded,
        inputs=sorted(given) if unguarded else [],
        use=_use(said, keys["use"]),
        source=_word(said, keys["source"]),
        reason=_word(said, keys["reason"]),
        transcript=_text(said, keys["transcript"]),
    )
    prompt, about_commands = _text(said, keys["prompt"]), tool in client.shells or tool in client.stops
    if hook_event != "before" and (about_commands or tasks is not None or prompt.startswith(TASK_NOTICE)):
        from coord.guard.call_details import add_background  # most hooks do not need it

        add_background(call, given, said.get("tool_response"), prompt, tasks)
    return call


def _hook_event(client: Client, said: "dict[str, object]", event: str, tool: str) -> "HookEvent | None":
    """Return the hook event for a client's event with a payload; None if hooks do not answer it."""
    keys, hook_event = client.keys, client.hook_events.get(event)
    if hook_event == "prompt" and client.empty_prompts and field_at(said, keys["prompt"]) == "":
        return None
    if hook_event == "before" and tool in client.questions:
        hook_event = "asks"
    if hook_event == "stop" and client.endings and _word(said, keys["ending"]) not in client.endings:
        return "turn_end"
    if hook_event == "asks" and client.notifications and (event in client.matchers or keys["notification"] in said):
        return client.notifications.get(_word(said, keys["notification"]))
    return hook_event


def _input(fields: "Mapping[str, object]", name: str) -> "Mapping[str, object]":
    """Return the input of a tool: an object, the JSON text of one, or another text as the only field `input`."""
    given = text = field_at(fields, name)
    if isinstance(text, str):
        try:
            given = loads(text.encode())
        except ValueError:
            return {"input": text}
    return given if isinstance(given, dict) else {}


def _text(fields: "Mapping[str, object]", name: str) -> str:
    value = field_at(fields, name)
    return value if isinstance(value, str) else ""


def _word(fields: "Mapping[str, object]", name: str) -> str:
    """Return a field that is an id or a name; empty if it is too long or has characters that cannot be printed."""
    text = _text(fields, name)
    return text if len(text) <= _LONGEST_WORD and text.isprintable() else ""


def _use(fields: "Mapping[str, object]", name: str) -> str:
    """Return the id of a tool call, which can be a number."""
    value = field_at(fields, name)
    return str(value) if type(value) is int else _word(fields, name)


def _first(fields: "Mapping[str, object]", names: str) -> str:
    """Return the first field with a text, of the names that "|" separates."""
    return next(filter(None, (_text(fields, name) for name in names.split("|"))), "")


def _path(text: str) -> str:
    """Return a path; empty if it is not a valid path."""
    try:
        return "" if b"\0" in os.fsencode(text) else text
    except UnicodeError:
        return ""


def _paths(client: Client, tool: str, given: "Mapping[str, object]") -> "Iterator[str]":
    """Yield the files that a tool writes."""
    if path := _first(given, client.files[tool]) if tool in client.files else "":
        yield path
    elif tool in client.patches:
        found: dict[str, None] = {}
        for line in _first(given, client.patches[tool]).split("\n"):
            for mark in _PATCH_HEADS:
                if line.startswith(mark):
                    found[line[len(mark) :].strip()] = None
        yield from found


def writes_in(call: HookCall, env: "Mapping[str, str]") -> list[Write]:
    """Return the writes of a call to files in a repository with a shared folder. A write to a link is a write to its
    target. A patch can also replace the link itself, so it counts as a write to both.
    """
    found: dict[str, Write | None] = {}
    for path in filter(_path, call.paths):
        named = os.path.join(call.cwd, path)
        if os.path.isabs(named):
            real = os.path.realpath(named)
            own = os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named))
            for file in (real, own) if call.tool in call.client.patches else (real,):
                found[file] = found.get(file) or _write(call, file, env)
    return [write for write in found.values() if write]


def checkout_at(cwd: str, env: "Mapping[str, str]") -> "Checkout | None":
    """Return the checkout whose shared folder guards a working directory, or None."""
    return find_checkout(os.path.realpath(cwd), folder_in_environment(env)) if os.path.isabs(cwd) else None


def folder_at(cwd: str, env: "Mapping[str, str]") -> str:
    """Return the shared folder of a working directory; empty if there is none."""
    here = checkout_at(cwd, env)
    return here.folder if here else ""


def _write(call: HookCall, path: str, env: "Mapping[str, str]") -> Write | None:
    directory = os.path.dirname(path)
    here = find_checkout(directory, folder_in_environment(env))
    relative = relative_name(here, path) if here else ""
    if here is None or relative in ("", ".") or _GIT in relative.split("/"):
        return None
    return Write(
        client=call.client.name,
        conversation=call.conversation,
        agent=call.agent,
        resource=f"file/{claim_name(relative)}",
        name=relative,
        folder=here.folder,
        directory=directory,
        path=path,
        worktree=here.worktree,
        git=here.git,
    )
