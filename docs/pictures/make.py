"""Draw the pictures of the README and the documentation. `make pictures` runs this. It needs tmux and chromium.

    python docs/pictures/make.py

`demo.svg` is the timeline of the demo, `watch.svg` a terminal with `coord watch` near the end of the demo, `page-*.png`
the page of `coord web` while a session is blocked, and `last-night.svg` the timeline of the tutorial's night. Session
ids and times are different each time.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from coord.cli.commands.board._demo import PlayedStep, play, temporary_folder
from coord.servers.environment import clean_environment

HERE = Path(__file__).resolve().parent
COORD = [sys.executable, "-P", "-m", "coord"]
_TMUX = ["tmux", "-L", f"coord-pictures-{os.getpid()}"]
_WIDE, _HIGH = 112, 26
PAGES = (("light", 1160, 900, "light"), ("dark", 1160, 900, "dark"), ("phone", 360, 740, "light"))
_PAUSE_S = 1.5  # between two steps of the demo, so that the timeline is not too narrow


def coord(folder: Path, *words: str) -> None:
    """Run a command that must succeed."""
    env = clean_environment(os.environ) | {"TZ": "UTC"}
    subprocess.run([*COORD, *words], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


def pause(part: str | PlayedStep) -> None:
    """Wait after each step."""
    if isinstance(part, PlayedStep):
        time.sleep(_PAUSE_S)


def screenshot(folder: Path, command: str) -> str:
    """Return what a terminal shows, with colours, while a command runs in it."""
    env = clean_environment(os.environ) | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    size = ["-x", str(_WIDE), "-y", str(_HIGH)]
    new = ["-f", "/dev/null", "new-session", "-d", *size, "-c", str(folder), command]
    subprocess.run([*_TMUX, *new], env=env, check=True)
    try:
        time.sleep(2)
        shown = subprocess.run([*_TMUX, "capture-pane", "-p", "-e", "-N"], env=env, check=True, capture_output=True)
        return shown.stdout.decode().rstrip("\n")
    finally:
        subprocess.run([*_TMUX, "kill-server"], check=False)


def terminal_svg(shown: str, title: str) -> str:
    """Return the screen of a terminal as a picture that loads no fonts."""
    console = Console(record=True, width=_WIDE, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    plain = re.sub(r"@font-face \{\{.*?\}\}|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title=title, theme=MONOKAI, code_format=plain, unique_id="coord")


def page_pictures(folder: Path) -> None:
    """Take pictures of the page of `coord web`: light, dark, and on a phone with a story open."""
    env = clean_environment(os.environ) | {"TZ": "UTC"}
    words = [*COORD, "web", "--no-open"]
    with (
        subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as playwright,
    ):
        assert server.stdout
        found = re.search(r"https?://\S+#key=\S+", server.stdout.readline())
        assert found
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
        )
        for name, width, height, scheme in PAGES:
            phone = width < 500
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                timezone_id="UTC",
                locale="en-GB",
                device_scale_factor=1.5 if phone else 1,
            )
            page = context.new_page()
            page.goto(found[0])
            page.locator("#board .line").first.wait_for()
            page.wait_for_timeout(800)
            page.screenshot(path=HERE / f"page-{name}.png")
            context.close()
        browser.close()
        server.send_signal(signal.SIGINT)


def main() -> int:
    """Draw all pictures."""
    with temporary_folder() as name:
        folder = Path(name)

        def look() -> None:
            words = " ".join([*COORD, "watch"])
            (HERE / "watch.svg").write_text(terminal_svg(screenshot(folder, words), "coord watch"), encoding="utf-8")

        def show(part: str | PlayedStep) -> None:
            pause(part)
            if isinstance(part, PlayedStep) and part.typed.startswith("coord send broadcast Blocker"):
                page_pictures(folder)

        play(name, os.environ, show, look)
        coord(folder, "timeline", "--svg", str(HERE / "demo.svg"))
    night = HERE.parent / "examples" / "incident"
    span = ("--since", "2026-11-22 21:45 UTC", "--until", "2026-11-23 00:00 UTC")
    coord(night, "timeline", "--svg", str(HERE / "last-night.svg"), *span)
    return 0


if __name__ == "__main__":
    sys.exit(main())
