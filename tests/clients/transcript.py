"""`python -m tests.clients.transcript [claude|codex|gemini]` prints what two real agents in one repository do.

The models are scripted. Everything else is real: what coord shows to the models, the log, the board, ids and times.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.support.clients.agents import Agent
from tests.support.clients.installing import install
from tests.support.clients.looking import session_of
from tests.support.clients.model import Heard
from tests.support.clients.programs import PROGRAMS, Program, found
from tests.support.clients.repositories import with_first_commit
from tests.support.repositories import Repo, bare
from tests.support.repositories import install as initialise

_INDENT = "    "
_TAGS = re.compile(r"</?(?:system-reminder|hook_context|untrusted_context)>")


def _step(who: str, does: str) -> None:
    """Print an action."""
    print(f"\n{who} {does}")


def _ours(heard: Heard, mark: str = "coord: ") -> list[str]:
    """The new paragraphs of a request that contain the mark."""
    paragraphs = [part.strip() for text in heard.new for part in _TAGS.sub("\n\n", text).split("\n\n")]
    return [paragraph for paragraph in paragraphs if mark in paragraph]


def _heard(agent: Agent, heard: Heard, mark: str = "coord: ") -> None:
    """Print what a model got from coord."""
    text = "\n".join(_ours(heard, mark)).replace(str(agent.root), "/repo")
    print("\n".join(f"{_INDENT}│ {line}" for line in text.splitlines()) or f"{_INDENT}(nothing)")


def _shown(text: str) -> None:
    """Print the output of a command."""
    print("\n".join(_INDENT + line for line in text.strip().splitlines()))


def play(program: Program, repo: Repo, homes: Path) -> None:
    """Run the script in a repository."""
    agents: dict[str, Agent] = {}
    title = program.client.title
    print(f"Two agents in {title}, in one repository. They call coord only where it is shown.")
    try:
        for name in ("Ada", "Ben"):
            (homes / name).mkdir()
            agents[name] = Agent(program, repo.root, homes / name)
            install(agents[name])
        _story(repo, agents["Ada"], agents["Ben"])
    finally:
        for agent in agents.values():
            agent.close()


def _story(repo: Repo, ada: Agent, ben: Agent) -> None:
    _step("Ada's user", 'says "Write the landing page". What coord adds for her model:')
    _heard(ada, ada.prompt("Write the landing page"))
    _step("Ada", "writes page.py and draft.py.")
    ada.writes("page.py", "print('landing')\n")
    ada.writes("draft.py", "print('draft')\n")
    _step("Ben's user", 'says "Add a footer to the page". What coord adds for his model:')
    _heard(ben, ben.prompt("Add a footer to the page"))
    _step("Ben", "writes page.py. What his model gets back:")
    _heard(ben, ben.writes("page.py", "print('footer')\n"))
    ask = f'coord send {session_of(repo, ada)} "page.py" "I need only the footer. When are you done?"'
    _step("Ben", f"runs {ask}")
    ben.runs(ask)
    _step("Ada", "runs her page. What coord adds to the result:")
    _heard(ada, ada.runs("python3 page.py"))
    _step("The board", "now (coord board):")
    _shown(repo.shell().ok("coord board"))
    _step("Ada", "commits page.py. Ben writes it again, and his model gets back:")
    ada.runs("git add page.py && git commit -q -m 'The landing page'")
    ben.reads("page.py")
    _heard(ben, ben.writes("page.py", "print('landing')\nprint('footer')\n"), "uccess")
    _step("Ada's client", "is killed (kill -9). Ben writes draft.py, and his model gets back:")
    ada.kill()
    ben.reads("draft.py")
    _heard(ben, ben.writes("draft.py", "print('draft 2')\n"), "uccess")
    for name, agent in (("Ada", ada), ("Ben", ben)):
        pieces = [piece for heard in agent.heard for piece in _ours(heard)]
        _step(f"From coord, {name}'s model", f"got {sum(map(len, pieces))} characters in {len(pieces)} pieces.")
    _step("The log", "at the end (coord log):")
    _shown(repo.shell().ok("coord log"))


def main(words: list[str]) -> int:
    """Run the script; the exit code."""
    word = words[0] if words else "claude"
    program = next((program for program in PROGRAMS if program.client.word == word), None)
    if program is None or not found(program):
        print(f"{word} is not installed: see tests/clients/__init__.py", file=sys.stderr)
        return 2
    base = Path(tempfile.mkdtemp(prefix="coord-"))
    try:
        for repo in bare(base):
            play(program, with_first_commit(initialise(repo)), base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
