"""Answer a shell that asks with the variable `_COORD_COMPLETE`, which names the shell and the form of the question.

`SHELL_source` prints the script. The scripts of this version ask with `bash_line`, `zsh_words` and `fish_words`. The
form `SHELL_complete` is that of click, which wrote the scripts of earlier versions; such a script can still be loaded.
"""

from collections.abc import Sequence

from coord.cli.completion.candidates import Candidate
from coord.cli.completion.complete import complete
from coord.cli.completion.scripts import SCRIPTS
from coord.cli.completion.shell_words import Word, quoted_word, split_words, without_unchanged
from coord.workspace.system import System

VARIABLE = "_COORD_COMPLETE"
_OLD_LINE, _OLD_PLACE = "COMP_WORDS", "COMP_CWORD"  # set by scripts that click wrote
_WORD_BREAKS = " \t\n\"'><=;|&(:"  # of bash, unless it names others


def answer(system: System, words: Sequence[str]) -> str | None:
    """Return the answer to the question in the environment; None if that is not a question.

    `words` are the arguments of this process.
    """
    shell, _, form = system.env.get(VARIABLE, "").partition("_")
    if shell not in SCRIPTS:
        return None
    if form == "source":
        return SCRIPTS[shell]
    if form == "complete":
        return _old_answer(system, shell)
    arguments = list(words[1:] if words[:1] == ["--"] else words)
    if form == "line" and arguments:
        return _bash_answer(system, *arguments[:2])
    if form == "words" and arguments:
        rows = complete(system, arguments[:-1], _text_in(shell, arguments[-1]))
        return "".join(f"{row.value}\t{row.description}\n" for row in rows)
    return None


def _text_in(shell: str, word: str) -> str:
    """Return what the word at the cursor means. fish passes it as it was typed, with quotation marks."""
    return split_words(word)[-1].text if shell == "fish" else word


def _bash_answer(system: System, line: str, word_breaks: str = _WORD_BREAKS) -> str:
    words, word = _command_words(line)
    values = []
    for row in complete(system, words, word.text):
        quoted = quoted_word(row.value, word.quote)
        value = None if quoted is None else without_unchanged(quoted, word, word_breaks)
        if value:
            values.append(value)
    return "".join(f"{value}\n" for value in values)


def _command_words(line: str) -> tuple[list[str], Word]:
    """Return the words between the name of the command and the cursor, and the word at the cursor."""
    *words, word = split_words(line)
    while len(words) > 1 and words[0].raw.partition("=")[0].isidentifier() and "=" in words[0].raw:
        del words[0]  # an assignment before the command
    return [each.text for each in words[1:]], word


def _old_answer(system: System, shell: str) -> str:
    """Return the answer in click's form: lines of a type and a value."""
    line = system.env.get(_OLD_LINE, "").replace("\n", " ")  # bash joins the words with line breaks
    if shell == "fish":
        words, _ = _command_words(line)
        word = split_words(system.env.get(_OLD_PLACE, ""))[-1]
    else:
        typed = [each.text for each in split_words(line)]
        number = system.env.get(_OLD_PLACE, "")
        place = int(number) if number.isdecimal() else len(typed) - 1
        words, word = typed[1:place], Word(text=typed[place] if place < len(typed) else "")
    rows = complete(system, words, word.text)
    return "".join(f"{_old_row(shell, row)}\n" for row in rows) or _OLD_FILES[shell].format(text=word.text)


_OLD_FILES = {"bash": "file,\n", "zsh": "file\n_\n_\n", "fish": "file,{text}\n"}
"""How click says that the shell must complete files."""


def _old_row(shell: str, row: Candidate) -> str:
    if shell == "bash":
        quoted = quoted_word(row.value, "") or ""
        return "plain," + quoted.replace("\\", "\\\\")  # the script reads each line with `read`, without -r
    if shell == "fish":
        return f"plain,{row.value}\t{row.description}" if row.description else f"plain,{row.value}"
    value = row.value.replace(":", "\\:") if row.description else row.value
    return f"plain\n{value}\n{row.description or '_'}"
