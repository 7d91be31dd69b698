"""The page about the agents has the table of what each client does, which is made from the records of the clients.

`python -m tests.docs.test_agents` writes the table into the page.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from coord.clients.client import Client
from coord.clients.registry import CLIENTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "agents.md"
_TABLE = re.compile(r"(?<=<!-- Made from the records by tests\.docs\.test_agents -->\n\n).*?(?=\n\n)", re.DOTALL)
NO = "–"
EVENTS = {
    "start": "its start, resumption, clear or compaction",
    "prompt": "a prompt",
    "before": "before a tool: a write is denied",
    "after": "after a tool",
    "asks": "a question to its user",
    "stop": "the end of its turn",
    "turn_end": "a turn that is interrupted or fails",
    "agent_start": "the start of a subagent",
    "agent_stop": "the end of a subagent",
    "end": "its own end",
}
"""What the hooks of a client report, by hook event."""


def _knowledge(client: Client, event: str) -> str:
    """How it is known that a client has hooks for an event."""
    events = {*client.hook_events.values(), *client.notifications.values(), *(["turn_end"] if client.endings else [])}
    if event not in events:
        return NO
    return "seen" if client.observed and event not in client.documented else "documented"


def _if(client: Client, event: str, condition: object) -> str:
    return _knowledge(client, event) if condition else NO


def _reports(event: str) -> Callable[[Client], str]:
    return lambda client: _knowledge(client, event)


def _shown_after(event: str) -> Callable[[Client], str]:
    return lambda client: _if(client, event, event not in client.silent_events)


ROWS: dict[str, Callable[[Client], str]] = {
    **{text: _reports(event) for event, text in EVENTS.items()},
    "the agent is shown a text at its start": _shown_after("start"),
    "… at a prompt": _shown_after("prompt"),
    "… after a tool": _shown_after("after"),
    "it continues if something urgent waits": lambda client: _if(client, "stop", client.stop_form),
    "a change by a shell command is noticed": lambda client: _if(client, "after", client.shells),
    "its shell commands know its session": lambda client: _if(client, "before", client.ids),
    "a hook wakes it when it is idle": lambda client: _if(client, "stop", client.wakes),
}


def table() -> str:
    """The table, without the events that no client reports."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield f"| | {' | '.join(client.title for client in CLIENTS)} |"
    yield f"| --- |{' --- |' * len(CLIENTS)}"
    for text, cell in ROWS.items():
        cells = [cell(client) for client in CLIENTS]
        if set(cells) != {NO}:
            yield f"| {text} | {' | '.join(cells)} |"
    yield f"| observed versions | {' | '.join(client.observed or 'none' for client in CLIENTS)} |"


def test_table_shows_what_the_records_say() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "run: python -m tests.docs.test_agents"


def test_every_hook_event_of_a_client_has_a_row() -> None:
    assert {event for client in CLIENTS for event in client.hook_events.values()} <= EVENTS.keys()


if __name__ == "__main__":
    PAGE.write_text(_TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
