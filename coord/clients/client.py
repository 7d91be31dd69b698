"""What coord knows about a client: one record for each, in the module of the client.

Fields with a default have the value that most clients share, so a record contains only what is different. In the forms
below (`Form`), each text that is a name in braces, such as "{text}", is replaced by the value of that name.

The guard uses this module, so it imports only modules that load fast.
"""

import os

from coord.platform.records import LightRecord

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, TypeAlias

    HookEvent: TypeAlias = Literal[
        "start",  # the agent starts, is resumed, cleared, compacted or forked
        "prompt",  # its user sends a prompt
        "before",  # a tool is about to run
        "after",  # a tool has run
        "asks",  # the agent asks its user for a permission or an answer
        "stop",  # the agent is about to stop
        "turn_end",  # its turn has ended in another way: it was interrupted, or it failed
        "agent_start",  # a subagent starts
        "agent_stop",  # a subagent has stopped
        "end",  # the conversation ends
    ]
    Form: TypeAlias = dict[str, Any]

KEYS = {
    "event": "hook_event_name",
    "conversation": "session_id",
    "cwd": "cwd",
    "tool": "tool_name",
    "input": "tool_input",  # the tool's input: an object, or the JSON text of one
    "use": "tool_use_id",
    "agent": "agent_id",
    "kind": "agent_type",
    "source": "source",
    "reason": "reason",
    "prompt": "prompt",
    "parent": "",  # the conversation of a subagent, if its own hooks name the subagent as the conversation
    "notification": "notification_type",  # the kind of a notification
    "transcript": "transcript_path",  # the file with the transcript of the conversation
    "ending": "",  # why a turn ends, if its hook for that also runs after an interruption
}
"""The names of the fields of a payload in most clients. A name with dots is a path, in which a number is the position
in a list: `toolCall.args`, `workspace_roots.0`. Of names between spaces, a payload has one.
"""
CONTEXT_FORM: "Form" = {"hookSpecificOutput": {"hookEventName": "{event}", "additionalContext": "{text}"}}
STOP_FORM: "Form" = {"decision": "block", "reason": "{text}"}
HOOK_FORM: "Form" = {"type": "command", "command": "{command}", "timeout": "{timeout}"}
SERVER_FORM: "Form" = {"command": "{program}", "args": ["mcp"]}
NO_FORM: "Form" = {}
NO_EVENTS: "dict[str, HookEvent]" = {}
NO_LIMITS: "dict[HookEvent, int]" = {}

TASK_NOTICE = "<task-notification>"  # the beginning of a prompt that the client wrote about a command in the background
NO_INPUTS: "dict[str, object]" = {}
NO_TOOLS: dict[str, str] = {}


