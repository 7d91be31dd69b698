"""What was measured, for people and for programs."""

import os
import platform
from importlib.metadata import version

from benchmarks.history import SEED, SESSIONS
from benchmarks.rows import SHORT, Summary


def about(long: int, rounds: int, bases_ms: dict[str, float]) -> dict[str, object]:
    """In which circumstances it was measured."""
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
    """The rows as text, in columns."""
    lengths = {"short": f"{SHORT:,}", "long": f"{long:,}", "": ""}
    head = ("", "events", "median", "quartiles", "target", "")
    cells = [head] + [
        (
            one.row.name,
            lengths[one.row.size],
            "-" if one.missing else f"{_number(one.median)} {one.row.unit}",
            "-" if one.missing else f"{_number(one.low)} .. {_number(one.high)}",
            f"<= {one.row.most:g}",
            one.missing or ("met" if one.met else "NOT MET"),
        )
        for one in summaries
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head) - 1)]
    lines = ["  ".join([*(_put(cell, widths[i], i) for i, cell in enumerate(row[:-1])), row[-1]]) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _put(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def document(
    facts: dict[str, object], summaries: list[Summary], curves: dict[str, dict[int, list[float]]]
) -> dict[str, object]:
    """All of it, as JSON has it."""
    rows = [
        {
            "row": one.row.name,
            "history": one.row.size,
            "unit": one.row.unit,
            "target": one.row.most,
            "met": one.met,
            **({"missing": one.missing} if one.missing else {}),
            **({} if one.missing else _numbers(one)),
        }
        for one in summaries
    ]
    lines = {name: {f"{length}": values for length, values in line.items()} for name, line in curves.items()}
    return {"about": facts, "rows": rows, "cost_by_length_in_L": lines}


def _numbers(one: Summary) -> dict[str, float]:
    numbers = {"median": one.median, "first_quartile": one.low, "third_quartile": one.high}
    return {"rounds": one.rounds, **{name: round(value, 4) for name, value in numbers.items()}}
