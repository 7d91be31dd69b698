"""The demo, played by real sessions while the page is open: each step is visible. The times until then are printed."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from coord.cli.commands.board._demo import SCRIPT, DemoStep, PlayedStep, play
from tests.support.page_server import PageServer
from tests.support.processes import environment
from tests.support.repositories import Repo
from tests.web.looking import sees

# What the page shows after each step of the demo's script; nothing new for a refusal or a read message.
SHOWN = {
    "coord start --name ada": "ada",
    "coord start --name ben": "ben",
    "coord start --name cai": "cai",
    "coord claim droplet church-guidance 4": "droplet/church-guidance",
    'coord heartbeat building church-guidance "BUILD - landing page" 25%': "BUILD - landing page",
    "coord claim droplet email-automation 3": "droplet/email-automation",
    'coord send ada Question "Do you need the email templates? I am building email-automation"': "Do you need",
    'coord reply {message} "Great timing! church-guidance needs email delivery"': "Great timing!",
    'coord handoff droplet church-guidance cai --note "pages done, deploy is yours"': "pages done, deploy is yours",
    'coord heartbeat building email-automation BUILD 60% --blocked-on "the Stripe API key"': "the Stripe API key",
    'coord send broadcast Blocker "Need the Stripe API key" --urgency high --needs-ack': "Need the Stripe API key",
    'coord reply {message} "The key is in the vault, under stripe/live"': "The key is in the vault",
    'coord heartbeat building email-automation "BUILD - tests passing" 80%': "BUILD - tests passing",
}


def test_each_step_of_the_demo_is_shown(page: Page, serve: Callable[..., PageServer], bare_repo: Repo) -> None:
    steps = iter([step for step in SCRIPT if isinstance(step, DemoStep)])
    times: list[tuple[str, float]] = []
    opened: list[PageServer] = []

    def show(part: str | PlayedStep) -> None:
        if isinstance(part, str):
            if not opened:
                opened.append(serve(cwd=Path(bare_repo.root)))
                page.goto(opened[0].address)
                page.locator("#board h2").wait_for()
            return
        text = SHOWN.get(next(steps).command)
        if text:
            began = time.monotonic()
            sees(page, text)
            times.append((part.typed, time.monotonic() - began))

    play(str(bare_repo.root), environment(bare_repo.home), show, lambda: sees(page, "BUILD - tests passing", "#board"))
    for typed, took in times:
        print(f"{1000 * took:5.0f} ms  {typed}")
    assert len(times) == len(SHOWN)
