"""Measure the lanes of the page in a browser: `python -m benchmarks.lanes [--sessions 200] [--claims 5000]`.

A seeded timeline is panned, zoomed and scrolled for some hundred frames. Each row gives the time to draw a frame
(`performance.now` around the drawing, with placing the lanes) and the interval between the frames of the browser, which
has no graphics processor here. The target is 50 ms a frame.
"""

import argparse
import shutil
from statistics import quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.web.lanes_page import instant, open_lanes, random_tables, serve_static, timeline_of

_TARGET_MS, _FRAMES, _MINUTES = 50, 240, 600.0
_FLAGS = "--headless --disable-gpu --no-sandbox --no-first-run".split()
_RUN = """([frames, step]) => new Promise((done) => {
  const { state } = lanes, canvas = document.querySelector(".lanes-view canvas"), box = canvas.getBoundingClientRect();
  const scroller = document.querySelector(".lanes-view"), draws = [], intervals = [];
  const wheel = (more) => canvas.dispatchEvent(new WheelEvent("wheel", {
    clientX: box.left + 700, clientY: box.top + 100, cancelable: true, bubbles: true, ...more }));
  const steps = {
    pan: (n) => wheel({ deltaX: n % 120 < 60 ? -40 : 40 }),
    zoom: (n) => wheel({ ctrlKey: true, deltaY: n % 80 < 40 ? -12 : 12 }),
    scroll: (n) => { scroller.scrollTop = (n * 60) % (scroller.scrollHeight - scroller.clientHeight); },
  };
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => ask((now) => {
    const start = performance.now();
    draw(now);
    draws.push(performance.now() - start);
  });
  let before = 0, n = 0;
  const next = (now) => {
    if (before) intervals.push(now - before);
    before = now;
    steps[step](n);
    n += 1;
    if (n <= frames) return ask(next);
    window.requestAnimationFrame = ask;
    done({ draws, intervals });
  };
  ask(next);
})"""
_UPDATE = """(tables) => {
  const taken = [];
  for (const [key, row] of Object.entries(tables.bars).slice(0, 100)) {
    const start = performance.now();
    store.receive({ timeline: { until: store.timeline.until, tables: { bars: { [key]: { ...row } } } } });
    taken.push(performance.now() - start);
  }
  return taken;
}"""

_TAKE = """(timeline) => {
  const start = performance.now();
  store.receive({ timeline });
  return performance.now() - start;
}"""


def _row(name: str, taken: list[float]) -> str:
    low, median, high = quantiles(taken, n=4, method="inclusive")
    worst, late = max(taken), quantiles(taken, n=20, method="inclusive")[18]
    verdict = "met" if late < _TARGET_MS else "NOT MET"
    return f"{name:<44} {median:8.2f}  {low:6.2f} .. {high:6.2f} {late:8.2f} {worst:8.2f}  {verdict}"


def _measure(page: Page, tables: dict[str, Any], address: str) -> None:
    document = timeline_of(tables, _MINUTES)
    for name, view in (("all", {}), ("one hour", {"from": instant(300), "to": instant(360)})):
        for ended in (False, True):
            open_lanes(page, address, document, view | {"ended": ended})
            for step in ("pan", "zoom", "scroll"):
                taken = page.evaluate(_RUN, [_FRAMES, step])
                shown = f"{step}, {name}{', with ended sessions' if ended else ''}"
                print(_row(f"{shown}: draw", taken["draws"]))
                print(_row(f"{shown}: interval", taken["intervals"]))
    open_lanes(page, address, document)
    print(_row("one changed claim: take it and place lanes", page.evaluate(_UPDATE, tables)))
    first = page.evaluate(_TAKE, document)
    print(f"{'all rows at once: take them and place lanes':<44} {first:8.2f}")


def main() -> None:
    """Measure, and print a table in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lanes", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--claims", type=int, default=5000)
    parser.add_argument("--ratio", type=float, default=1, help="pixels of the screen for each pixel of the page")
    args = parser.parse_args()
    tables = random_tables(1, args.sessions, args.claims, _MINUTES)
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    head = f"{args.sessions} sessions, {args.claims} claims; ms"
    with serve_static() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, device_scale_factor=args.ratio)
        print(f"{head:<44} {'median':>8}  {'quartiles':>16} {'95 %':>8} {'worst':>8}  target {_TARGET_MS}")
        _measure(page, tables, address)
        browser.close()


if __name__ == "__main__":
    main()
