"""Add a block of lines to the end of a user's text file, find it again, and remove it.

A block begins with a line that only coord writes. An empty line separates it from the text before. The file ends with a
line end if and only if it did before, so removing the block restores the file byte by byte.
"""


def with_block(text: str, lines: list[str]) -> str:
    """Return the text with a block of at least two lines added."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(lines)
    if not text:
        return block + newline
    return text + newline + block + newline if text.endswith("\n") else text + newline + newline + block


def without_lines(text: str, start: int, stop: int) -> str:
    """Return the text without a block, which has the lines from `start` up to `stop`, and the empty line before it."""
    lines = text.splitlines(keepends=True)
    before, block, after = lines[:start], lines[start:stop], lines[stop:]
    if before and not before[-1].strip("\r\n"):
        before.pop()  # the empty line
    if before and not after and not block[-1].endswith("\n"):
        before[-1] = before[-1].removesuffix("\r\n" if block[0].endswith("\r\n") else "\n")
    return "".join(before + after)


def find_block(text: str, begin: str, end: str) -> tuple[int, int] | None:
    """Return the numbers of the first line of a block and of the line after it, from 0; None if there is no such block.

    The block begins with the line `begin` and ends with the line `end`.
    """
    lines = [line.strip() for line in text.splitlines()]
    if begin not in lines:
        return None
    start = lines.index(begin)
    return (start, lines.index(end, start) + 1) if end in lines[start:] else None