class Client(LightRecord):
    """What coord knows about a client."""

    name: str  # in events
    word: str  # on the command line: coord install WORD, coord hook WORD
    title: str  # in texts
    # --- its process
    command: str  # the name of its program, without folder
    package: str  # its package, as in the path of an interpreter's script; empty if it is not in a package
    programs: tuple[str, ...] = ()  # other names of its program
    marks: tuple[str, ...]  # the variables that it sets for every command that it runs
    ids: tuple[str, ...]  # the variables with the ids of the acting agent and of the root of its conversation
    one_conversation: bool  # whether its process has one conversation at a time, so that a new id replaces the old one
    several: tuple[str, ...] = ()  # the arguments with which its process can have several
    renews_ids: bool = False  # whether a compaction gives a conversation a new id
    unnamed_subagents: bool = False  # whether the commands of its subagents have ids that no hook names
    one_process: bool = False  # whether one process runs all hooks and commands of a conversation, as was observed
    # --- its hooks
    hook_events: "dict[str, HookEvent]"  # by the client's name for the event
    notifications: "dict[str, HookEvent]" = (
        NO_EVENTS  # the hook event for each kind of notification; empty if `hook_events` has it
    )
    files: dict[str, str]  # the tools that write a file, with the input that names the file; "a|b" is a or else b
    patches: dict[str, str] = NO_TOOLS  # the tools that apply a patch, with the input that contains it, likewise
    shells: tuple[str, ...]  # the tools that run a shell command
    shell_input: str = "command"  # their input that contains the command
    monitors: tuple[str, ...] = ()  # those of them whose command always continues after the tool
    background: "dict[str, object]" = NO_INPUTS  # the inputs with which the command of any shell tool continues
    tasks: tuple[str, ...] = ()  # the keys, in a shell tool's result, of the id of a command that continues after it
    stops: dict[str, str] = NO_TOOLS  # the tools that stop such a command, with the input that names its id
    unended: tuple[str, ...] = ()  # the hook events before shell commands after which no hook runs
    questions: tuple[str, ...]  # the tools that ask the user
    transcript: str = ""  # the transcript of the conversation {id}, if its start hook does not name the file
    turn_lines: tuple[str, tuple[str, ...]] = ("", ())  # the field and its values in the transcript's lines about turns
    turn_ends: tuple[tuple[str, str, str], ...] = ()  # such a line ends a turn: a field, how it begins, and why
    project: str = ""  # the variable with the folder in which it was started, for hooks; empty if there is none
    observed: str = ""  # the versions whose hooks were observed; empty if the record is from the documentation
    documented: "tuple[HookEvent, ...]" = ()  # the hook events of an observed client that are only documented
    # --- what its hooks get
    keys: dict[str, str] = KEYS  # its names of the fields of a payload: `KEYS`, with those that are different
    always: tuple[str, ...] = ()  # keys that all its payloads have
    never: tuple[str, ...] = ()  # keys that none of its payloads has, and those of another client have
    named_events: bool = False  # whether a payload may lack the event, so that the hook's command names it
    endings: tuple[str, ...] = ()  # the reasons for which its agent itself ends a turn; empty if there are no others
    empty_prompts: bool = False  # whether its hook for a prompt also runs without one, with an empty text
    # --- what its hooks answer. A write is denied by exit code 2, with the reason on standard error
    denial_form: "Form" = NO_FORM  # the document that a denial also prints; empty if standard error is enough
    denial_code: int = 2  # the exit code of a denial
    allowed_form: "Form" = NO_FORM  # the document that allows a tool to run, if the client denies it without one
    context_form: "Form" = CONTEXT_FORM  # the document that shows the agent a text
    stop_form: "Form" = STOP_FORM  # the document that makes the agent continue; empty if it cannot be held back
    silent_events: "tuple[HookEvent, ...]" = ()  # the hook events after which the agent is shown nothing
    # --- its calls of an MCP server's tools
    calls: str = ""  # the key in a call's `_meta` that identifies the conversation; empty if there is none
    # --- its installation
    settings: dict[str, str]  # the file with the hooks, by scope: local, project or user
    scope: str  # the scope that no other user sees
    comments: bool = False  # whether its settings may have comments
    settings_head: "Form" = NO_FORM  # the members that a file of hooks needs beside the hooks
    hooks_path: tuple[str, ...] = ("hooks",)  # where the hooks are in the settings, by event
    hook_form: "Form" = HOOK_FORM  # a hook in the settings
    hook_groups: bool = True  # whether the hooks of an event are in groups: {"matcher": MATCHER, "hooks": [HOOK]}
    ungrouped: "tuple[HookEvent, ...]" = ()  # the hook events whose hooks are not in groups although others are
    module: bool = False  # whether it runs no commands, but loads a module of JavaScript, which coord writes
    moved: tuple[str, str]  # the variable that moves the user's settings, and the folder that it replaces
    most_s: "dict[HookEvent, int]" = NO_LIMITS  # the longest timeouts that it allows, in seconds
    per_second: int = 1  # the unit of its hook timeouts: 1 for seconds, 1000 for milliseconds
    matchers: dict[str, str] = NO_TOOLS  # the matcher for a hook event of which only some kinds count
    wakes: tuple[str, ...] = ()  # the events after which a hook can wait in the background and wake the agent
    allow: str = ""  # the form of the rule that lets a command run without asking
    allow_files: dict[str, str] = NO_TOOLS  # the file with these rules, by scope; empty if they are in the settings
    login: bool = False  # whether its commands run in a login shell, which may have another PATH
    sandbox: bool = False  # whether its commands may write only to their folder and those in the file of `servers`
    servers: dict[str, str]  # the file with its MCP servers, by scope
    servers_path: tuple[str, ...] = ("mcpServers",)  # where the MCP servers are in the file
    server_form: "Form" = SERVER_FORM  # the registration of an MCP server in the file
    instructions: tuple[str, ...]  # the files with instructions for agents, of which it reads the first that exists
    plugin: str = ""  # the command that tries a plugin folder; empty if it does not support coord's form of a plugin
    woken: str  # another way to wake its agent, if no hook can
    peers: str = ""  # the file in which its process {pid} says by which name its other sessions reach it
    ring: str = ""  # how one of its agents wakes another, of the session {name}, for a message; empty if it cannot
    todo: str  # what the user must still do after the installation
    # --- the proof that its hooks deny a write: see `coord.admin.prove`
    headless: tuple[str, ...] = ()  # the arguments with which it follows {prompt} without a user; empty if it cannot
    example: str = ""  # the input of its hook before a write of {file}, as JSON; {cwd} is the folder, {id} a new id


