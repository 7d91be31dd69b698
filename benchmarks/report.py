"""The results as a table and as a JSON document."""

import os
import platform
from importlib.metadata import version

import msgspec

from benchmarks.commands import Curves
from benchmarks.history import SEED, SESSIONS
from benchmarks.rows import SHORT, Summary


def about(long: int, rounds: int, bases_ms: dict[str, float]) -> dict[str, object]:
    """Return the conditions of the measurement: machine, versions, histories and rounds."""
    return {
        "events": {"short": SHORT, "long": long},
        "live_sessions": SESSIONS,
        "rounds": rounds,
        "seed": SEED,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processors": os.cpu_count(),
        "msgspec": version("msgspec"),
        "click": version("click"),
        "bases_ms": {name: round(ms, 2) for name, ms in bases_ms.items()},
    }


def table(summaries: list[Summary], long: int) -> str:
    """Return the rows as text in columns."""
    folders = {"short": f"{SHORT:,}", "long": f"{long:,}", "": ""}
    head = ("", "history", "median", "quartiles", "target", "")
    cells = [head] + [
        (
            summary.row.name,
            folders.get(summary.row.size, summary.row.size),
            "-" if summary.missing else f"{_number(summary.median)} {summary.row.unit}",
            "-" if summary.missing else f"{_number(summary.low)} .. {_number(summary.high)}",
            f"<= {summary.row.most:g}",
            summary.missing or ("met" if summary.met else "NOT MET"),
        )
        for summary in summaries
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head) - 1)]
    lines = ["  ".join([*(_align(cell, widths[i], i) for i, cell in enumerate(row[:-1])), row[-1]]) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _align(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def document(facts: dict[str, object], summaries: list[Summary], curves: list[Curves]) -> dict[str, object]:
    """Return all results as a JSON document."""
    rows = [
        {
            "row": summary.row.name,
            "history": summary.row.size,
            "unit": summary.row.unit,
            "target": summary.row.most,
            "met": summary.met,
            **({"missing": summary.missing} if summary.missing else {}),
            **({} if summary.missing else _numbers(summary)),
        }
        for summary in summaries
    ]
    return {"about": facts, "rows": rows, "curves_in_L": msgspec.to_builtins(curves, str_keys=True)}


def _numbers(summary: Summary) -> dict[str, float]:
    numbers = {"median": summary.median, "first_quartile": summary.low, "third_quartile": summary.high}
    return {"rounds": summary.rounds, **{name: round(value, 4) for name, value in numbers.items()}}
