"""Split an unfinished command line of bash into words, and quote words for it. Nothing is expanded or executed."""

from msgspec import Struct

_SEPARATORS = frozenset(";|&()\n")
_SAFE = frozenset("_./:@%+,=-")  # with letters and figures: they have no meaning inside a word
_QUOTED_IN_DOUBLE = frozenset('"\\$`')


class Word(Struct):
    """A word of a command line: what was typed, what it means, and the quotation mark that is still open."""

    raw: str = ""
    text: str = ""
    quote: str = ""


def split_words(line: str) -> list[Word]:
    """Return the words of the last command in `line`. The last word, which can be empty, is the one at the cursor."""
    words, word, place = [], Word(), 0
    while place < len(line):
        letter = line[place]
        if word.quote:
            place += _read_quoted(word, line, place)
            continue
        place += 1
        if letter in _SEPARATORS or letter in " \t<>":
            if word.raw:
                words.append(word)
            word = Word()
            if letter in _SEPARATORS:
                words = []
            continue
        word.raw += letter
        if letter in "'\"":
            word.quote = letter
        elif letter == "\\":
            word.raw += line[place : place + 1]
            word.text += line[place : place + 1]
            place += 1
        else:
            word.text += letter
    return [*words, word]


def _read_quoted(word: Word, line: str, place: int) -> int:
    """Read the letter at `place`, inside a quotation, and return how many letters were read."""
    letter, following = line[place], line[place + 1 : place + 2]
    if letter == word.quote:
        word.quote, word.raw = "", word.raw + letter
        return 1
    if letter == "\\" and word.quote == '"' and following in _QUOTED_IN_DOUBLE and following:
        word.raw, word.text = word.raw + letter + following, word.text + following
        return 2
    word.raw, word.text = word.raw + letter, word.text + letter
    return 1


def quoted_word(text: str, quote: str) -> str | None:
    """Return `text` as it is typed after the quotation mark `quote`, or without one; None if that cannot be typed."""
    if quote == "'":
        return None if "'" in text else text
    if quote:
        if "!" in text:  # bash replaces it by an old command, and a backslash would stay in the word
            return None
        return "".join(f"\\{letter}" if letter in _QUOTED_IN_DOUBLE else letter for letter in text)
    return "".join(letter if letter.isalnum() or letter in _SAFE else f"\\{letter}" for letter in text)


def without_unchanged(quoted: str, word: Word, word_breaks: str) -> str | None:
    """Return the part of a quoted word with which bash replaces the part of `word` after its last word break.

    bash ends a word at `:` or `=` too. Returns None if the part before that would have to change.
    """
    if word.quote:
        return quoted
    kept = max((word.raw.rfind(letter) for letter in word_breaks if letter in "=:@"), default=-1) + 1
    return quoted[kept:] if quoted.startswith(word.raw[:kept]) else None
