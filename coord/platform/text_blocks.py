"""Blocks of ours at the end of other people's text files: put there, found again, and taken out without a trace.

A block begins with a line that is only ever ours. It is set off by an empty line, and it ends in a line end just where
the text did, so that its removal can tell what was there: no byte of the rest is ever different.
"""


def with_block(text: str, lines: list[str]) -> str:
    """The text with a block of at least two lines at its end. By the first one it is found again."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(lines)
    if not text:
        return block + newline
    return text + newline + block + newline if text.endswith("\n") else text + newline + newline + block


def without_lines(text: str, start: int, stop: int) -> str:
    """The text without the lines from `start` up to `stop` (a block), and what set them off."""
    lines = text.splitlines(keepends=True)
    before, block, behind = lines[:start], lines[start:stop], lines[stop:]
    if before and not before[-1].strip("\r\n"):
        before.pop()  # the empty line
    if before and not behind and not block[-1].endswith("\n"):
        before[-1] = before[-1].removesuffix("\r\n" if block[0].endswith("\r\n") else "\n")
    return "".join(before + behind)


def find_block(text: str, begin: str, end: str) -> tuple[int, int] | None:
    """Where the lines of a block stand that has a line of its own at either end; None if none is whole."""
    lines = [line.strip() for line in text.splitlines()]
    if begin not in lines:
        return None
    start = lines.index(begin)
    return (start, lines.index(end, start) + 1) if end in lines[start:] else None
