"""The stories of an exported page are the answers of `coord why`."""

import json

from coord.cli.commands.history._stories import stories
from coord.engine.run import Run
from coord.servers.child_process import ChildAnswer
from coord.servers.export.span import Subjects
from coord.servers.web.stories import story_document
from projections.views.point_in_time import after_event
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


def test_each_story_is_the_answer_of_why(repo: Repo) -> None:
    inside = SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")),
        (200, ("start", "--name", "ben")),
        (300, ("start", "--name", "cai")),
        (100, ("claim", "file", "src/", "--note", "landing page")),
        (200, ("claim", "file", "src/app.py")),
        (200, ("send", "ada,cai", "src", "How long?", "--needs-ack")),
        (100, ("inbox",)),
        (100, ("handoff", "file", "src/", "ben", "--note", "red on purpose")),
        (300, ("break", "file", "src/", "--reason", "he is away")),
        (200, ("release", "port", "1")),
        (300, ("send", "broadcast", "All", "Done")),
        (200, ("end",)),
    )
    run = Run(inside.system(100, {}))
    past = run.full_history()
    cut = after_event(past.events[-1])
    subjects = Subjects(
        list({event.session for event in past.events}),
        ["file/src/", "file/src/app.py"],
        [event.id for event in past.events],
    )
    found = dict(stories(run, past, cut, subjects))
    assert set(found) == {*subjects.sessions, *subjects.resources, *subjects.events}
    for about, story in found.items():
        answer = inside.run(100, "why", "--json", "--limit", "100", f"--at={past.events[-1].id}", "--", about)
        wanted = story_document(about, ChildAnswer(0, [json.loads(answer.out)]))
        assert story == wanted, about
