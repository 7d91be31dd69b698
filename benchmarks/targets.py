"""A table of measurements with their targets, for the benchmarks of the page."""

from collections.abc import Sequence

from msgspec import Struct


class Measured(Struct, frozen=True):
    """One row: what was measured, the value with its unit, and the largest value that meets the target, if any."""

    what: str
    value: float
    unit: str
    most: float | None = None
    remark: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the value meets the target. Without a target, every value does."""
        return self.most is None or self.value <= self.most


def print_measured(rows: Sequence[Measured]) -> None:
    """Print what was measured, the target, and whether it is met."""
    width = max(len(row.what) for row in rows)
    print(f"{'':<{width}}  {'measured':>12}  {'target':>12}")
    for row in rows:
        target = "" if row.most is None else f"{row.most:,g} {row.unit}"
        verdict = "" if row.most is None else "met" if row.is_met else "NOT MET"
        shown = f"{row.what:<{width}}  {_number(row.value)} {row.unit:<3}  {target:>12}  {verdict:<7}  {row.remark}"
        print(shown.rstrip())


def _number(value: float) -> str:
    return f"{value:>8,.2f}" if value < 10 else f"{value:>8,.0f}"
