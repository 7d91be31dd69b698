"""How many characters reach an agent in an hour of work: `python -m benchmarks.hour`.

Three agents work in one repository for an hour of a clock that is held: each writes and runs something every half
minute, now and then a file of another; writes to another every ten minutes; is prompted every ten, and commits every
twenty. What their clients are given for their contexts is counted; a denial counts as well.
"""

import random
import tempfile
from pathlib import Path

from tests.support.agents import Agents
from tests.support.repositories import bare, install

STEP_S, HOUR_S = 30, 3600


def played(root: Path, clients: dict[int, str], seed: int = 1) -> tuple[Agents, int]:
    """The hour, and how many hooks were called in it."""
    repos = bare(root)
    repo = install(next(repos))
    agents, chance = Agents(repo, clients), random.Random(seed)
    agents.shell(next(iter(clients)), "git commit -q --allow-empty -m first", hooks=False)
    calls = 0
    for pid in clients:
        agents.starts(pid)
    for second in range(0, HOUR_S, STEP_S):
        for pid in clients:
            mine, theirs = f"src/{pid}/{chance.randrange(4)}.py", f"src/{chance.choice(list(clients))}/0.py"
            agents.writes(pid, theirs if chance.random() < 0.05 else mine, f"{second}\n")
            agents.shell(pid, "true")
            calls += 4
            if second % 600 == 300 and len(clients) > 1:
                other = chance.choice([other for other in clients if other != pid])
                agents.coord(pid, "send", agents.session(other), "Question", "Do you still need the parser as it is?")
            if second % 600 == 0:
                agents.hook(pid, "stop")
                agents.hook(pid, "prompt")
                calls += 2
            if second % 1200 == 1170:
                agents.shell(pid, f"git add -A src/{pid}; git commit -q --allow-empty -m more")
        agents.machine.wait(STEP_S)
    repos.close()
    return agents, calls


def main() -> None:
    """Print what reached whom, alone and of three."""
    for clients in ({100: "claude"}, {100: "claude", 200: "codex", 300: "gemini"}):
        with tempfile.TemporaryDirectory() as root:
            agents, calls = played(Path(root), clients)
        for pid, word in clients.items():
            given = agents.chars[f"c{pid}"]
            print(f"{len(clients)} at work: {word} was given {given} characters; {calls} hooks were called")


if __name__ == "__main__":
    main()
