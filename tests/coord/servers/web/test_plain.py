"""The board without JavaScript: it has the text of every section, and nothing of it becomes markup."""

from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coord.servers.web.plain import plain_page
from tests.support.in_process import NOON

TEXT = st.text(
    st.one_of(st.sampled_from("<>&\"'{}%#;/=!-\u202e\u2066\x00\n "), st.characters(codec="utf-8")), max_size=30
)
ALLOWED = set(
    "html head meta title link body a header h1 h2 h3 p bdi time form label input button main section ul li div "
    "article strong span blockquote code".split()
)


def moment(**changes: Any) -> dict[str, Any]:
    """A moment document of a folder where nothing happens."""
    return {
        "at": NOON, "live": True, "counts": {"needs": 0}, "needs": [], "board": [],
        "claims": [], "messages": [], "sessions": [], "names": {}, "problems": [], "folder": "shop",
    } | changes  # fmt: skip


def row(*text: tuple[str, str], columns: Any = (), extra: Any = (), below: Any = ()) -> dict[str, Any]:
    """A row of a section."""
    return {"columns": columns, "extra": extra, "text": text, "below": below, "about": ""}


class _Parsed(HTMLParser):
    """The elements, the attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(text: str) -> dict[str, Any]:
    """A moment in which everything that comes from sessions is this text."""
    need = {
        "id": text, "kind": text, "text": text, "since": NOON, "urgent": True, "asks_person": True, "session": text,
        "sessions": [text], "about": text, "subject": text, "excerpt": text, "holds_up": 1,
        "steps": [{"why": text, "commands": [["coord", text]], "sessions": [text]}], "actions": [],
    }  # fmt: skip
    message = {
        "id": text, "at": NOON, "session": text, "to": [text], "everyone": False, "subject": text, "body": text,
        "length": 99, "urgency": text,
    }  # fmt: skip
    section = {
        "head": text,
        "rows": [row((text, text), columns=[[(text, "name")]], extra=[(text, "")], below=[(text, "")])],
    }
    return moment(
        needs=[need],
        messages=[message],
        board=[section],
        claims=[section],
        names={text: text},
        problems=[text],
        folder=text,
    )


@given(TEXT, TEXT)
def test_no_text_of_a_session_becomes_markup(text: str, at: str) -> None:
    quiet, loud = _Parsed(plain_page(hostile("x"), "y")), _Parsed(plain_page(hostile(text or "x"), at))
    assert loud.tags == quiet.tags
    assert set(loud.tags) <= ALLOWED
    assert [name for name, _ in loud.attributes if name != "class"] == [
        name for name, _ in quiet.attributes if name != "class"
    ]
    links = [value for name, value in loud.attributes if name in ("href", "action")]
    assert links == [value for name, value in quiet.attributes if name in ("href", "action")]


def test_every_text_is_on_the_page() -> None:
    section = {
        "head": "─── Sessions", "rows": [
            row(("building", ""), columns=[[("amber", "name"), (" (amber-otter-k3f9)", "quiet")], [("live", "good")]],
                below=[("docs/app.py", "")]),
            row(("    coord inbox", "quiet")),
        ],
    }  # fmt: skip
    parsed = _Parsed(plain_page(moment(board=[section], problems=["the log is damaged"]), "-90m"))
    for text in ("─── Sessions", "amber (amber-otter-k3f9) - live · building", "docs/app.py", "the log is damaged"):
        assert text in " ".join(parsed.text.split())
    assert "shop" in parsed.text
    assert ("value", "-90m") in parsed.attributes
    assert "Nothing needs you." in parsed.text


def test_nothing_is_loaded_from_elsewhere() -> None:
    attributes = _Parsed(plain_page(hostile("https://site.example/x.js"), "")).attributes
    assert all(
        value and value.startswith(("/", "#")) for name, value in attributes if name in ("href", "src", "action")
    )
    assert not {name for name, _ in attributes} & {"style", "onclick", "src"}
