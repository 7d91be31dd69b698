"""The entry point, also of `python -m coord`: Ctrl-C ends it quietly, even while it is still loading."""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coord import guard

gc.set_threshold(100_000)  # a command makes many objects that stay, and looking through them finds nothing


def main() -> None:
    """Load and run the command."""
    try:
        if sys.argv[1:] == ["hook"]:
            from coord import guard

            sys.exit(guard.main(_take))
        _load_msgspec()
        from coord.cli import main as run_command

        run_command()
    except KeyboardInterrupt:
        os._exit(130)


def _take(write: "guard.Write") -> "tuple[str, list[Any]]":
    """The long way of the guard."""
    _load_msgspec()
    from coord.guarding import take
    from coord.world import real_world

    return take(real_world(), write)


def _load_msgspec() -> None:
    """Load msgspec as if `typing_extensions` were not installed: it takes nothing from there that `typing` lacks since
    Python 3.11, and a sixth of a command's time went into it.
    """
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment] # so says the import system's reference
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


if __name__ == "__main__":
    main()
