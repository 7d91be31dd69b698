"""Problems of the folder are shown on the page."""

import shutil
from collections.abc import Callable

from playwright.sync_api import Page

from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.support.skip_marks import mounts
from tests.web.looking import opened, sees

ACT = """() => fetch("/api/act", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ action: "send", fields: { to: "ada", subject: "x", body: "y" } }),
}).then((it) => it.status)"""


def test_damage_is_shown(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start --name ada")
    shell.ok("coord claim droplet a 4")
    opened(page, serve())
    sees(page, "droplet/a", "#board")
    (journal,) = repo.log.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"v":1,"nonsense"}\n')
    repo.shell().ok("coord start --name ben")
    sees(page, "is damaged", "#needs, #problems")


def test_a_folder_without_a_log_is_shown(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    opened(page, serve())
    sees(page, "coord start", "#board")
    repo.shell().ok("coord start --name ada")
    sees(page, "ada", "#board")


def test_a_folder_deleted_while_open_is_shown(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start --name ada")
    opened(page, serve())
    sees(page, "ada", "#board")
    shutil.rmtree(repo.folder)
    sees(page, "COORDINATION", "#problems")


@mounts
def test_a_read_only_folder_is_shown(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    repo.shell().ok("coord start --name ada")
    shell = repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")
    shell.ok("mount --bind COORDINATION COORDINATION && mount -o remount,bind,ro COORDINATION")
    opened(page, serve(shell=shell))
    sees(page, "ada", "#board")


def test_a_read_only_page_offers_nothing_to_do(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start --name ada")
    shell.ok('coord heartbeat waiting deploy --blocked-on "the key"')
    opened(page, serve("--read-only"))
    sees(page, "blocked on the key", "#needs")
    sees(page, "read only", "#top")
    assert page.locator("#needs button:visible", has_text="Answer").count() == 0
    status = page.evaluate(ACT)
    assert status >= 400
    assert not repo.of_type("message.sent")
