"""Folded states, to be compared byte by byte."""

import msgspec

from projections.rules.state import State


def image(state: State) -> tuple[bytes, list[str], list[str]]:
    """A state as bytes, and the orders that the bytes do not show."""
    return msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)
