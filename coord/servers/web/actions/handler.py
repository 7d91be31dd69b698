"""Answer the page's requests about an action: what it will do, and then what it did.

Actions are done one at a time. Each runs a command, which applies the rules, takes the lock and writes the messages.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from coord.engine.board import find_deaths
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError, from_os_error
from coord.servers.web.actions.commands import run_all
from coord.servers.web.actions.context import ActionContext
from coord.servers.web.actions.effects import effect_of
from coord.servers.web.actions.person import PersonSession
from coord.servers.web.actions.table import Action, Field, Fields, Request, checked, checked_seen
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.fold import as_of
from projections.rules.state import State

T = TypeVar("T")
READ_ONLY = "this page is read-only, because it was started with --read-only. Nothing was done."


class ActionHandler:
    """Answers the routes /api/effect and /api/act. `close` ends the person's session."""

    def __init__(self, system: System, workspace: Workspace, *, read_only: bool = False, session: str = "") -> None:
        self._system, self._workspace, self.read_only = system, workspace, read_only
        self.person = PersonSession(system, workspace, session)
        self._one_at_a_time = asyncio.Lock()

    async def effect(self, document: object) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer to `{"action", "fields"}`: the form of the action, and what it will do."""
        return await self._answered(lambda: self._effect(document))

    async def act(self, document: object) -> tuple[int, dict[str, Any]]:
        """Do the action of `{"action", "fields"}`, in which `fields.seen` is that of the effect that was shown.

        Return the status, and the command's exit code, text, notes and error.
        """
        return await self._answered(lambda: asyncio.shield(self._act(document)))

    def session_in(self, state: State) -> str:
        """Return the session whose messages are for the person, or "" if there is none or it cannot be determined."""
        try:
            return self.person.find_or_earlier(state)
        except CoordError:
            return ""

    def close(self) -> None:
        """End the person's session, if the page began it."""
        self.person.end()

    async def _answered(self, answer: Callable[[], Any]) -> tuple[int, dict[str, Any]]:
        if self.read_only:
            return 403, _error(CoordError(1, READ_ONLY))
        try:
            return 200, await answer()
        except CoordError as error:
            return 400 if error.code == 2 else 409, _error(error)
        except OSError as error:
            return 500, _error(from_os_error(error))

    async def _effect(self, document: object) -> dict[str, Any]:
        name, given = _parts(document)
        action, fields = checked(name, given, complete=False)
        effect = await asyncio.to_thread(self._effect_now, name, fields)
        return {**_form(action, fields), **msgspec.to_builtins(effect)}

    def _effect_now(self, name: str, fields: Fields) -> Any:
        snapshot = Snapshot(self._system, self._workspace)
        snapshot.catch_up(consistent=True)
        state, now = as_of(snapshot.state, snapshot.now), snapshot.now
        gone = find_deaths(self._system, snapshot)
        return effect_of(name, ActionContext(state, now, self.person.find(state), fields, gone))

    async def _act(self, document: object) -> dict[str, Any]:
        name, given = _parts(document)
        action, fields = checked(name, given)
        lines = action.lines(Request(fields, checked_seen(given.get("seen"))))
        async with self._one_at_a_time:
            notes = [] if action.as_other else await asyncio.to_thread(self.person.begin)
            answer = await run_all(lines, self.person.session, self._workspace, self._system.env)
        answer.notes[:0] = notes
        return {**msgspec.to_builtins(answer), "me": self.person.session}


def _parts(document: object) -> tuple[str, dict[str, object]]:
    """Return the name and the fields of a request. Raises CoordError (2)."""
    if not isinstance(document, dict) or not isinstance(document.get("fields", {}), dict):
        raise CoordError(2, 'write {"action": NAME, "fields": {...}}. Nothing was done.')
    return str(document.get("action", "")), document.get("fields", {})


def _form(action: Action, fields: Fields) -> dict[str, Any]:
    return {
        "title": action.title,
        "confirm": action.confirm,
        "ends": action.ends,
        "fields": [_field(field, fields[field.name]) for field in action.fields if field.kind != "hidden"],
    }


def _field(field: Field, value: str | bool) -> dict[str, Any]:
    shown = value if len(str(value)) <= 1000 else ""  # the page has a long text already
    return {**msgspec.to_builtins(field), "value": shown}


def _error(error: CoordError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message, **error.details}}
