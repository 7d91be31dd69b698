"""Measure what coord costs and compare it with its targets. One run measures everything, on seeded histories.

On a machine that also does other work, only the ratios are meaningful, and only together with their quartiles.
"""

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.commands import measure
from benchmarks.folders import prepare
from benchmarks.inside import appending, catching_up, replaying
from benchmarks.picture import cost_svg
from benchmarks.report import about, document, table
from benchmarks.rows import SHORT, WHOLE, summarize
from benchmarks.together import SENDS, together, waiting
from coord.render.console.progress import ProgressBar

LONG, QUICK = 1_000_000, 20_000
_BETWEEN = (10_000, 100_000)  # events of further histories, for the curves


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"use a long history of only {QUICK:,} events, and few rounds"
    )
    parser.add_argument("--archived", action="store_true", help="archive the journals of ended sessions first")
    parser.add_argument("--rounds", type=int, help="rounds of whole processes (default: 21, or 5 with --quick)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to FILE as JSON")
    parser.add_argument("--plot", metavar="FILE", help="write a plot of cost against history length to FILE as SVG")
    args = parser.parse_args()
    long, rounds = (QUICK, args.rounds or 5) if args.quick else (LONG, args.rounds or 21)
    lengths = {"short": SHORT, "long": long}
    if args.plot:
        lengths |= {f"{events}": events for events in _BETWEEN if SHORT < events < long}
    few = max(3, rounds // 4)
    bar = ProgressBar("measuring", len(lengths) + 1 + rounds + 1 + 4 * few + 2, quiet_s=0)
    try:
        with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
            folders = {}
            for name, events in lengths.items():
                folders[name] = prepare(Path(base, name), events, archived=args.archived)
                bar.step()
            crowd = prepare(Path(base, "crowd"), SHORT)
            bar.step()
            measured = measure(folders, lengths, rounds, bar.step)
            samples = measured.samples
            samples |= waiting(folders["short"], few, bar.step)
            samples |= together(crowd, 1 if args.quick else 2, SENDS // 10 if args.quick else SENDS, bar.step)
            samples |= appending(Path(base, "append"), few, bar.step)
            samples |= catching_up(folders["short"], folders["long"], few, bar.step)
            samples |= replaying(folders["long"], long, few, bar.step)
    finally:
        bar.close()
    summaries = summarize(samples, measured.missing)
    facts = about(long, rounds, measured.bases_ms) | {"archived": args.archived}
    bases = ", ".join(f"{name} = {ms:.1f} ms" for name, ms in measured.bases_ms.items())
    print(f"{rounds} rounds; {bases}; medians and quartiles\n\n{table(summaries, long)}")
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(document(facts, summaries, measured.curves), indent=1) + "\n")
    if args.plot:
        target = next(row.most for row in WHOLE if row.name == "heartbeat" and row.size == "long")
        Path(args.plot).write_text(cost_svg(measured.curves, target))


if __name__ == "__main__":
    main()
