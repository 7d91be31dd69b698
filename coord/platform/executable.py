"""Which program `coord` is: the one that runs, and the one that others find."""

import os
import sys
from collections.abc import Mapping
from shlex import quote


def this_program() -> str:
    """The command that runs."""
    called = os.path.abspath(sys.argv[0]) if os.path.basename(sys.argv[0]) == "coord" else ""
    return called if os.path.isfile(called) else os.path.join(os.path.dirname(sys.executable), "coord")


def find_program(env: Mapping[str, str], name: str = "coord") -> str:
    """What a shell with this environment finds; empty if nothing."""
    from shutil import which  # 4 % of a command

    return which(name, path=env.get("PATH", os.defpath)) or ""


def command_for_settings(env: Mapping[str, str]) -> str:
    """How to call this program from a settings file: by its name where that finds it, else by its path, quoted for a
    shell.
    """
    ours, found = this_program(), find_program(env)
    same = found and os.path.realpath(found) == os.path.realpath(ours)
    return "coord" if same else quote(ours)
