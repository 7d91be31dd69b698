"""The store of values by key: what is appended is found, each head sees its own entries, and damage is noticed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.cache import buckets
from coord.engine.cache.buckets import Buckets, CacheDamaged

KEYS = st.sampled_from(["session/a", "session/b", "name/é", "names", "about/file/x"])
STEPS = st.lists(st.tuples(KEYS, st.binary(max_size=20)) | st.sampled_from(["flush", "write", "load"]), max_size=30)


def saved(store: Buckets) -> tuple[bytes, bytes]:
    """Write the chunks of a store; what a checkpoint keeps of it."""
    store.write()
    return store.head, store.pending


def filled(folder: Path) -> tuple[bytes, bytes]:
    """Write a store with 300 entries."""
    store = Buckets(str(folder))
    store.append((f"session/{number}", b"%d" % number) for number in range(300))
    store.flush()
    return saved(store)


def file_of(folder: Path, key: str) -> Path:
    return folder / buckets.FOLDER / f"{buckets.bucket_of(key):02x}"


@given(steps=STEPS)
def test_everything_that_was_appended_is_found(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes] | str]
) -> None:
    folder, expected = str(tmp_path_factory.mktemp("cache")), dict[str, list[bytes]]()
    store = Buckets(folder)
    for step in steps:
        match step:
            case "flush":
                store.flush()
            case "write":
                store.write()
            case "load":
                store = Buckets(folder, *saved(store))
            case (key, value):
                store.append([(key, value)])
                expected.setdefault(key, []).append(value)
    for same in (store, Buckets(folder, *saved(store))):
        assert {key: same.get(key) for key in expected} == expected
        assert same.get("nothing") == []
        found: dict[str, list[bytes]] = {}
        for key, value in same.every(""):
            found.setdefault(key, []).append(value)
        assert found == expected
        assert {key for key, _ in same.every("session/")} == {key for key in expected if key.startswith("session/")}


def test_each_head_sees_only_its_own_entries(tmp_path: Path) -> None:
    store = Buckets(str(tmp_path))
    versions = []
    for value in (b"1", b"2", b"3"):
        store.append([("key", value)])
        store.flush()
        versions.append(saved(store))
    assert [Buckets(str(tmp_path), *version).get("key") for version in versions] == [
        [b"1"],
        [b"1", b"2"],
        [b"1", b"2", b"3"],
    ]


def test_writing_after_an_older_head_abandons_what_followed(tmp_path: Path) -> None:
    store = Buckets(str(tmp_path))
    store.append([("key", b"1")])
    store.flush()
    older = saved(store)
    store.append([("key", b"abandoned" * 10)])
    store.flush()
    abandoned = saved(store)
    store = Buckets(str(tmp_path), *older)
    store.append([("key", b"2")])
    store.flush()
    assert Buckets(str(tmp_path), *saved(store)).get("key") == [b"1", b"2"]
    assert Buckets(str(tmp_path), *older).get("key") == [b"1"]
    with pytest.raises(CacheDamaged):
        Buckets(str(tmp_path), *abandoned).get("key")


def test_bytes_after_the_head_are_ignored(tmp_path: Path) -> None:
    version = filled(tmp_path)
    path = file_of(tmp_path, "session/7")
    path.write_bytes(path.read_bytes() + b"half a chunk of a writer that was killed")
    assert Buckets(str(tmp_path), *version).get("session/7") == [b"7"]


@pytest.mark.parametrize("damage", ["missing", "short", "changed", "foreign", "a link", "a folder", "no folder"])
def test_a_damaged_file_is_noticed(tmp_path: Path, damage: str) -> None:
    version = filled(tmp_path)
    path = file_of(tmp_path, "session/7")
    content = path.read_bytes()
    match damage:
        case "short":
            path.write_bytes(content[:-1])
        case "changed":
            path.write_bytes(content.replace(b"7", b"8", 1))
        case "foreign":
            path.write_bytes(next(other for other in path.parent.iterdir() if other != path).read_bytes() * 9)
        case "a link":
            path.rename(path.with_name("elsewhere"))
            path.symlink_to("elsewhere")
        case "a folder":
            path.unlink()
            path.mkdir()
        case "missing":
            path.unlink()
        case "no folder":
            path.parent.rename(tmp_path / "elsewhere")
    store = Buckets(str(tmp_path), *version)
    for _ in range(2):
        with pytest.raises(CacheDamaged):
            store.get("session/7")
        with pytest.raises(CacheDamaged):
            list(store.every("session/"))


@pytest.mark.parametrize(
    ("head", "pending"), [(b"short", b""), (b"", b"\1"), (b"", b"\2\0\0\0\1"), (b"", b"\1\0\0\0\1")]
)
def test_a_head_of_another_form_is_noticed(tmp_path: Path, head: bytes, pending: bytes) -> None:
    with pytest.raises(CacheDamaged):
        list(Buckets(str(tmp_path), head, pending).every(""))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / buckets.FOLDER).symlink_to("elsewhere")
    with pytest.raises(OSError, match="link"):
        filled(tmp_path)
    (tmp_path / buckets.FOLDER).unlink()
    (tmp_path / buckets.FOLDER).mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(b"unchanged")
    file_of(tmp_path, "session/7").symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        filled(tmp_path)
    assert outside.read_bytes() == b"unchanged"
