"""Find the program `coord`: the one that is running, and the one on the PATH."""

import os
import sys
from collections.abc import Mapping
from shlex import quote


def this_program() -> str:
    """Return the path of the running `coord`."""
    called = os.path.abspath(sys.argv[0]) if os.path.basename(sys.argv[0]) == "coord" else ""
    return called if os.path.isfile(called) else os.path.join(os.path.dirname(sys.executable), "coord")


def find_program(env: Mapping[str, str], name: str = "coord") -> str:
    """Return the path that a shell with this environment finds; empty if it finds none."""
    from shutil import which  # loading it takes 4 % of a command

    return which(name, path=env.get("PATH", os.defpath)) or ""


def command_for_settings(env: Mapping[str, str]) -> str:
    """Return the command for this program in a settings file: its name if the PATH leads to it, else its path."""
    ours, found = this_program(), find_program(env)
    same = found and os.path.realpath(found) == os.path.realpath(ours)
    return "coord" if same else quote(ours)
