"""Try all mutants, or those whose names contain one of the given parts, and print which ones the tests notice.

`--copy FOLDER` only makes the copy of the program, for a tool that makes mutants of its own.
"""

import sys
import tempfile
from pathlib import Path

from tests.mutants.table import MUTANTS
from tests.mutants.tree import Tree


def main(parts: list[str]) -> int:
    """Try mutants; the number of those that no test noticed."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder) / "tree")
        for mutant in MUTANTS:
            if any(part in mutant.name for part in parts or [""]):
                outcome = tree.attempt(mutant)
                survivors += not outcome.noticed
                print("noticed " if outcome.noticed else "SURVIVED", mutant.name, flush=True)
                if not outcome.noticed:
                    print(outcome.out)
        tree.close()
    return survivors


if __name__ == "__main__":
    if sys.argv[1:2] == ["--copy"]:
        Tree(Path(sys.argv[2]))
    else:
        sys.exit(min(main(sys.argv[1:]), 1))
