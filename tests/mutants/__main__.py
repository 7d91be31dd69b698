"""Try the mutants whose names have one of the given parts, or all, and say which the tests notice.

`--copy FOLDER` only makes the copy in which they are tried, for a tool that makes mutants of its own.
"""

import sys
import tempfile
from pathlib import Path

from tests.mutants.mutant import Tree, killed
from tests.mutants.table import MUTANTS


def main(parts: list[str]) -> int:
    """The number of those that nothing noticed."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder) / "tree")
        for number, mutant in enumerate(MUTANTS):
            if any(part in mutant.name for part in parts or [""]):
                outcome = tree.attempt(mutant, number)
                survivors += not killed(mutant, outcome)
                print("killed  " if killed(mutant, outcome) else "SURVIVED", mutant.name, flush=True)
                if not killed(mutant, outcome):
                    print(outcome.out)
        tree.close()
    return survivors


if __name__ == "__main__":
    if sys.argv[1:2] == ["--copy"]:
        Tree(Path(sys.argv[2]))
    else:
        sys.exit(min(main(sys.argv[1:]), 1))
