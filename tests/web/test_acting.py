"""A person acts from the page: the dialog says the effect before, and the result or the refusal after."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.page_server import PageServer
from tests.support.processes import Shell
from tests.support.repositories import Repo
from tests.web.looking import misses, need, opened, sees

Serve = Callable[..., PageServer]


@pytest.fixture
def ben(repo: Repo) -> Shell:
    """A session that is blocked and holds a claim."""
    shell = repo.shell()
    shell.ok("coord start --name ben")
    shell.ok("coord claim file src/app.py --note 'landing page'")
    shell.ok("coord heartbeat waiting deploy --blocked-on 'the Stripe API key'")
    return shell


def dialog(page: Page) -> Locator:
    """Wait until the dialog says what will happen."""
    found = page.get_by_role("dialog")
    found.locator(".effect p:not(.quiet)").first.wait_for()
    return found


def write(page: Page, to: str, subject: str, text: str = "") -> Locator:
    """Fill in a message."""
    page.get_by_role("button", name="Write a message").click()
    found = dialog(page)
    found.get_by_label("To").select_option(label=to)
    found.get_by_label("Subject").fill(subject)
    found.get_by_label("Text").fill(text)
    return found


def label_of(page: Page, name: str) -> str:
    """The text of the choice that names a session."""
    texts = page.get_by_role("dialog").get_by_label("To").locator("option").all_text_contents()
    return next(text for text in texts if text.startswith(name))


def test_an_answer_says_what_it_does_before_and_after(page: Page, serve: Serve, ben: Shell) -> None:
    opened(page, serve())
    need(page, "the Stripe API key").get_by_role("button", name="Answer").click()
    shown = dialog(page)
    sees(page, "ben sees it when it reads its inbox.", ".effect")
    sees(page, "ben is no longer shown as blocked on “the Stripe API key”.", ".effect")
    shown.get_by_label("It is no longer blocked").uncheck()
    sees(page, "It stays blocked on “the Stripe API key”.", ".effect")
    shown.get_by_label("It is no longer blocked").check()
    sees(page, "ben is no longer shown as blocked", ".effect")
    shown.get_by_label("Answer").fill("It is in the vault.")
    shown.get_by_role("button", name="Send").click()
    sees(page, "Sent to ben: Answer", "dialog")
    shown.get_by_role("button", name="Close").click()
    sees(page, "Nothing needs you.", "#needs")
    assert "It is in the vault." in ben.ok("coord inbox")


def test_a_message_to_everyone_is_sent(page: Page, serve: Serve, ben: Shell, repo: Repo) -> None:
    opened(page, serve())
    shown = write(page, "Everyone", "<b>Stop</b>", "Now.\n<script>")
    shown.get_by_label("Urgency").select_option("high")
    shown.get_by_role("button", name="Send").click()
    sees(page, "Sent to everyone (1 session): <b>Stop</b>", "dialog")
    (sent,) = repo.of_type("message.sent")
    assert (sent["event"]["body"], sent["event"]["urgency"]) == ("Now.\n<script>", "high")


def test_an_empty_field_is_named_and_nothing_is_sent(page: Page, serve: Serve, ben: Shell, repo: Repo) -> None:
    opened(page, serve())
    shown = write(page, "Everyone", "  ")
    shown.get_by_role("button", name="Send").click()
    sees(page, "“Subject” is empty.", "dialog")
    expect(shown.get_by_label("Subject")).to_be_focused()
    assert repo.of_type("message.sent") == []


def test_a_refusal_keeps_what_was_typed(page: Page, serve: Serve, ben: Shell, repo: Repo) -> None:
    """The recipient ended after the person had chosen it."""
    opened(page, serve())
    page.get_by_role("button", name="Write a message").click()
    dialog(page)
    label = label_of(page, "ben")
    page.keyboard.press("Escape")
    shown = write(page, label, "Hello", "How are you?")
    ben.ok("coord end")
    shown.get_by_role("button", name="Send").click()
    sees(page, "has ended and will not read it. Nothing was sent;", "dialog .refusal")
    expect(shown.get_by_label("Text")).to_have_value("How are you?")
    shown.get_by_label("To").select_option("broadcast")
    shown.get_by_role("button", name="Send").click()
    sees(page, "Sent to everyone", "dialog")


def test_a_claim_that_changed_hands_is_kept(page: Page, serve: Serve, ben: Shell, repo: Repo) -> None:
    """The race of two people: what the person confirms is what was shown, and the new holder keeps its claim."""
    cai = repo.shell()
    cai.ok("coord start --name cai")
    opened(page, serve())
    page.evaluate(
        """async () => {
          const { open } = await import("/static/panels/act.js");
          const { createStore } = await import("/static/core/store.js");
          const api = await import("/static/core/api.js");
          open("break", { resource: "file/src/app.py" }, createStore(), api);
        }"""
    )
    shown = dialog(page)
    sees(page, "ben loses file/src/app.py", ".effect")
    sees(page, "for “landing page”", ".effect")
    ben.ok("coord release file src/app.py")
    cai.ok("coord claim file src/app.py")
    shown.get_by_label("Reason").fill("its user is away")
    shown.get_by_role("button", name="Break", exact=True).click()
    sees(page, "is no longer an active claim on file/src/app.py. Nothing was changed.", ".refusal")
    sees(page, "This has changed since you opened it:", ".effect")
    sees(page, "cai loses file/src/app.py", ".effect")
    assert repo.of_type("claim.broken") == []
    shown.get_by_role("button", name="Break", exact=True).click()
    sees(page, "Broken: file/src/app.py, held by cai", "dialog")


def test_a_lost_answer_is_not_taken_for_a_refusal(page: Page, serve: Serve, ben: Shell) -> None:
    opened(page, serve())
    shown = write(page, "Everyone", "Hello")
    page.route("**/api/act", lambda route: route.abort())
    shown.get_by_role("button", name="Send").click()
    sees(page, "check whether it was done", "dialog .outcome")
    expect(shown.get_by_label("Subject")).to_have_value("Hello")


def test_what_was_typed_is_there_when_it_is_opened_again(page: Page, serve: Serve, ben: Shell) -> None:
    opened(page, serve())
    write(page, "Everyone", "Draft")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Write a message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_label("Subject")).to_have_value("Draft")
    expect(dialog(page).get_by_label("To")).to_have_value("broadcast")


def test_a_dialog_opens_at_once_after_another_closed(page: Page, serve: Serve, ben: Shell) -> None:
    """The browser announces that a dialog was closed later, and the next key may come before that."""
    opened(page, serve())
    write(page, "Everyone", "Draft")
    page.evaluate(
        """() => {
          const buttons = [...document.querySelectorAll("button")];
          document.querySelector("dialog").close();
          buttons.find((button) => button.textContent === "Write a message").click();
        }"""
    )
    expect(dialog(page).get_by_label("Subject")).to_have_value("Draft")


def test_the_dialog_works_with_the_keyboard_alone(page: Page, serve: Serve, ben: Shell) -> None:
    opened(page, serve())
    sees(page, "the Stripe API key", "#needs")
    button = need(page, "the Stripe API key").get_by_role("button", name="Answer")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_label("Answer")).to_be_focused()
    page.keyboard.type("In the vault.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#needs")).to_be_focused()


def test_a_new_need_is_announced_and_keeps_the_focus(page: Page, serve: Serve, ben: Shell, repo: Repo) -> None:
    opened(page, serve())
    sees(page, "the Stripe API key", "#needs")
    button = need(page, "the Stripe API key").get_by_role("button", name="Answer")
    button.focus()
    cai = repo.shell()
    cai.ok("coord start --name cai; coord heartbeat waiting db --blocked-on 'the password'")
    sees(page, "Needs you: cai is blocked on the password", "#news")
    sees(page, "Needs you (2)", "#needs")
    expect(button).to_be_focused()
    cai.ok("coord heartbeat building db")
    sees(page, "Needs you (1)", "#needs")
    expect(button).to_be_focused()


def test_the_past_shows_what_needed_you_without_actions(page: Page, serve: Serve, ben: Shell) -> None:
    blocked = ben.json("coord whoami")["session"] + "/3"
    ben.ok("coord heartbeat building deploy")
    opened(page, serve())
    sees(page, "Nothing needs you.", "#needs")
    page.evaluate("(at) => { location.hash = `at=${at}`; }", blocked)
    sees(page, "What needed you then (1)", "#needs")
    sees(page, "ben is blocked on the Stripe API key", "#needs")
    assert page.locator("#needs button:visible").count() == 0


def test_a_read_only_page_has_no_buttons(page: Page, serve: Serve, ben: Shell) -> None:
    opened(page, serve("--read-only"))
    sees(page, "the Stripe API key", "#needs")
    sees(page, "coord send", "#needs .hints")
    expect(page.locator("#needs .hints code", has_text="--blocked-on")).to_contain_text('--blocked-on ""')
    assert page.locator("#needs button:visible").count() == 0


def test_a_hidden_page_notifies_once(browser: Browser, serve: Serve, ben: Shell, repo: Repo) -> None:
    """The browser's Notification is replaced by one that records; a hidden page is simulated as the stream sees it."""
    context: BrowserContext = browser.new_context(permissions=["notifications"])
    context.add_init_script(
        """
        window.shown = [];
        window.Notification = class { constructor(title, options) { window.shown.push([title, options.body]); }
          static permission = "granted"; };
        let state = "visible";
        Object.defineProperty(document, "visibilityState", { get: () => state });
        Object.defineProperty(document, "hidden", { get: () => state === "hidden" });
        window.hide = (hidden) => {
          state = hidden ? "hidden" : "visible";
          document.dispatchEvent(new Event("visibilitychange"));
        };
        """
    )
    page = context.new_page()
    opened(page, serve())
    sees(page, "the Stripe API key", "#needs")
    page.evaluate("() => window.hide(true)")
    cai = repo.shell()
    cai.ok("coord start --name cai; coord heartbeat waiting db --blocked-on 'the password'")
    page.wait_for_function("() => window.shown.length > 0")
    cai.ok("coord heartbeat waiting db 10% --blocked-on 'the password'")
    page.evaluate("() => window.hide(false)")
    sees(page, "the password", "#needs")
    assert page.evaluate("() => window.shown") == [["coord: repo", "cai is blocked on the password"]]
    misses(page, "Nothing needs you", "#needs")
    context.close()
