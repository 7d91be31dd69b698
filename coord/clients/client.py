"""What coord knows about a client: one record for each, in the module of the client.

The facts about Claude Code, Codex and Gemini CLI were observed on versions 2.1, 0.169 and 0.61. The guard uses this
module, so it imports only modules that load fast.
"""

from coord.platform.records import LightRecord

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    HookEvent: TypeAlias = Literal[
        "start",  # the agent starts, is resumed, cleared, compacted or forked
        "prompt",  # its user sends a prompt
        "before",  # a tool is about to run
        "after",  # a tool has run
        "asks",  # the agent asks its user for a permission or an answer
        "stop",  # the agent is about to stop
        "agent_start",  # a subagent starts
        "agent_stop",  # a subagent has stopped
        "end",  # the conversation ends
    ]


class Client(LightRecord):
    """What coord knows about a client."""

    name: str  # in events
    word: str  # on the command line: coord install WORD, coord hook WORD
    title: str  # in texts
    # --- its process
    command: str  # the name of its program, without folder
    package: str  # its package, as in the path of an interpreter's script
    marks: tuple[str, ...]  # the variables that it sets for every command that it runs
    ids: tuple[str, ...]  # the variables with the ids of the acting agent and of the root of its conversation
    one_conversation: bool  # whether its process has one conversation at a time, so that a new id replaces the old one
    # --- its hooks
    hook_events: "dict[str, HookEvent]"  # by the client's name for the event
    files: dict[str, str]  # the tools that write a file, with the input that names the file
    patches: dict[str, str]  # the tools that apply a patch, with the input that contains it
    shells: tuple[str, ...]  # the tools that run the shell command in their input `command`
    questions: tuple[str, ...]  # the tools that ask the user
    project: str  # the variable with the folder in which it was started, for hooks; empty if there is none
    # --- its calls of an MCP server's tools
    calls: str  # the key in a call's `_meta` that identifies the conversation; empty if there is none
    # --- its installation
    settings: dict[str, str]  # the file with the hooks, by scope: local, project or user
    scope: str  # the scope that no other user sees
    comments: bool  # whether its settings may have comments
    moved: tuple[str, str]  # the variable that moves the user's settings, and the folder that it replaces
    per_second: int  # the unit of its hook timeouts: 1 for seconds, 1000 for milliseconds
    matchers: dict[str, str]  # the matcher for a hook event of which only some kinds count
    wakes: tuple[str, ...]  # the events after which a hook can wait in the background and wake the agent
    allow: str  # the form of the rule that lets a command run without asking
    allow_files: dict[str, str]  # the file with these rules, by scope; empty if they are in the settings
    login: bool  # whether its commands run in a login shell, which may have another PATH
    sandbox: bool  # whether its commands may write only to their folder and to those that the file of `servers` lists
    servers: dict[str, str]  # the file with its MCP servers, by scope
    instructions: tuple[str, ...]  # the files with instructions for agents, of which it reads the first that exists
    plugin: str  # the command that tries a plugin folder; empty if it does not support coord's form of a plugin
    woken: str  # another way to wake its agent, if no hook can
    peers: str = ""  # the file in which its process {pid} says by which name its other sessions reach it
    ring: str = ""  # how one of its agents wakes another, of the session {name}, for a message; empty if it cannot
    todo: str  # what the user must still do after the installation


WORDS = ("claude", "codex", "gemini")
"""The words for the clients on the command line. The module of each client has its word as its name."""


def client_named(word: str) -> Client | None:
    """Return the client with this word on the command line, or None. Loads no other client's module."""
    if word not in WORDS:
        return None
    client: Client = __import__(f"coord.clients.{word}", fromlist=["CLIENT"]).CLIENT
    return client
