"""The long way of the guard: catch up, decide under the lock, and write down what is to be written down.

A file's first write claims it: bound to the worktree, and for a while only, which later writes renew.
"""

from typing import Any

from coord.config import read_config
from coord.folder import find
from coord.guard import Write, ask_of, decide
from coord.identity import Identity
from coord.indexing import rows_of
from coord.names import by_conversation
from coord.transaction import Moment, transact
from coord.world import World
from eventlog.events import ClaimRequested, to_micros

TTL_S = 1200  # of an automatic claim


def take(world: World, write: Write) -> tuple[str, list[Any]]:
    """What `coord.guard.decide` says to a write; what is allowed is claimed. Raises CoordError."""
    place = find(world.at(write.directory), None)
    config = read_config(place)

    def who(moment: Moment) -> Identity:
        session = by_conversation(moment.state, (write.conversation,))
        name = session.id if session else ""
        return Identity(name, "the hook's input", write.agent, "claude-code", write.conversation)

    def act(moment: Moment) -> tuple[str, list[Any]]:
        rows, ask = rows_of(moment.state), ask_of(write, moment.me.session)
        moment.outdated = True  # else the index would have said it
        word, found = decide(rows, ask, to_micros(moment.at))
        if word == "claim":
            asked = ClaimRequested(
                resource=write.resource,
                mode="exclusive",
                ttl_s=TTL_S,
                agent=write.agent,
                worktree=write.worktree,
                automatic=True,
                told="granted",
            )
            moment.append(asked)
        return word, found

    return transact(world, place, config, act, who, []).value
