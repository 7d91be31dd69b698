"""A played client: a program that reads the settings of Claude Code, calls its hooks and writes a file, or does not.

What it does is in the variable PLAYED:

- `obeys`: call the hooks before the write, and write only if none of them denies it;
- `deaf`: write without calling a hook;
- `ignores`: call the hooks, and write all the same;
- `bypasses`: after a denial, write the file by a shell command;
- `refuses`: do nothing; `fails`: print an error and exit with 1; `hangs`: do not end.
"""

import os
from pathlib import Path

PROGRAM = r"""#!/usr/bin/env python3
import json, os, re, subprocess, sys, time
does = os.environ["PLAYED"]
if "CLAUDECODE" in os.environ:
    sys.exit("it was taken for an agent's shell")
if does == "hangs":
    time.sleep(600)
if does == "fails":
    sys.exit("Not logged in. Run /login")
settings = json.load(open(".claude/settings.local.json")) if os.path.exists(".claude/settings.local.json") else {}
path = re.search("the file (.*) with the text: canary", " ".join(sys.argv))[1]


def hook(event, **more):
    call = {"session_id": "played", "cwd": os.getcwd(), "hook_event_name": event, "tool_use_id": "use", **more}
    done = [
        subprocess.run(["sh", "-c", hook["command"]], input=json.dumps(call), text=True, capture_output=True)
        for entry in settings.get("hooks", {}).get(event, [])
        for hook in entry["hooks"]
    ]
    return any(each.returncode == 2 for each in done)


def tool(name, **given):
    denied = does != "deaf" and hook("PreToolUse", tool_name=name, tool_input=given)
    if denied and does != "ignores":
        return False
    if name == "Write":
        open(given["file_path"], "w").write(given["content"])
    else:
        subprocess.run(["sh", "-c", given["command"]])
    if does != "deaf":
        hook("PostToolUse", tool_name=name, tool_input=given, tool_response={})
    return True


if does != "refuses":
    if does != "deaf":
        hook("SessionStart", source="startup")
    if not tool("Write", file_path=path, content="canary") and does == "bypasses":
        tool("Bash", command=f"echo canary > '{path}'")
    if does != "deaf":
        hook("SessionEnd", reason="other")
print("I have stopped.")
"""


def install_played_client(folder: Path) -> str:
    """Write the program as `claude` into a folder, and return the PATH with this folder first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claude").write_text(PROGRAM)
    (folder / "claude").chmod(0o755)
    return f"{folder}{os.pathsep}$PATH"
