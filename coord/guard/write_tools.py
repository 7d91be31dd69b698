"""Tools that write files, but whose files coord cannot guard: a tool that is not in the client's record, or one whose
input does not name the file as the record says. Such a write is allowed, and it is reported: see `is_unguarded`.

Hooks load this module before every write, so it imports only modules that load fast.
"""

from coord.clients.client import Client

PATH_INPUTS = "file_path|path|filePath|absolute_path|target_file|TargetFile|notebook_path|filename|file"
"""The usual names of the input that names the file, in the form of `Client.files`."""
_VERBS = ("write", "edit", "create", "patch", "replace", "delete", "move", "rename", "insert", "append")
_NOUNS = (
    "file",
    "files",
    "text",
    "content",
    "string",
    "str",
    "lines",
    "multi",
    "notebook",
    "apply",
    "in",
    "to",
    "into",
)


def is_unguarded(client: Client, tool: str, event: str, paths: list[str]) -> bool:
    """Return whether a tool writes a file that coord cannot guard. The hook before a tool is called only for the tools
    in the client's record, so a write by another tool is noticed after it.
    """
    if tool in client.files or tool in client.patches:
        return not paths
    return is_write(client, tool) and (event == "after" or not paths)


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
