"""The meaning of resource patterns, by example."""

import pytest

from projections.rules.resources import covers, is_file, is_pattern, overlap, root_of, roots_above


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("src/app.py", "src/app.py"),
        ("src/", "src/app.py"),
        ("src/", "src/deep/down/app.py"),
        ("src/", "src/deep/"),
        ("src/", "src/*"),
        ("src/*.py", "src/app.py"),
        ("src/*.py", "src/a*"),
        ("*.py", "a?.*"),
        ("**/*.py", "app.py"),
        ("**/*.py", "src/deep/app.py"),
        ("src/**/test.py", "src/test.py"),
        ("src/**", "src/a/b"),
        ("**", "anything/at/all"),
        ("**/", "app.py"),
        ("a/*/c", "a/b/*"),
        ("src/**/x", "**/lib/x"),
        ("a**b", "a/x/b"),
        ("[ab].py", "[ab].py"),
        ("[ab]*", "[ab].py"),
        ("*/", "src/app.py"),
    ],
)
def test_these_file_patterns_overlap(a: str, b: str) -> None:
    assert overlap(f"file/{a}", f"file/{b}")
    assert overlap(f"file/{b}", f"file/{a}")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("src/app.py", "src/app.pyc"),
        ("src/", "src"),
        ("src/", "source/app.py"),
        ("src/*.py", "src/deep/app.py"),
        ("src/?", "src/ab"),
        ("*", "a/b"),
        ("*.py", "*.md"),
        ("a*b", "a/b"),
        ("[ab].py", "a.py"),
        ("A", "a"),
        ("*/", "app.py"),
        ("src/**/", "src"),
        ("a?b", "a/b"),
        ("a**/b", "ab"),
    ],
)
def test_these_file_patterns_do_not_overlap(a: str, b: str) -> None:
    assert not overlap(f"file/{a}", f"file/{b}")
    assert not overlap(f"file/{b}", f"file/{a}")


def test_only_file_resources_can_be_patterns() -> None:
    assert overlap("deploy/prod", "deploy/prod")
    assert not overlap("deploy/prod", "deploy/*")
    assert not overlap("deploy/", "deploy/prod")
    assert not overlap("file/a", "dir/a")
    assert not overlap("filex/a*", "file/ab")
    assert is_file("file/a")
    assert not is_file("files/a")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("file/src/", "file/src/app.py", True),
        ("file/src/", "file/src/*.py", True),
        ("file/src/", "file/src/deep/", True),
        ("file/src/*", "file/src/app.py", True),
        ("file/src/app.py", "file/src/", False),
        ("file/src/*", "file/src/a*", False),  # a false negative, which only costs a second claim
        ("file/src/*", "file/src/deep/app.py", False),
        ("file/src/", "file/src.py", False),
        ("file/*/", "file/src/app.py", True),
        ("file/*/", "file/app.py", False),
        ("port/8000", "port/8000", True),
        ("port/8000", "port/8001", False),
    ],
)
def test_whether_one_resource_covers_another(a: str, b: str, expected: bool) -> None:
    assert covers(a, b) == expected


@pytest.mark.parametrize(
    ("resource", "root"),
    [
        ("file/src/app.py", "src/app.py"),
        ("file/src/", "src"),
        ("file/src/deep/*.py", "src/deep"),
        ("file/src/d*/a.py", "src"),
        ("file/src/?/*", "src"),
        ("file/src*", ""),
        ("file/**/app.py", ""),
        ("file/*/", ""),
        ("file/src/[ab].py", "src/[ab].py"),
        ("port/8000", "port/8000"),
        ("deploy/*", "deploy/*"),
    ],
)
def test_the_root_of_a_resource(resource: str, root: str) -> None:
    assert root_of(resource) == root


def test_the_roots_above_a_root_end_with_the_empty_one() -> None:
    assert roots_above("src/deep/a.py") == ["src/deep/a.py", "src/deep", "src", ""]
    assert roots_above("") == [""]


def test_wildcards_and_trailing_slashes_make_a_pattern() -> None:
    assert [is_pattern(name) for name in ("a", "a/b", "a/", "a*", "?", "[a]")] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_many_wildcards_need_only_bounded_work() -> None:
    assert not overlap("file/" + "*a" * 100, "file/" + "*b" * 100)
    assert overlap("file/" + "**/a/" * 60 + "x", "file/" + "**/*/" * 60 + "x")
