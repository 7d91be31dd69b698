"""Names, notes and texts that are made to harm the page are text on it, and bounded."""

import json
import time
from collections.abc import Callable

from playwright.sync_api import Page

from eventlog.events import EVERYONE, VERSION, Event, MessageSent, add_time, from_micros
from tests.support.journals import writer
from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.web.looking import opened, sees

MARKUP = "<img src=x onerror=window.ran=1><script>window.ran=1</script><b>bold</b>"
BIDI = "abc\u202egpj.exe\u202c\u2066x\u2069"
ELEMENTS = (
    "() => document.querySelectorAll('main script, main img, main b:not(.name), #drawer script, #drawer img').length"
)
SIGNS = r"""() => [...document.querySelectorAll("*")].filter((each) => !each.children.length
  && /[\u202a-\u202e\u2066-\u2069]/.test(each.textContent)).map((each) => each.outerHTML)"""
LONG = 1 << 20


def test_hostile_texts_are_text(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    ada, ben = repo.shell(), repo.shell()
    ada.ok("coord start --name ada")
    ben.ok("coord start --name ben")
    (repo.home / "body").write_text(MARKUP + BIDI)
    ada.ok(f"coord heartbeat building '{MARKUP}' '{BIDI} 10%' --blocked-on '{MARKUP}'")
    ada.ok(f"coord claim droplet 'a<b>&\"x' 4 --note '{MARKUP}{BIDI}'")
    ada.ok(f"coord send ben '{MARKUP}' \"$(cat '{repo.home}/body')\" --urgency high --needs-ack")
    opened(page, serve())
    sees(page, "<img src=x", "#needs")
    sees(page, "<script>", "#messages")
    for link in page.locator("#board .sections a[data-about]").all()[:6]:
        link.click()
        page.locator("#drawer .story li, #drawer .story p").first.wait_for()
        page.wait_for_timeout(300)
        page.keyboard.press("Escape")
    assert page.evaluate(ELEMENTS) == 0
    assert page.evaluate("() => window.ran") is None
    assert page.evaluate(SIGNS) == []


def test_a_body_of_a_mebibyte_is_bounded(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    ada, ben = repo.shell(), repo.shell()
    ada.ok("coord start --name ada")
    ben.ok("coord start --name ben")
    (repo.home / "body").write_text("x" * LONG)
    ada.ok(f"coord send ben Long - < '{repo.home}/body'")
    opened(page, serve())
    sees(page, "Long", "#messages")
    assert page.evaluate("() => document.body.textContent.length") < 100_000
    size = page.evaluate("() => fetch('/api/moment').then((it) => it.text()).then((it) => it.length)")
    assert size < 100_000


def test_10000_messages_are_bounded(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    ada = repo.shell()
    session = ada.start("--name ada")
    write_messages(repo, session, 10_000)
    opened(page, serve())
    sees(page, "number 9999", "#messages")
    assert page.evaluate("() => document.querySelectorAll('*').length") < 20_000
    print("elements:", page.evaluate("() => document.querySelectorAll('*').length"))
    document = page.evaluate("() => fetch('/api/moment').then((it) => it.text())")
    assert len(document) < 2_000_000
    assert len(json.loads(document)["messages"]) <= 1000


def write_messages(repo: Repo, session: str, count: int) -> None:
    """Append messages to everyone to the journal of a session."""
    journal = writer(repo.log, session)
    begin = from_micros(time.time_ns() // 1000)
    for number in range(count):
        payload = MessageSent(to=EVERYONE, subject=f"number {number}", body=MARKUP)
        at = add_time(begin, number / 1e6)
        journal.append(Event(v=VERSION, at=at, session=session, n=journal.n, payload=payload))
    journal.sync()
    journal.close()
