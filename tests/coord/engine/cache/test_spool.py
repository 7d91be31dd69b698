"""Contents that are written later, in memory or in a temporary file."""

import io
from pathlib import Path

import pytest

from coord.engine.cache import spool
from coord.engine.cache.buckets import Buckets

CONTENTS = [bytes([number]) * number for number in range(40)]


class _FullDisk(io.BytesIO):
    def write(self, content: object) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("limit", [0, 100, 1 << 20])
def test_contents_are_read_at_their_places(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(spool, "_MAX_IN_MEMORY", limit)
    kept = spool.Spool()
    places = [kept.add(content) for content in CONTENTS]
    assert [kept.read(place) for place in reversed(places)] == CONTENTS[::-1]
    assert kept.read(kept.add(b"one more")) == b"one more"


def test_without_a_temporary_file_contents_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError("no usable temporary folder")

    monkeypatch.setattr(spool, "_MAX_IN_MEMORY", 100)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    kept = spool.Spool()
    assert [kept.read(kept.add(content)) for content in CONTENTS] == CONTENTS


def test_if_the_disk_is_full_contents_return_to_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = spool.Spool()
    places = [kept.add(content) for content in CONTENTS[:20]]
    kept._file = _FullDisk(kept.read((0, kept._size)))
    places += [kept.add(content) for content in CONTENTS[20:]]
    assert [kept.read(place) for place in places] == CONTENTS


def test_flushed_entries_are_found_before_and_after_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_MAX_IN_MEMORY", 100)
    store = Buckets(str(tmp_path))
    for number in range(200):
        store.append([(f"key/{number % 7}", b"%d" % number)])
        if number % 30 == 0:
            store.flush()
    expected = [b"%d" % number for number in range(3, 200, 7)]
    assert store.get("key/3") == expected
    store.write()
    assert store.get("key/3") == expected == Buckets(str(tmp_path), store.head, store.pending).get("key/3")
