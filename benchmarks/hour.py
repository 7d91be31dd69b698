"""Count the characters that reach an agent in an hour of work: `python -m benchmarks.hour`.

One agent, then three, work in a repository for an hour of a simulated clock. Every half minute each writes a file, once
in a while a file of another agent, and runs a shell command. Every ten minutes it is prompted and sends a message to
another agent, and every twenty it commits. The count includes all that hooks add to its context, and denials.
"""

import random
import tempfile
from pathlib import Path

from coord.render.format import plural
from tests.support.agents import Agents
from tests.support.repositories import bare, install

STEP_S, HOUR_S = 30, 3600


def simulate(root: Path, clients: dict[int, str], seed: int = 1) -> tuple[Agents, int]:
    """Simulate the hour; return the agents and the number of hook calls."""
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
    """Print how much reaches one agent alone, and each of three agents."""
    for clients in ({100: "claude"}, {100: "claude", 200: "codex", 300: "gemini"}):
        with tempfile.TemporaryDirectory() as root:
            agents, calls = simulate(Path(root), clients)
        for pid, client in clients.items():
            given = agents.chars[f"c{pid}"]
            print(f"{plural(len(clients), 'agent')}: {client} got {given} characters; {calls} hook calls")


if __name__ == "__main__":
    main()