WORDS = ("claude", "codex", "gemini", "qwen", "copilot", "opencode", "antigravity", "cursor", "droid")
"""The words for the clients on the command line. The module of each client has its word as its name."""


def client_named(word: str) -> Client | None:
    """Return the client with this word on the command line, or None. Loads no other client's module."""
    if word not in WORDS:
        return None
    client: Client = __import__(f"coord.clients.{word}", fromlist=["CLIENT"]).CLIENT
    return client


HOOK_VARIABLES = {
    "claude": "CLAUDECODE",
    "gemini": "GEMINI_SESSION_ID",
    "qwen": "QWEN_PROJECT_DIR",
    "copilot": "COPILOT_PROJECT_DIR",
    "cursor": "CURSOR_PROJECT_DIR",
    "droid": "FACTORY_PROJECT_DIR",
}
"""A variable that all hooks of a client have, by the client's word. Hooks of other clients have it only if they inherit
it. The hooks of other clients have no variable of their own.
"""


def fits(client: "Client", said: "Mapping[str, object]") -> bool:
    """Return whether a payload has the shape of a client's payloads: the keys that they always have, none that they
    never have, one of the client's hook events, and for a tool that writes a file, the input that names the file.
    """
    for key in client.always:
        if key not in said:
            return False
    for key in client.never:
        if key in said:
            return False
    event = said.get(client.keys["event"])
    if not (event in client.hook_events if isinstance(event, str) else client.named_events):
        return False
    tool, given = said.get(client.keys["tool"]), said.get(client.keys["input"])
    if not isinstance(tool, str) or not isinstance(given, dict):
        return True
    names = "|".join(form[tool] for form in (client.files, client.patches) if tool in form)
    return not names or any(name in given for name in names.split("|"))


def is_own_call(client: "Client", said: "Mapping[str, object]", env: "Mapping[str, str]") -> bool:
    """Return whether a client has certainly called its own hook: the payload has its shape, its variable is set, if it
    has one, and no other client's is.
    """
    for word, variable in HOOK_VARIABLES.items():
        if (word == client.word) != bool(env.get(variable)):
            return False
    return fits(client, said)


_INTERPRETERS = ("node", "bun", "deno", "python", "python3")


def runs_client(client: "Client", argv: "Sequence[str]") -> bool:
    """Return whether a process with these arguments runs the client's program."""
    words = list(argv[:1])
    if words and os.path.basename(words[0]) in _INTERPRETERS:
        words += [word for word in argv[1:] if not word.startswith("-")][:1]  # the script, after the options
    names = [os.path.basename(word.lstrip("-")) for word in words]
    if client.command in names or any(name in names for name in client.programs):
        return True
    return bool(client.package) and any(f"{client.package}/" in word for word in words)
