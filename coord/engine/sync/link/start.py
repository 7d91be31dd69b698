"""Start the link of a folder in the background, once, and end it. Of two that start, the second finds it locked."""

import os
import sys
import time

from coord.engine.sync.link.client import LinkClient, is_listening
from coord.engine.sync.link.protocol import LOCK
from coord.workspace.notify.record import LockFile
from coord.workspace.paths import Workspace
from coord.workspace.system import System

FAILURE = "link-failure"  # in the cache: why the last link could not be started
_STEP_S = 0.01


def start_link(system: System, workspace: Workspace) -> None:
    """Start the link and return at once, unless one runs. A failure is recorded in the cache, never raised."""
    if is_listening(workspace.cache):
        return  # the lock does not tell this: a command may hold it for a moment
    from coord.workspace.notify.runner import start  # loads `subprocess`, which most commands do not need

    words = [sys.executable, "-P", "-m", "coord", "link", "--quiet", "--root", workspace.folder]
    start(os.path.join(workspace.cache, FAILURE), words, system.env)


def ensure_link(system: System, workspace: Workspace, wait_s: float = 2) -> bool:
    """Start the link unless one listens, wait for its socket, and return whether it listens."""
    if is_listening(workspace.cache):
        return True
    start_link(system, workspace)
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        time.sleep(_STEP_S)
        if is_listening(workspace.cache):
            return True
    return False


def link_listens(workspace: Workspace, wait_s: float = 10) -> bool:
    """Wait until a link listens, or no process exchanges, and return whether a link listens."""
    lock, deadline = LockFile(workspace.cache, LOCK), time.monotonic() + wait_s
    while not (listens := is_listening(workspace.cache)) and not lock.is_free and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return listens


def stop_link(workspace: Workspace, wait_s: float = 10) -> bool:
    """Let the link end, wait until it has, and return whether it has. Raises RemoteAway if none listens."""
    LinkClient(workspace.cache, wait_s).stop()
    lock, deadline = LockFile(workspace.cache, LOCK), time.monotonic() + wait_s
    while not (ended := lock.is_free) and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return ended
