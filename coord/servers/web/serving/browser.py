"""Open the page in a browser, where this user has one."""

import sys
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import suppress


def why_not(env: Mapping[str, str]) -> str:
    """Return why no browser is opened; empty if one can be."""
    if env.get("BROWSER"):
        return ""
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return "no browser was opened, because this is a connection over ssh"
    if sys.platform not in ("darwin", "win32") and not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
        return "no browser was opened, because there is no display"
    return ""


def open_browser(address: str) -> threading.Thread:
    """Open an address in the user's browser, in the returned thread: some browsers block until they are closed."""
    thread = threading.Thread(target=_open, args=(address,), daemon=True)
    thread.start()
    return thread


def _open(address: str) -> None:
    with suppress(OSError, webbrowser.Error):  # the address was printed
        webbrowser.open(address)
