"""Measure what coord costs and compare it with its targets. One run measures everything, on seeded histories.

On a machine that also does other work, only the ratios are meaningful, and only together with their quartiles.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.commands import measure
from benchmarks.inside import appending, catching_up, replaying, replaying_each
from benchmarks.picture import cost_svg
from benchmarks.report import about, document, table
from benchmarks.rows import SHORT, WHOLE, summarize
from benchmarks.series import Place, places, prepare_all, series
from benchmarks.serving import serving
from benchmarks.together import SENDS, together, waiting
from coord.render.console.progress import ProgressBar

LONG, QUICK = 1_000_000, 20_000
PLOTS = {
    "events in the log": "events",
    "sessions that ended": "sessions",
    "live sessions": "live",
    "active claims, a quarter of them patterns": "claims",
}  # the name of the plot of each series


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"use long histories of only {QUICK:,} events, and few rounds"
    )
    parser.add_argument("--rounds", type=int, help="rounds of whole processes (default: 21, or 5 with --quick)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to FILE as JSON")
    parser.add_argument("--plots", metavar="FOLDER", help="write plots of cost against what grows to FOLDER as SVG")
    args = parser.parse_args()
    long, rounds = (QUICK, args.rounds or 5) if args.quick else (LONG, args.rounds or 21)
    lines, more = series(long) if args.plots else ([], {})
    wanted = places(long) | {"crowd at once": Place(SHORT), "tenth": Place(long // 10)} | more
    few = max(3, rounds // 4)
    bar = ProgressBar("measuring", len(wanted) + rounds + 1 + 6 * few + 2, quiet_s=0)
    try:
        with tempfile.TemporaryDirectory(prefix="coord-bench-") as base, ExitStack() as processes:
            folders = prepare_all(Path(base), wanted, processes, bar.step)
            at_once, tenth = folders.pop("crowd at once"), folders.pop("tenth")
            measured = measure(folders, lines, rounds, bar.step)
            samples = measured.samples
            samples |= serving(folders["short"], few, bar.step)
            samples |= waiting(folders["short"], few, bar.step)
            samples |= together(at_once, 1 if args.quick else 2, SENDS // 10 if args.quick else SENDS, bar.step)
            samples |= appending(Path(base, "append"), few, bar.step)
            samples |= replaying_each(folders["long"], tenth, folders["ended"], folders["crowd"], few, bar.step)
            samples |= catching_up(folders["short"], folders["ended"], few, bar.step)
            samples |= replaying(folders["long"], long, few, bar.step)
    finally:
        bar.close()
    summaries = summarize(samples, measured.missing)
    facts = about(long, rounds, measured.bases_ms)
    bases = ", ".join(f"{name} = {ms:.1f} ms" for name, ms in measured.bases_ms.items())
    print(f"{rounds} rounds; {bases}; medians and quartiles\n\n{table(summaries, long)}")
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(document(facts, summaries, measured.curves), indent=1) + "\n")
    target = next(row.most for row in WHOLE if row.name == "heartbeat" and row.size == "long")
    for curves in measured.curves:
        Path(args.plots, f"cost-{PLOTS[curves.grows]}.svg").write_text(cost_svg(curves, target))


if __name__ == "__main__":
    main()
