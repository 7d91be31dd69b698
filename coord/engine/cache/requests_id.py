"""A random id of the claims and the waiting requests in a state.

They get an id when a checkpoint is saved, and a new one after they have changed. So states with the same id have the
same claims and requests, and what was derived from one of them is valid for the others.
"""

import os

from projections.rules.claims import INDEX
from projections.rules.state import State

_ID = "_requests_id"  # an attribute of a state, like its index


def set_id(state: State, requests_id: str) -> None:
    """Set the id with which a state was saved; empty if it has none."""
    state.__dict__[_ID] = requests_id


def id_of(state: State) -> str:
    """Return the id of the claims and requests in a state; empty if they have none or have changed."""
    index = state.__dict__.get(INDEX)  # they change only through it
    known: str = state.__dict__.get(_ID, "")
    return "" if index and index.changed else known


def kept_or_new_id(state: State) -> str:
    """Return the id with which to save a state."""
    if not id_of(state):
        set_id(state, os.urandom(8).hex())
        if index := state.__dict__.get(INDEX):
            index.forget_changes()
    return id_of(state)
