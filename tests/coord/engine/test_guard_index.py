"""What the guard's index records of a session."""

import pytest
from msgspec.structs import replace

from projections.rules.sessions import IDLE, is_idle


@pytest.mark.parametrize("target", [IDLE.target, "waiting for its person"])
def test_a_stopped_agent_is_idle_in_logs_of_older_versions(target: str) -> None:
    assert is_idle(replace(IDLE, target=target))
    assert not is_idle(replace(IDLE, target=target, automatic=False)), "a session wrote this itself"
