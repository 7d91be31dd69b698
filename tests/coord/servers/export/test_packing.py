"""Packed moments and stories, unpacked as the page does it, are those that were packed."""

import gzip
import json
from base64 import b64decode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coord.servers.export.packing import BLOCK, pack, pack_moments, pack_stories

ROWS = st.lists(st.sampled_from([{"text": [["a", ""]]}, {"text": [["b", "name"]]}, {"text": []}]), max_size=4)
MOMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "counts": st.fixed_dictionaries({"needs": st.integers(0, 2)}),
            "needs": ROWS,
            "messages": ROWS,
            "sessions": ROWS,
            "board": st.lists(st.fixed_dictionaries({"head": st.sampled_from("xy"), "rows": ROWS}), max_size=3),
            "claims": st.lists(st.fixed_dictionaries({"head": st.just(""), "rows": ROWS}), max_size=1),
            "me": st.none() | st.just({"session": "s"}),
        }
    ),
    max_size=12,
)


def unpack(packed: str) -> Any:
    return json.loads(gzip.decompress(b64decode(packed)))


def unpacked_moments(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    index = unpack(data["index"])
    shown: list[dict[str, Any]] = []
    for block in map(unpack, data["blocks"]):
        moment: dict[str, Any] = {}
        for patch in block["patches"]:
            moment |= patch["values"]
            moment |= {name: [block["rows"][it] for it in numbers] for name, numbers in patch["lists"].items()}
            for name, sections in patch["sections"].items():
                moment[name] = [{"head": head, "rows": [block["rows"][it] for it in rows]} for head, rows in sections]
            shown.append(dict(moment))
    return list(zip(index["events"], shown, strict=True))


@given(MOMENTS)
def test_moments_are_unpacked_as_they_were(given_moments: list[dict[str, Any]]) -> None:
    moments = [(f"s/{n}", {"at": f"{n}", **moment}) for n, moment in enumerate(given_moments, 1)]
    assert unpacked_moments(pack_moments(moments)) == moments


def test_a_later_block_begins_with_a_whole_moment() -> None:
    moments = [(f"s/{n}", {"at": f"{n:04}", "needs": [{"id": "the same"}]}) for n in range(2 * BLOCK + 1)]
    data = pack_moments(moments)
    assert len(data["blocks"]) == 3
    assert unpacked_moments(data) == moments


def test_an_unchanged_part_is_packed_once() -> None:
    moments = [(f"s/{n}", {"at": f"{n}", "needs": [{"id": "x" * 1000}]}) for n in range(3)]
    (block,) = map(unpack, pack_moments(moments)["blocks"])
    assert [list(patch["lists"]) for patch in block["patches"]] == [["needs"], [], []]


def test_stories_are_found_by_what_they_are_about() -> None:
    stories = [(f"file/{n}", {"lines": [f"{n} </script>"]}) for n in range(250)]
    data = pack_stories(stories)
    index = unpack(data["index"])
    assert {about: unpack(data["blocks"][number])[about] for about, number in index.items()} == dict(stories)


def test_packing_gives_the_same_text_each_time() -> None:
    assert pack({"a": 1}) == pack({"a": 1})
