"""`coord verify` finds nothing if nothing is wrong, for any history, however its journals arrived and wherever a fold
was saved; and it finds any journal that has less than was read before.
"""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.admin.verify import verify
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import add_time
from eventlog.local.files import ARCHIVE_FOLDER
from tests.support.histories import GAPS_S, histories, journals_of
from tests.support.in_process import HERE, Table
from tests.support.journals import lines_of

pytestmark = pytest.mark.slow


@given(st.data())
def test_verify_compares_checkpoint_and_journals(workspace: Workspace, data: st.DataObject) -> None:
    events = data.draw(histories())
    journals = {name: lines_of(journal) for name, journal in journals_of(events).items()}
    log, cache = Path(workspace.log), Path(workspace.cache)
    for folder in (log, cache):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    end = add_time(events[-1].at, 60)
    system = System({}, workspace.root, lambda: end, 1, lambda: HERE, Table)
    delivered = dict.fromkeys(journals, 0)
    for _ in range(3):
        for name, lines in journals.items():
            delivered[name] = data.draw(st.integers(delivered[name], len(lines)))
            if delivered[name]:
                (log / f"{name}.jsonl").write_bytes(b"".join(lines[: delivered[name]]))
        snapshot = Snapshot(system, workspace, posts=True)
        snapshot.catch_up()
        if data.draw(st.booleans()):
            snapshot.advance(add_time(snapshot.state.at or end, data.draw(st.sampled_from(GAPS_S))))
        snapshot.save()
        assert verify(system, workspace).checkpoint == "same"
    archived = data.draw(st.lists(st.sampled_from(sorted(journals)), unique=True))
    (log / ARCHIVE_FOLDER).mkdir()
    for name in archived:
        if delivered[name]:
            (log / f"{name}.jsonl").rename(log / ARCHIVE_FOLDER / f"{name}.jsonl")
    for name, lines in journals.items():
        if name not in archived:
            (log / f"{name}.jsonl").write_bytes(b"".join(lines))
    found = verify(system, workspace)
    assert found.whole
    assert found.checkpoint == "same"
    assert sum(journal.events for journal in found.journals) >= sum(delivered.values())
    lost = data.draw(st.sampled_from([name for name in journals if delivered[name]] or [""]))
    for path in log.rglob(f"{lost}.jsonl"):
        path.write_bytes(b"".join(journals[lost][: delivered[lost] - 1]))
        assert [journal.session for journal in verify(system, workspace).journals if journal.rewound] == [lost]
