"""`coord doctor --prove`: prove for each client that its hooks deny a write, and print the results."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec

from coord.admin.prove.attempt import RUN_S
from coord.admin.prove.proof import Proof, Prover, prove
from coord.cli.commands.admin._steps import step_lines
from coord.clients.client import Client
from coord.clients.registry import CLIENTS, clients_in
from coord.engine.run import Run
from coord.errors import REFUSED, CoordError, refused, usage_error
from coord.render.format import line

_SYMBOLS = {"denied": "✅", "not_asked": "🔴", "ignored": "🔴", "not_tried": "🟡"}
_HEADLINES = {
    "denied": "the guard works, the write was denied",
    "not_asked": "not asked",
    "ignored": "asked and ignored",
    "not_tried": "not tried",
}
_HOOK_ALONE = {"denied": "its hook denies the write"}  # the client was not run


def prove_clients(run: Run, name: str, *, hook_only: bool, yes: bool) -> None:
    """Prove it for the named client, or for all whose hooks are installed. Raises CoordError (1) unless every write was
    denied.
    """
    prover = Prover(run.system, run.workspace, run.config)
    run.read_state()  # hooks cannot use a log that this cannot use
    clients = _chosen(prover, name)
    runs = [client for client in clients if not hook_only and prover.program(client)]
    if runs:
        _check_permission(run, runs, name, yes)
    proofs = []
    with _cleaned_up():
        for client in clients:
            if client in runs:
                run.note(f"{client.title} is asked to write a file in a scratch folder; it has {RUN_S / 60:g} minutes")
            proofs.append(prove(prover, client, hook_only=hook_only))
    data = {"folder": run.workspace.folder, "proofs": [msgspec.to_builtins(proof) for proof in proofs]}
    run.say("\n\n".join("\n".join(_lines(proof)) for proof in proofs), data)
    if not all(proof.result == "denied" for proof in proofs):
        raise CoordError(REFUSED, "")


@contextmanager
def _cleaned_up() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block by an exception, as Ctrl-C does: its `finally` clauses end the client, which
    would continue to use its model, and delete the scratch folder.
    """
    caught: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        if caught:
            raise CoordError(128 + caught[0], "") from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _chosen(prover: Prover, name: str) -> list[Client]:
    """Return the clients to try. Raises CoordError (1 or 2) if there is none."""
    if name:
        found = [client for client in CLIENTS if client.word == name]
        if not found:
            words = ", ".join(client.word for client in CLIENTS)
            raise usage_error(f"{name[:40]!r} is not a client. Choose one of {words}.")
        return found
    if found := prover.installed():
        return found
    raise refused("no client has coord's hooks here. Nothing was tried. To install them: coord install CLIENT")


def _check_permission(run: Run, clients: list[Client], name: str, yes: bool) -> None:
    """Ask the user at the terminal whether the clients may be run, unless they have said so. Raises CoordError if not.

    An agent may run `coord doctor` without asking its user, so it must not start other agents with it.
    """
    word = f" {name}" if name else ""
    hook_only = f"To call only the hooks, without a model: coord doctor --prove{word} --hook-only"
    by_person = run.system.has_terminal() and not run.json
    if clients_in(run.system.env) and not run.system.has_terminal():
        raise refused(
            f"an agent cannot start another one to prove this. Nothing was tried. {hook_only}. "
            f"In a terminal of your own: coord doctor --prove{word}"
        )
    if yes:
        return
    titles = " and ".join(client.title for client in clients)
    whose = "its model" if len(clients) == 1 else "their models"
    costs = f"{titles} will run here and ask {whose} once or twice, which can cost money"
    if not by_person:
        raise usage_error(f"{costs}. Nothing was tried. To allow that: coord doctor --prove{word} --yes. {hook_only}")
    sys.stderr.write(f"{costs}. Continue? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise refused(f"nothing was tried. {hook_only}")


def _lines(proof: Proof) -> Iterator[str]:
    headline = (_HOOK_ALONE if proof.hook else _HEADLINES).get(proof.result, _HEADLINES[proof.result])
    if proof.not_run:
        headline += f" (its hook {'denies' if proof.hook == 'denied' else 'does not deny'})"
    broken = proof.hook in ("not_asked", "ignored")
    yield f"{'🔴' if broken else _SYMBOLS[proof.result]} {proof.title}: {headline}"
    if proof.not_run:
        yield f"   {line(proof.not_run, 400)}"
    yield f"   {line(proof.evidence, 500)}"
    for step in proof.do:
        yield from step_lines(step)
