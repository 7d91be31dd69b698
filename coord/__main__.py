"""The entry point, also of `python -m coord`: Ctrl-C ends it quietly, even while it is still loading."""

import gc
import os
import sys

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from coord.guard.payload import HookCall

# A command makes many objects that stay: looking for garbage among them finds none and takes 8 % of its time.
gc.set_threshold(100_000)


def main() -> None:
    """Load and run the command, and end with its exit code."""
    try:
        code = _run()
        for stream in (sys.stdout, sys.stderr):
            try:  # noqa: SIM105 - `contextlib` would take as long to load as the guard to answer
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # there is none, or whoever read us has gone
    except KeyboardInterrupt:
        code = 130
    # All that was loaded is not taken apart first, module by module and object by object: a command would take a fifth
    # longer for nothing. What was acknowledged is on the disk; files are closed where they are used.
    os._exit(code)


def _run() -> int:
    if sys.argv[1:2] == ["hook"] and len(sys.argv) == 3:
        from coord.guard import entry
        from coord.guard.payload import client_named

        if client_named(sys.argv[2]):
            return entry.main(sys.argv[2], _respond)
    _load_msgspec()
    from coord.cli.main import run
    from coord.workspace.system import real_system

    code = run(sys.argv[1:], real_system())
    return 0 if sys.argv[1:2] == ["hook"] else code  # to a client, the code of a mistake would deny what its agent does


def _respond(call: "HookCall") -> tuple[int, str]:
    """Answer a hook's call on the full path."""
    _load_msgspec()
    from coord.hooks.dispatch import handle_call, write_to_client
    from coord.workspace.system import real_system

    return handle_call(real_system(), call, write_to_client)


def _load_msgspec() -> None:
    """Load msgspec as if `typing_extensions` were not installed: it takes nothing from there that `typing` lacks since
    Python 3.11, and a command takes 1.2 times as long with it.
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
