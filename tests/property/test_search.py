"""A search finds the newest events of those that `coord log TEXT` filters, in any text and with any damage."""

from collections.abc import Iterator
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coord.engine.history import search
from coord.engine.history.search import contains, find_text
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace
from eventlog.events import ClaimRequested, Event, MessageSent
from eventlog.history import LogReader
from tests.property import test_checkpoint
from tests.property.test_checkpoint import Case
from tests.support.histories import histories
from tests.support.in_process import HERE

pytestmark = pytest.mark.slow
WORDS = (
    *("Straße", "strasse", 'a "quote"', "back\\slash", "ÄRGER", "\u212aelvin"),
    *("über/alles", "line\nbreak", "x", "日本", "unknown"),
)
TEXTS = sorted({text for word in WORDS for text in (word, word.upper(), word[1:], word[:2]) if text})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_BLOCK_BYTES", 700)
        yield Workspace(str(root / "COORDINATION"), str(root), None)


def with_words(events: list[Event], words: list[str]) -> list[Event]:
    """The same history with these words in its messages and requests, in turn."""
    found = []
    for event, word in zip(events, cycle(words)):
        match event.payload:
            case MessageSent() as payload:
                event = replace(event, payload=replace(payload, subject=word))
            case ClaimRequested() as payload:
                event = replace(event, payload=replace(payload, note=word))
        found.append(event)
    return found


@given(data=st.data())
def test_a_search_finds_what_the_filter_of_the_log_finds(workspace: Workspace, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        made = histories().map(lambda events: with_words(events, words))
        patch.setattr(test_checkpoint, "histories", lambda: made)
        case = Case(workspace, data, patch)
        for name, lines in case.journals.items():
            case.write(name, len(lines))
        events = LogReader(workspace.log, HERE.machine).catch_up(case.end).events
        snapshot = Snapshot(case.system, workspace)
        snapshot.catch_up()
        ids = [event.id[2:] for event in events[-3:]]
        text, most = data.draw(st.sampled_from([*TEXTS, *ids])), data.draw(st.integers(1, 6))
        expected = [event for event in events if contains(event, text)][::-1][:most]
        assert find_text(snapshot, text, most) == expected
