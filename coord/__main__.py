"""The entry point of `coord` and of `python -m coord`. Ctrl-C ends it without a traceback, even while modules load."""

import gc
import os
import sys

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from types import ModuleType

    from coord.guard.payload import HookCall

# A command makes many objects that it keeps. Garbage collection would find nothing to free, and take 8 % of the time.
gc.set_threshold(100_000)


def main() -> None:
    """Run the command, and exit with its code."""
    try:
        code = _run()
        for stream in (sys.stdout, sys.stderr):
            try:  # noqa: SIM105 - loading `contextlib` takes as long as an answer of the guard
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # there is no such stream, or nobody reads it any more
    except KeyboardInterrupt:
        code = 130
    # Python's normal exit destroys all modules and objects, which would make a command take a fifth longer. Nothing
    # depends on it: acknowledged events are on the disk, and files are closed where they are used.
    os._exit(code)


def _run() -> int:
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from coord.render.console.output import open_closed_streams

        open_closed_streams()
    if sys.argv[1:2] == ["hook"] and len(sys.argv) in (3, 4) and sys.argv[-1][:1] != "-":
        from coord.clients.client import client_named
        from coord.guard import entry

        if client_named(sys.argv[2]):
            return entry.main(sys.argv[2], _respond, *sys.argv[3:])
    _load_msgspec()
    from coord.cli.main import run
    from coord.workspace.system import real_system

    code = run(sys.argv[1:], real_system())
    return 0 if sys.argv[1:2] == ["hook"] else code  # a client takes a hook's code for wrong usage as a denial


def _respond(call: "HookCall") -> tuple[int, str]:
    """Answer a hook's call on the full path."""
    _load_msgspec()
    from coord.hooks.dispatch import handle_call, write_to_client
    from coord.workspace.system import real_system

    return handle_call(real_system(), call, write_to_client)


def _load_msgspec() -> None:
    """Load msgspec without the parts that coord does not use. A version that needs them is loaded completely.

    With all of it, a command takes 1.3 times as long. Meanwhile, stand-ins replace the modules that only other parts
    need. msgspec calls `ForwardRef` once, to find out what arguments it accepts; this does nothing then, because Python
    would create all classes of its syntax tree.
    """
    if "msgspec" in sys.modules:
        return
    from typing import ForwardRef  # msgspec loads `typing` anyway

    stand_ins = {name: module for name, module in _stand_ins().items() if name not in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type] # the import system's reference allows None
    real = ForwardRef.__init__
    ForwardRef.__init__ = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        import msgspec
    except (AttributeError, ImportError, TypeError):
        for name in [name for name in sys.modules if name.startswith("msgspec.")]:
            del sys.modules[name]
    finally:
        ForwardRef.__init__ = real  # type: ignore[method-assign]
        for name in stand_ins:
            sys.modules.pop(name, None)
    if "msgspec" not in sys.modules:
        import msgspec  # noqa: F401


def _stand_ins() -> "dict[str, ModuleType | None]":
    """Return the replacements of modules that msgspec imports, with what it takes from each."""
    from types import ModuleType

    unused = type("Unused", (), {"unknown": None})
    contents: dict[str, dict[str, object]] = {
        "uuid": {"UUID": unused, "SafeUUID": unused},
        "decimal": {"Decimal": unused},
        "msgspec.inspect": {},
        "msgspec._json_schema": {"schema": None, "schema_components": None},
        "msgspec.toml": {},
        "msgspec.yaml": {},
    }
    modules: dict[str, ModuleType | None] = {"typing_extensions": None}  # msgspec uses `typing` since Python 3.11
    for name, content in contents.items():
        modules[name] = module = ModuleType(name)
        vars(module).update(content)
    return modules


if __name__ == "__main__":
    main()
