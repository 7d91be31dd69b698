"""Adding entries to a JSON text changes no other byte, and removing them restores every byte."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.admin.install.clients import _ours_finder as ours_of
from coord.admin.install.formats.hook_entries import hook_command, hook_entries
from coord.admin.install.formats.json_edit import add_value, empty_containers, parse, pointer, remove_value
from coord.admin.install.formats.json_entries import with_entries, without_entries
from coord.admin.install.formats.permission_rules import ALLOWED_COMMANDS, allow_entries, rules_in
from coord.admin.install.record import FileRecord
from coord.clients.registry import CLIENTS

pytestmark = pytest.mark.slow

CLAUDE = CLIENTS[0]
PIECES = hook_entries(CLAUDE, hook_command(CLAUDE, "coord", team=False), wake=True)

# --- any JSON text, in any layout ---

_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
_OTHERS = st.lists(
    st.fixed_dictionaries(
        {"hooks": st.lists(st.fixed_dictionaries({"type": st.just("command"), "command": st.text()}), max_size=2)},
        optional={"matcher": st.text(max_size=4)},
    ),
    max_size=2,
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "hooks": st.dictionaries(st.sampled_from(["PreToolUse", "Stop", "Setup"]), _OTHERS, max_size=3),
        "permissions": st.fixed_dictionaries(
            {},
            optional={
                "allow": st.lists(st.sampled_from(["Bash(ls:*)", "Bash(coord claim:*)", "Read"]), max_size=3),
                "deny": st.lists(st.text(max_size=5), max_size=2),
            },
        ),
        "model": st.text(),
        "ünï": st.recursive(_SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)),
    },
)
_SPACES = ["", " ", "  ", "\n", "\n  ", "\n\t", "\r\n    ", "\t", "\n\n"]
_COMMENTS = ["// note\n", "/* a\n b */", " // x \r\n  ", "/**/"]


class Layout:
    """Writes a value with white space and comments that a list of numbers selects."""

    def __init__(self, choices: list[int], spaces: list[str], escape: bool) -> None:
        self.choices, self.spaces, self.escape, self.turn = choices, spaces, escape, 0

    def space(self) -> str:
        self.turn += 1
        return self.spaces[self.choices[self.turn % len(self.choices)] % len(self.spaces)]

    def write(self, value: Any) -> str:
        if isinstance(value, dict):
            inside = [self.space() + self.scalar(k) + self.space() + ":" + self.space() + self.write(v)
                      for k, v in value.items()]  # fmt: skip
            return "{" + ",".join(part + self.space() for part in inside) + ("" if inside else self.space()) + "}"
        if isinstance(value, list):
            inside = [self.space() + self.write(v) + self.space() for v in value]
            return "[" + ",".join(inside) + ("" if inside else self.space()) + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=self.escape)


@st.composite
def documents(draw: st.DrawFn, comments: bool = False) -> tuple[Any, str]:
    value = draw(_SETTINGS)
    regular = draw(st.sampled_from([None, 2, 4, "\t"]))
    end = draw(st.sampled_from(["", "\n", "\r\n", "\n\n"]))
    if draw(st.booleans()) and not comments:
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")])) if regular is None else (",", ": ")
        text = json.dumps(value, indent=regular, separators=separators, ensure_ascii=draw(st.booleans()))
        return value, (text.replace("\n", "\r\n") if end == "\r\n" else text) + end
    layout = Layout(
        draw(st.lists(st.integers(0, 99), min_size=3, max_size=40)),
        draw(st.lists(st.sampled_from(_SPACES + (_COMMENTS if comments else [])), min_size=1, max_size=6)),
        draw(st.booleans()),
    )
    return value, layout.space() + layout.write(value) + end


def bare(text: str) -> Any:
    """Return the value of a text with comments."""
    strings = r'"(?:[^"\\]|\\.)*"'
    return json.loads(re.sub(rf"({strings})|//[^\n]*|/\*(?s:.*?)\*/", lambda m: m[1] or " ", text))


def expected(value: Any, had: list[str]) -> Any:
    """Return the settings with coord's entries added, computed on plain values without regard to layout."""
    result = json.loads(json.dumps(value))
    for (first, second, _), piece in PIECES + allow_entries(CLAUDE, had):
        result.setdefault(first, {}).setdefault(second, []).append(piece)
    return result


def install(text: str | None, comments: bool, record: FileRecord) -> tuple[str, FileRecord]:
    if text is not None and text.strip() and not record.uses:
        record = FileRecord(had=rules_in(CLAUDE, parse(text, comments)))
    pieces = PIECES + allow_entries(CLAUDE, record.had)
    new, record = with_entries(text, comments, pieces, ours_of(CLAUDE, record), record)
    return new, FileRecord([("claude", "/")], record.empty, record.blank, record.had)


def uninstall(text: str, comments: bool, record: FileRecord) -> str | None:
    return without_entries(text, comments, ours_of(CLAUDE, record), record)


@given(documents())
def test_uninstall_restores_every_byte(document: tuple[Any, str]) -> None:
    value, text = document
    new, record = install(text, False, FileRecord())
    assert json.loads(new) == expected(value, record.had)
    assert list(json.loads(new))[: len(value)] == list(value), "nothing is reordered"
    assert install(new, False, record) == (new, record), "a second install changes nothing"
    assert uninstall(new, False, record) == text


@given(documents(comments=True))
def test_uninstall_restores_every_byte_with_comments(document: tuple[Any, str]) -> None:
    value, text = document
    new, record = install(text, True, FileRecord())
    assert bare(new) == expected(value, record.had)
    for comment in re.findall(r"//[^\n]*|/\*.*?\*/", text, re.DOTALL):
        assert comment.rstrip() in new, "no comment is lost"
    assert install(new, True, record) == (new, record)
    assert uninstall(new, True, record) == text


