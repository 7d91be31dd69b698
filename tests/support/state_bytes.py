"""Folded states as bytes: to compare them, and to copy them."""

import msgspec

from projections.rules.state import State


def image(state: State) -> tuple[bytes, list[str], list[str]]:
    """A state as bytes, and the orders of its waits and claims, which the bytes do not contain."""
    return msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)


def saved_and_loaded(state: State) -> State:
    """A copy of a state, encoded and decoded like the state in a checkpoint."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
