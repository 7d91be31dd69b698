"""The entry point, also of `python -m coord`: Ctrl-C ends it quietly, even while it is still loading."""

import os


def main() -> None:
    """Load and run the command."""
    try:
        from coord.cli import main as run_command

        run_command()
    except KeyboardInterrupt:
        os._exit(130)


if __name__ == "__main__":
    main()