@given(documents(), st.text(), st.text())
def test_what_a_person_adds_in_between_stays(document: tuple[Any, str], key: str, note: str) -> None:
    _, text = document
    new, record = install(text, False, FileRecord())
    for path, value in [((f"own {key}",), note), (("hooks", "Stop", -1), {"hooks": []}),
                        (("permissions", "allow", -1), "Own")]:  # fmt: skip
        new = add_value(parse(new), path, value)
    left = json.loads(uninstall(new, False, record) or "")
    assert left[f"own {key}"] == note
    assert left["hooks"]["Stop"][-1] == {"hooks": []}
    assert left["permissions"]["allow"][-1] == "Own"
    assert "coord hook" not in json.dumps(left)


@given(documents())
def test_a_new_version_replaces_the_old_hooks(document: tuple[Any, str]) -> None:
    _, text = document
    had = rules_in(CLAUDE, parse(text))
    older = [(("hooks", "Stop", -1), {"hooks": [{"type": "command", "command": "/old/coord hook claude"}]})]
    old, record = with_entries(text, False, older, ours_of(CLAUDE, FileRecord(had=had)), FileRecord(had=had))
    new, record = with_entries(old, False, PIECES, ours_of(CLAUDE, record), record)
    assert "/old/coord" not in new
    assert uninstall(new, False, record) == text


@pytest.mark.parametrize("text", [None, "", " \n", "\r\n"])
def test_a_missing_file_and_a_blank_file_are_restored(text: str | None) -> None:
    new, record = install(text, False, FileRecord())
    assert new.startswith(
        '{\n  "hooks": {\n    "SessionStart": [\n      {"hooks": [{"type": "command", "command": "coord hook'
    )
    assert max(map(len, new.splitlines())) < 120
    assert new.endswith("\n}\n")
    assert install(new, False, record) == (new, record)
    assert uninstall(new, False, record) == text


def test_without_a_record_only_empty_containers_are_lost() -> None:
    new, _ = install('{\n  "a": 1,\n  "hooks": {}\n}\n', False, FileRecord())
    assert uninstall(new, False, FileRecord()) == '{\n  "a": 1\n}\n'
    new, _ = install("{}", False, FileRecord())
    assert uninstall(new, False, FileRecord()) is None


# --- layouts ---


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{"a":1}', '{"a":1,"k":["v"]}'),
        ('{"a": 1}', '{"a": 1, "k": ["v"]}'),
        ('{"a": 1, "b": 2}\n', '{"a": 1, "b": 2, "k": ["v"]}\n'),
        ('{ "a": 1 }', '{ "a": 1, "k": ["v"] }'),
        ('{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "k": [\n    "v"\n  ]\n}\n'),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"k": [\n\t\t"v"\n\t]\n}'),
        ('{\r\n    "a": 1\r\n}\r\n', '{\r\n    "a": 1,\r\n    "k": [\r\n        "v"\r\n    ]\r\n}\r\n'),
        ('{\n  "k": []\n}', '{\n  "k": [\n    "v"\n  ]\n}'),
        ('{\n  "k": ["u"]\n}', '{\n  "k": ["u", "v"]\n}'),
        ('{\n  "k": [\n    "u"\n  ]\n}', '{\n  "k": [\n    "u",\n    "v"\n  ]\n}'),
        ("\ufeff{}", '\ufeff{\n  "k": [\n    "v"\n  ]\n}'),
        ('{\n  "a": 1 // one\n}', '{\n  "a": 1, // one\n  "k": [\n    "v"\n  ]\n}'),
        ('{"a": 1 // one\n}', '{"a": 1, // one\n"k": [\n  "v"\n]\n}'),
        ("{ // none\n}", '{ // none\n  "k": [\n    "v"\n  ]\n}'),
    ],
)
def test_a_value_has_the_layout_of_its_neighbours(text: str, result: str) -> None:
    document = parse(text, comments=True)
    assert add_value(document, ("k", -1), "v") == result
    item = len(document.find(("k",)).items) if document.find(("k",)) else 0  # type: ignore[union-attr]
    assert remove_value(parse(result, comments=True), ("k", item), empty_containers(document, ("k", -1))) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1, column 1: a value"),
        ("{", "line 1, column 2: a key"),
        ('{"a": 1,}', "line 1, column 9: a key"),
        ("[1,]", "line 1, column 4: a value"),
        ("[1 2]", "column 4: ',' or ']'"),
        ('{"a" 1}', "column 6: ':'"),
        ('{\n  "a": 1\n}\n}', "line 4, column 1: the end"),
        ('{"a": NaN}', "a value"),
        ("{'a': 1}", "a key"),
        ('{"a": "\n"}', "a value"),
        ('{"a": 01}', "','"),
        ("{} // x", "the end"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_invalid_json_is_refused_with_its_position(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse(text)


@pytest.mark.parametrize("text", ['{"k": 1}', '{"k": {}}', '{"k": null}', "[]", "1"])
def test_another_kind_of_value_in_the_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an? (array|object)"):
        add_value(parse(text), ("k", -1), "v")


def test_of_equal_keys_the_last_one_counts() -> None:
    text = '{"k": [1], "k": [2]}'
    assert json.loads(add_value(parse(text), ("k", -1), 3)) == {"k": [2, 3]}


def test_a_pointer_can_hold_any_key() -> None:
    assert pointer(("a/b", "~", 0)) == "/a~1b/~0/0"


def test_the_list_of_safe_commands() -> None:
    assert "break" not in ALLOWED_COMMANDS
    assert not {"init", "install", "uninstall", "import", "archive", "demo", "hook", "mcp"} & set(ALLOWED_COMMANDS)
