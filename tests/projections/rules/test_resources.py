"""What a pattern means, by examples: the ones that a person would try."""

import pytest

from projections.rules.resources import covers, is_file, is_pattern, overlap


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
def test_overlapping_files(a: str, b: str) -> None:
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
def test_files_apart(a: str, b: str) -> None:
    assert not overlap(f"file/{a}", f"file/{b}")
    assert not overlap(f"file/{b}", f"file/{a}")


def test_only_files_are_patterns() -> None:
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
        ("file/src/*", "file/src/a*", False),  # it may say no, and only costs a second claim
        ("file/src/*", "file/src/deep/app.py", False),
        ("file/src/", "file/src.py", False),
        ("file/*/", "file/src/app.py", True),
        ("file/*/", "file/app.py", False),
        ("port/8000", "port/8000", True),
        ("port/8000", "port/8001", False),
    ],
)
def test_covering(a: str, b: str, expected: bool) -> None:
    assert covers(a, b) == expected


def test_what_is_a_pattern() -> None:
    assert [is_pattern(name) for name in ("a", "a/b", "a/", "a*", "?", "[a]")] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_many_wildcards_cost_no_more_than_their_product() -> None:
    assert not overlap("file/" + "*a" * 100, "file/" + "*b" * 100)
    assert overlap("file/" + "**/a/" * 60 + "x", "file/" + "**/*/" * 60 + "x")
