"""An agent that asks its person: shown, answered on the page, and read by the agent."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.support.page_server import PageServer
from tests.support.processes import Shell
from tests.support.repositories import Repo
from tests.web.looking import misses, need, opened, sees

CONVERSATION = "7cca5059-84f8-48b9-8808-bb09e358d177"


class Agent:
    """Claude Code's hooks, called in a shell of their own with the payloads that it sends."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.shell = repo, repo.shell()
        self.call("SessionStart", source="startup")

    def call(self, event: str, **more: Any) -> dict[str, Any]:
        """Call the hook for an event; its answer."""
        said = {"session_id": CONVERSATION, "cwd": str(self.repo.root), "hook_event_name": event, **more}
        file = self.repo.home / "call.json"
        file.write_text(json.dumps(said))
        result = self.shell.run(f"coord hook claude < '{file}'")
        assert result.code == 0, result
        return dict(json.loads(result.out)) if result.out.strip() else {}

    def context(self, event: str, **more: Any) -> str:
        """Call the hook for an event; the text for the agent's context."""
        return str(self.call(event, **more).get("hookSpecificOutput", {}).get("additionalContext", ""))


def test_a_question_is_answered_on_the_page(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    agent = Agent(repo)
    opened(page, serve())
    agent.call("UserPromptSubmit", prompt="Go")
    agent.call("PreToolUse", tool_name="AskUserQuestion", tool_input={"questions": [{"question": "Which key?"}]})
    sees(page, "blocked on its user", "#needs")
    row = need(page, "blocked on its user")
    row.get_by_role("button", name="Answer", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Answer", exact=True).fill("Take the staging key, not the live one.")
    dialog.get_by_role("button", name="Send").click()
    dialog.get_by_role("button", name="Close").click()
    misses(page, "blocked on its user", "#needs ul")
    assert "Take the staging key, not the live one." in agent.context(
        "PreToolUse", tool_name="Bash", tool_input={"command": "true"}
    ) + agent.context("PostToolUse", tool_name="Bash", tool_input={"command": "true"}, tool_response={})


def test_a_blocked_session_is_answered_on_the_page(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start --name ben")
    opened(page, serve())
    shell.ok('coord heartbeat waiting deploy --blocked-on "the Stripe API key"')
    sees(page, "blocked on the Stripe API key", "#needs")
    need(page, "the Stripe API key").get_by_role("button", name="Answer", exact=True).click()
    page.get_by_role("dialog").get_by_label("Answer", exact=True).fill("It is in the vault.")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    misses(page, "blocked on the Stripe API key", "#needs ul")
    assert "It is in the vault." in shell.ok("coord inbox")


def test_a_refusal_of_the_command_is_shown(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    ben, cai = repo.shell(), repo.shell()
    ben.ok("coord start --name ben")
    cai.ok("coord start --name cai")
    opened(page, serve())
    sent = ben.json('coord send cai Stop "The migration is wrong." --urgency high --needs-ack')["message"]
    sees(page, "The migration is wrong.", "#needs")
    need(page, "The migration is wrong.").get_by_role("button", name="Close").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    _resolve(ben, str(sent["id"] if isinstance(sent, dict) else sent))
    dialog.get_by_role("button", name="Close the message").click()
    misses(page, "The migration is wrong.", "#needs ul")


def _resolve(shell: Shell, message: str) -> None:
    shell.ok(f"coord resolve {message}")
