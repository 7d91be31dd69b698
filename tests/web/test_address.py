"""The view in the address of the page: links, the browser's history, and addresses that someone else wrote."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.web.fakes import WEB, FakeServer, moment

A, B = "2026-11-22T18:00:00.000000Z", "2026-11-22T19:30:00.500000Z"
EMPTY = {
    "at": "",
    "open": "",
    "filter": {"text": "", "sessions": [], "resources": []},
    "from": "",
    "to": "",
    "ended": False,
    "playing": 0,
}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "at=%00%1f&open=\u202e",
    "at=" + "9" * 5000,
    "at=%E0%A4%A",
    "&&&===%%%",
    "__proto__=1&constructor=2&at=__proto__",
    "from=2026-11-22T18:00:00.000000Z&to=2025-11-22T18:00:00.000000Z",
    "from=now&to=then",
    "&".join(f"session={n}" for n in range(5000)),
]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    server.moments = lambda at, _step: (
        moment("2026-11-22T20:00:00.000000Z", at)
        if "/" in at or "T" in at
        else {"error": {"code": 2, "message": f"'{at[:40]}' is not a time."}}
    )
    yield server
    server.kill()


@pytest.fixture
def opened(page: Page, server: FakeServer) -> Page:
    page.goto(server.address)
    expect(page.locator("#folder")).to_have_text("shop")
    return page


def run(page: Page, code: str, argument: Any = None) -> Any:
    return page.evaluate(f"async data => {{ const a = await import('/static/core/address.js'); {code} }}", argument)


def random_view(rng: random.Random) -> dict[str, Any]:
    texts = ["", "src/app.py", "a&b=c#d", "müde ✓ +%20", "amber-otter-k3f9/17", "'\"<b>", "a,b;c"]

    def some() -> list[str]:
        return rng.sample(texts[1:], rng.randrange(4))

    span = rng.choice([("", ""), (A, B)])
    return {
        "at": rng.choice(["", A, "amber-otter-k3f9/17"]),
        "open": rng.choice(texts),
        "filter": {"text": rng.choice(texts), "sessions": some(), "resources": some()},
        "from": span[0],
        "to": span[1],
        "ended": rng.random() < 0.5,
        "playing": 0,
    }


def test_a_view_survives_its_address(opened: Page) -> None:
    rng = random.Random(1)
    views = [EMPTY, *(random_view(rng) for _ in range(200))]
    assert run(opened, "return data.map(view => a.parse(a.write(view)))", views) == views
    assert run(opened, "return a.write(data)", EMPTY) == ""


def test_addresses_that_someone_else_wrote_are_harmless(page: Page, server: FakeServer) -> None:
    page.on("dialog", lambda _dialog: pytest.fail("a script ran"))
    for text in HOSTILE:
        page.goto("about:blank")
        page.goto(f"{server.address}#{text}")
        expect(page.locator("#folder")).to_have_text("shop")
        view = run(page, "return a.parse(location.hash)")
        assert len(json.dumps(view)) < 20_000
        assert not view["from"]
        page.locator("body").press("l")
        expect(page.locator("#now [role=status]")).to_contain_text("Live")


def test_a_random_address_gives_a_view_that_can_be_written(opened: Page) -> None:
    rng = random.Random(2)
    names = ["at", "open", "filter", "session", "resource", "from", "to", "ended", "key", "x"]
    texts = [
        "".join(
            chr(rng.choice([rng.randrange(1, 128), rng.randrange(0x2000, 0x2100)])) for _ in range(rng.randrange(30))
        )
        for _ in range(300)
    ]
    hashes = [
        "#"
        + "&".join(
            f"{rng.choice(names)}={quote(text) if rng.random() < 0.5 else text}" for text in rng.sample(texts, 4)
        )
        for _ in range(150)
    ]
    views = run(opened, "return data.map(hash => a.parse(hash))", hashes)
    assert run(opened, "return data.map(view => a.parse(a.write(view)))", views) == views


def test_the_key_does_not_stay_in_the_address(page: Page, server: FakeServer) -> None:
    page.goto(f"{server.address}#key=secret&at=s-1/4")
    expect(page.locator("#now [role=status]")).to_contain_text("20:00:00")
    assert page.evaluate("location.hash") == "#at=s-1/4"
    page.evaluate("location.hash = '#key=secret'")
    page.wait_for_url(server.address)
    page.go_back()
    assert "secret" not in page.url


def test_open_things_and_times_are_entries_of_the_history(opened: Page) -> None:
    opened.evaluate("""async () => {
        const { createStore } = await import('/static/core/store.js');
        const { mount } = await import('/static/core/address.js');
        window.store = createStore();
        mount(window.store);
    }""")

    def pause() -> None:
        opened.wait_for_timeout(350)

    length = opened.evaluate("history.length")
    for patch in ({"open": "src/app.py"}, {"at": A}, {"open": ""}):
        opened.evaluate("patch => store.setView(patch)", patch)
        pause()
    for n in range(10, 40):
        opened.evaluate("at => store.setView({at}, {continuous: true})", f"2026-11-22T18:{n}:00.000000Z")
    pause()
    for text in ("a", "al", "alp"):
        opened.evaluate("text => store.setView({filter: {text, sessions: [], resources: []}})", text)
    opened.evaluate("span => store.setView({from: span[0], to: span[1]})", [A, B])
    pause()
    assert opened.evaluate("history.length") == length + 5
    assert opened.evaluate("location.hash") == f"#at=2026-11-22T18:39:00.000000Z&filter=alp&from={A}&to={B}"
    opened.go_back()
    assert opened.evaluate("store.view.at") == "2026-11-22T18:39:00.000000Z"
    assert opened.evaluate("store.view.filter.text") == ""
    opened.go_back()
    assert opened.evaluate("[store.view.at, store.view.open]") == [A, ""]
    opened.go_back()
    opened.go_back()
    assert opened.evaluate("[store.view.at, store.view.open]") == ["", "src/app.py"]


def test_a_time_in_words_becomes_an_instant(page: Page, server: FakeServer) -> None:
    server.moments = lambda at, _step: moment(A) if at == "-90m" else {"error": {"code": 2, "message": "no"}}
    page.goto(f"{server.address}#at=-90m")
    page.wait_for_url(f"**/#at={A}")
    assert server.asked == ["at=-90m"]


def test_the_address_works_in_a_file(page: Page, tmp_path: Path) -> None:
    """An exported page has one script without modules from a server; here the modules are joined by hand."""
    modules = "".join(
        (WEB / "static" / "core" / name).read_text() for name in ("format.js", "timeline.js", "store.js", "address.js")
    )
    lines = [
        line.removeprefix("export ") for line in modules.splitlines() if not line.startswith(("import", "export {"))
    ]
    script = "\n".join(lines).replace("export ", "")
    file = tmp_path / "night.html"
    file.write_text(
        f"<!doctype html><title>x</title><script>{script}\nwindow.store = createStore(); mount(window.store);</script>"
    )
    page.goto(f"{file.as_uri()}#at=s-1/4")
    assert page.evaluate("store.view.at") == "s-1/4"
    page.evaluate("store.setView({open: 'src/app.py'})")
    assert page.url.endswith("#at=s-1/4&open=src/app.py")
    page.go_back()
    page.wait_for_function("store.view.open === ''")
    page.evaluate("store.setView({at: ''})")
    page.wait_for_function("location.hash === ''")
