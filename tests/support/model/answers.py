"""What sessions were told about claims, and what no later answer may contradict."""

from dataclasses import dataclass
from typing import Any

from eventlog.events import Instant, add_time, from_micros
from tests.support.model.patterns import overlap

WAIT_S, LAPSE_S = 120, 60


@dataclass
class Hold:
    """What a session was told that it holds."""

    session: str
    claim: str
    resource: str
    until: Instant


class Judge:
    """Who was told what."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        self.waiting: list[tuple[str, str]] = []  # which of them wait now, and whose they are
        self.waited: dict[str, tuple[str, Instant]] = {}  # the requests that were told to wait: for what, since when
        self.lost: list[Hold] = []  # what ran out and went to another

    def granted(self, session: str, said: dict[str, Any]) -> None:
        start = from_micros(said["token"])
        assert said["outcome"] == "granted" or said["claim"] in self.waited.keys() | self.holds.keys(), (
            f"of nothing: {said}"
        )
        if said["claim"] in self.holds:
            return self.renewed(said, said["at"])
        resource, asked = self.waited.get(said["claim"], (said["resource"], start))
        for hold in list(self.holds.values()):
            if hold.session != session and overlap(hold.resource, resource):
                assert hold.until <= start, f"two holders: {hold}, and {said}"
                self.lost.append(self.holds.pop(hold.claim))
        for name, other in self.waiting:
            wanted, since = self.waited.get(name, ("", start))  # unless it was released meanwhile
            first = other == session or not overlap(wanted, resource) or since > asked
            assert first or start >= add_time(since, LAPSE_S), f"{name} waits longer: {said}"
        self.holds[said["claim"]] = Hold(session, said["claim"], resource, said["until"])
        return None

    def renewed(self, said: dict[str, Any], at: Instant) -> None:
        hold = self.holds[said["claim"]]
        assert at < hold.until <= said["until"], f"renewed after it was over, or made shorter: {hold}, {said}"
        hold.until = said["until"]

    def refused(self, said: dict[str, Any]) -> None:
        assert said["obstacles"], said
        for one in said["obstacles"]:
            assert one["session"] != said["session"], said
            assert one["until"] > said["at"], f"what is over is in the way: {said}"
            if one["kind"] == "claim" and one["claim"] in self.holds:
                assert one["until"] == self.holds[one["claim"]].until, f"told otherwise before: {said}"
            else:
                assert one["claim"] in self.waited, f"nobody was told that it has {one}"
                most = add_time(said["at"], LAPSE_S) if one["kind"] == "claim" else add_time(one["since"], WAIT_S)
                assert one["until"] <= most, f"longer than the rules say: {said}"

    def not_yours(self, session: str, resource: str, latest: Instant) -> None:
        for hold in self.holds.values():
            mine = (hold.session, hold.resource) == (session, resource)
            assert not mine or hold.until <= latest, f"{hold} is told to be over"
