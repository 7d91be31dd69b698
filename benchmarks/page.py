"""Measure the page in a real browser against its targets: `python -m benchmarks.page [--quick]`. It needs chromium.

A repository with a long history is served by `coord web`, and Debian's chromium opens it. The times are those that the
browser sees: until the board is there, until a moment of the past is drawn, and until an event is drawn after its time
in the log.
"""

import argparse
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.folders import Folder, prepare
from benchmarks.targets import Measured, print_measured
from eventlog.events import from_micros, to_micros
from tests.support.page_server import PageServer
from tests.support.repositories import Repo

FLAGS = ("--headless", "--disable-gpu", "--no-sandbox", "--disable-background-networking")
MIDDLE, LONG, QUICK = 100_000, 1_000_000, 20_000
_MOMENTS, _EVENTS, _IDLE_S = 50, 20, 10
_LOADED = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((each) => !each.name.includes("/api/"));
  return ["encodedBodySize", "decodedBodySize"].map((name) => all.reduce((sum, each) => sum + each[name], 0));
}"""
_SCRUB = """async (at) => {
  const begin = performance.now();
  const seen = new Promise((done) => {
    const observer = new PerformanceObserver((list) => {
      if (!list.getEntries().some((each) => decodeURIComponent(each.name).includes(at))) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(done, 0));
    });
    observer.observe({ type: "resource" });
  });
  location.hash = `#at=${encodeURIComponent(at)}`;
  await seen;
  return performance.now() - begin;
}"""
_WATCH = """(text) => {
  window.shownAt = new Promise((done) => {
    const look = () => {
      if (!document.querySelector("#board").textContent.includes(text)) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(Date.now()), 0));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.querySelector("#board"), { subtree: true, childList: true, characterData: true });
  });
}"""


@contextmanager
def served(folder: Folder) -> Iterator[PageServer]:
    """Serve the page of a folder."""
    repo = Repo(folder.root, folder.root / "home")
    server = PageServer(repo)
    try:
        yield server
    finally:
        server.stop()
        repo.close()


def opened(browser: Browser, server: PageServer) -> tuple[Page, float]:
    """Open the page, and return it and the milliseconds until it shows the board."""
    page = browser.new_context().new_page()
    begin = time.perf_counter()
    page.goto(server.address, wait_until="commit")
    page.wait_for_function("() => document.querySelectorAll('#board .line').length > 0", polling="raf", timeout=60_000)
    return page, 1000 * (time.perf_counter() - begin)


def measure_page(browser: Browser, folder: Folder) -> Iterator[Measured]:
    """Yield the rows that are measured with one folder."""
    with served(folder) as server:
        page, first_ms = opened(browser, server)
        sent, whole = page.evaluate(_LOADED)
        yield Measured("page without data, as sent", sent / 1000, "KB", 150, f"{whole / 1000:.0f} KB unpacked")
        yield Measured("first view", first_ms, "ms", 1500)
        first, last = (to_micros(folder.author.state.at) - back for back in (20 * 3_600_000_000, 0))
        chance = random.Random(19)
        moments = [from_micros(int(chance.uniform(first, last))) for _ in range(_MOMENTS)]
        scrubs = [page.evaluate(_SCRUB, at) for at in moments]
        yield Measured("scrub to a moment, median", statistics.median(scrubs), "ms", 100)
        yield Measured("scrub to a moment, slowest", max(scrubs), "ms")
        page.evaluate("() => { location.hash = ''; }")
        page.wait_for_timeout(1000)
        shown = [appended(page, folder, number) for number in range(_EVENTS)]
        yield Measured("event shown after its time, median", statistics.median(shown), "ms", 150)
        page.wait_for_timeout(2000)
        before = server.processor_s()
        time.sleep(_IDLE_S)
        used_ms = 1000 * (server.processor_s() - before)
        yield Measured(f"processor time in {_IDLE_S} s without events", used_ms, "ms", 0)


def appended(page: Page, folder: Folder, number: int) -> float:
    """Append an event, and return the milliseconds from its time until the page shows it."""
    resource = f"droplet/shown-{number}"
    page.evaluate(_WATCH, resource)
    folder.coord(folder.me, "claim", "droplet", f"shown-{number}", "1")
    shown_ms = page.evaluate("() => window.shownAt")
    lines = Path(folder.log, f"{folder.me}.jsonl").read_text().splitlines()
    line = next(line for line in reversed(lines) if resource in line)
    return float(shown_ms) - to_micros(line.partition('"at":"')[2].partition('"')[0]) / 1000


def memory(browser: Browser, folder: Folder) -> Measured:
    """Return the memory of the server after the page was opened and has shown some moments."""
    with served(folder) as server:
        page, _ = opened(browser, server)
        last = to_micros(folder.author.state.at)
        for back in (1, 60, 3600, 36_000):
            page.evaluate(_SCRUB, from_micros(last - back * 1_000_000))
        return Measured("memory of the server at most", server.memory_bytes("VmHWM") / (1 << 20), "MB", 120)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"use histories of only {QUICK:,} events")
    quick = parser.parse_args().quick
    middle, long = (QUICK, QUICK) if quick else (MIDDLE, LONG)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        folder = built(Path(base, "middle"), middle)
        rows += [replace(row, what=f"{row.what}, {middle:,} events") for row in measure_page(browser, folder)]
        folder = built(Path(base, "long"), long)
        row = memory(browser, folder)
        rows.append(replace(row, what=f"{row.what}, {long:,} events"))
        browser.close()
    print_measured(rows)


def built(root: Path, events: int) -> Folder:
    """Return a folder with this many events, whose caches are those of a folder in use."""
    folder = prepare(root, events)
    subprocess.run(["coord", "status"], cwd=root, env=folder.env, check=True, capture_output=True)
    return folder


if __name__ == "__main__":
    main()
