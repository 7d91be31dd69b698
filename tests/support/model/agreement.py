"""Compare a folded state with the reference model."""

import json
from functools import cache
from typing import Any

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import Event, to_micros
from projections.rules.state import State
from tests.support.model.reference_model import Model

micros = cache(to_micros)


def as_json(event: Event) -> dict[str, Any]:
    """An event as plain JSON, like its line in a journal."""
    line: dict[str, Any] = json.loads(encode_line(event, NO_HASH)[0])
    return line


def assert_agree(state: State, model: Model, about: object) -> None:
    """Check that claims, queue, sessions, unread messages and notices are equal. `about` is shown if they are not."""
    claims = [
        (c.id, c.session, c.agent, c.resource, c.mode, c.worktree, c.token, micros(c.expires_at), c.accept_by != "")
        for c in state.claims.values()
    ]
    held = [
        (a.id, a.session, a.agent, a.resource, a.mode, a.worktree, a.token, a.ends, a.accept_by != 0)
        for a in model.held
    ]
    assert claims == held, about
    assert [micros(c.ends_at) for c in state.claims.values()] == [claim.due for claim in model.held], about
    waits = [(wait.id, wait.session, wait.agent, micros(wait.until)) for wait in state.waits.values()]
    assert waits == [(wait.id, wait.session, wait.agent, wait.ends) for wait in model.queue], about
    sessions = {
        name: (one.status, one.unread, [(notice.kind, notice.id) for notice in one.notices])
        for name, one in state.sessions.items()
    }
    assert sessions == {name: (one.status, one.unread, one.notices) for name, one in model.sessions.items()}, about
