"""Parts of a payload that hooks before most writes do not need: shell commands in the background, and writes by tools
that are not in the client's record, or whose input does not name the file as the record says.
"""

from coord.clients.client import TASK_NOTICE, Client

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Mapping

    from coord.clients.client import HookEvent
    from coord.guard.payload import HookCall

_COMMAND_TASKS = ("shell", "monitor")  # the types of tasks in the background that are shell commands


def add_background(call: "HookCall", given: "Mapping[str, object]", result: object, prompt: str, tasks: object) -> None:
    """Add to a call what it says about the shell commands in the background. `given` and `result` are the input and the
    result of the tool, and `tasks` is the client's list of what runs in the background.
    """
    client = call.client
    if isinstance(tasks, list):
        call.alone = all(_named(each, "type") in _COMMAND_TASKS for each in tasks)
        call.running = [_named(each, "id") for each in tasks] if client.tasks else None
    if call.tool in client.shells:
        call.task = next(filter(None, (_named(result, key) for key in client.tasks)), "")
        background = any(given.get(name) == value for name, value in client.background.items())
        call.continues = bool(call.task) or call.tool in client.monitors or background
    elif call.tool in client.stops:
        call.ended = _named(given, client.stops[call.tool])
    elif client.tasks and prompt.startswith(TASK_NOTICE) and "<status>" in prompt:
        call.ended = prompt.partition("<task-id>")[2].partition("</task-id>")[0]


def _named(fields: object, name: str) -> str:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else ""


# --- tools that write files -------------------------------------------------------------------------------------------

_PATH_INPUTS = ("file_path", "path", "filePath", "absolute_path", "target_file", "TargetFile", "notebook_path", "file")
"""The usual names of the input that names the file."""
_VERBS = ("write", "edit", "create", "patch", "replace", "delete", "move", "rename", "insert", "append")
_NOUNS = ("file", "files", "text", "content", "string", "str", "lines", "multi", "notebook", "apply", "in", "to")


def unguarded_write(
    client: Client, hook_event: "HookEvent", tool: str, given: "Mapping[str, object]"
) -> tuple[list[str], bool]:
    """Return the files that a tool writes whose input names none as the client's record says, and whether coord cannot
    guard them. If the record does not contain the tool, no hook is called before it, except by few clients.
    """
    if tool in client.files or tool in client.patches:
        return [], True
    if not is_write(client, tool):
        return [], False
    found = [value for name in _PATH_INPUTS if isinstance(value := given.get(name), str) and value]
    return found[:1], hook_event == "after" or not found


def is_write(client: Client, tool: str) -> bool:
    """Return whether the name of a tool that is not in the client's record says that it writes files: all its words are
    verbs such as "write", or nouns such as "file". The tools of MCP servers, whose names have `__`, do not count.
    """
    if tool in client.shells or tool in client.questions or "__" in tool:
        return False
    words = _words(tool)
    return any(word in _VERBS for word in words) and all(word in _VERBS or word in _NOUNS for word in words)


def _words(name: str) -> list[str]:
    """Return the words of a name such as `write_file`, `MultiEdit` or `str-replace`, in lower case."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter if letter.isalnum() else " " for letter in name)
    return spaced.lower().split()
