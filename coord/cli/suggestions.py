"""Name the command or option that was probably meant. Imported only when a command line cannot be parsed."""

from collections.abc import Sequence
from difflib import get_close_matches
from shlex import join

from coord.cli.parser import Command
from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.render.format import line

_NOT_SUGGESTED = ("hook", "git-hook")  # only programs call them
_WORDS_FOR_COMMANDS = {
    "start": "begin hello join login register",
    "end": "bye done exit finish leave logout quit stop",
    "heartbeat": "beat ping progress update working",
    "whoami": "id me",
    "status": "agents info list ls overview ps sessions show who",
    "claim": "acquire grab lock reserve take",
    "renew": "extend prolong refresh shorten",
    "release": "delete drop free remove rm unclaim unlock unreserve",
    "handoff": "give hand-over handover pass transfer",
    "break": "force kick kill steal",
    "claims": "held holders leases list locks ls",
    "send": "dm message msg say tell write",
    "send broadcast": "announce broadcast",
    "inbox": "mail messages msgs notices read",
    "reply": "answer respond",
    "ack": "acknowledge confirm",
    "watch": "dashboard live monitor top",
    "web": "browser page ui",
    "log": "events history tail",
    "why": "blame explain trace",
    "diff": "changes compare",
    "report": "summary",
    "timeline": "chart gantt graph",
    "doctor": "check fix health repair",
    "verify": "audit fsck",
    "install": "setup",
    "init": "create setup",
    "uninstall": "remove",
    "mcp": "serve server",
    "--version": "version",
    "claim RESOURCE --wait 10m": "wait",
    "inbox --wait 10m": "wait",
}
"""What people type for a command that has another name."""
_WORDS_FOR_OPTIONS = {
    "--json": "--format -j",
    "--limit": "--count --last --lines --max -n",
    "--mine": "--me --my --own",
    "--note": "--comment --description --message --msg -m",
    "--reason": "--because --message --note --why -m",
    "--session": "--as --id --user",
    "--ttl": "--duration --expires --for --hours --lease --time",
    "--urgency": "--importance --priority",
    "--urgency high": "--critical --important --urgent",
    "--wait": "--block --timeout",
}
"""What people type for an option that has another name, or for an option with one of its values."""

_OPTION_FOR_A_WORD = {
    "start": "--name",
    "end": "--session",
    "status": "--at",
    "board": "--at",
    "report": "--since",
    "timeline": "--since",
    "archive": "--before",
}
"""The option that is probably meant by a word after a command that takes only options."""


def commands_meant(words: Sequence[str]) -> list[str]:
    """Return the command lines to suggest for one that begins with an unknown command; empty if none is similar."""
    first, *rest = words
    by_meaning = [name for name, others in _WORDS_FOR_COMMANDS.items() if first.lower() in others.split()]
    names = by_meaning or _similar_commands(first.lower())
    if len(names) == 1 and _takes_arguments(names[0]):
        return [line(f"coord {names[0]} {join(rest)}", 200)]
    return [f"coord {name}" for name in names]


def _similar_commands(word: str) -> list[str]:
    """Return the command that is meant by a misspelled or shortened word.

    It is the only command that begins with the word, or else the one with the most similar spelling.
    """
    names = [name for name in COMMANDS_BY_NAME if name not in _NOT_SUGGESTED]
    completions = [name for name in names if word and name.startswith(word)]
    return completions if len(completions) == 1 else get_close_matches(word, names, n=1, cutoff=0.75)


def _takes_arguments(name: str) -> bool:
    name = name.partition(" ")[0]
    return name in COMMANDS_BY_NAME and any(not parameter.flags for parameter in load_command(name).parameters)


def option_error(declared: Command, word: str) -> str:
    """Return the error for an unknown option of a command, with the option that was probably meant, or all options."""
    flags = [flag for parameter in declared.parameters for flag in parameter.flags]
    by_meaning = [
        flag for flag, others in _WORDS_FOR_OPTIONS.items() if word in others.split() and flag.split()[0] in flags
    ]
    names = {flag.lstrip("-"): flag for flag in flags}  # all flags begin alike, which says nothing
    similar = by_meaning or [names[name] for name in get_close_matches(word.lstrip("-"), names, n=1, cutoff=0.7)]
    hint = f"; did you mean: {similar[0]}" if similar else f". coord {declared.name} has: {', '.join(flags)}"
    return f"there is no option '{line(word, 40)}'{hint}"


def extra_word_meant(declared: Command, words: Sequence[str]) -> str:
    """Return the command line that is probably meant by a word after a command that takes only options, or ""."""
    option = _OPTION_FOR_A_WORD.get(declared.name)
    if option is None or len(words) != 1 or words[0].startswith("-"):
        return ""
    return line(f"coord {declared.name} {option} {join(words)}", 200)


def first_example(declared: Command) -> str:
    """Return the first example in the help of a command; empty if it has none."""
    return next(iter(_examples(declared)), "")


def quoted_example(declared: Command) -> str:
    """Return the first example with quotation marks, or else the first example."""
    return next((example for example in _examples(declared) if '"' in example), first_example(declared))


def _examples(declared: Command) -> list[str]:
    rows = (declared.function.__doc__ or "").splitlines()
    return [row.strip() for row in rows if row.strip().startswith(f"coord {declared.name}")]
