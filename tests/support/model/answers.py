"""The answers that sessions got about claims, and the checks that no later answer contradicts them."""

from dataclasses import dataclass
from typing import Any

from eventlog.events import Instant, add_time, from_micros
from tests.support.model.patterns import overlap

WAIT_S, LAPSE_S = 120, 60


@dataclass
class Hold:
    """A claim that a session was told it holds."""

    session: str
    claim: str
    resource: str
    until: Instant


class Judge:
    """Records answers, and checks each against those before."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        self.waiting: list[tuple[str, str]] = []  # the requests that wait now, and their sessions
        self.waited: dict[str, tuple[str, Instant]] = {}  # resource and time of each request that was told to wait
        self.lost: list[Hold] = []  # claims that expired and were granted to another session

    def granted(self, session: str, said: dict[str, Any]) -> None:
        start = from_micros(said["token"])
        assert said["outcome"] == "granted" or said["claim"] in self.waited.keys() | self.holds.keys(), (
            f"renewed a claim that was never granted: {said}"
        )
        if said["claim"] in self.holds:
            return self.renewed(said, said["at"])
        resource, asked = self.waited.get(said["claim"], (said["resource"], start))
        for hold in list(self.holds.values()):
            if hold.session != session and overlap(hold.resource, resource):
                assert hold.until <= start, f"two holders: {hold}, and {said}"
                self.lost.append(self.holds.pop(hold.claim))
        for name, other in self.waiting:
            wanted, since = self.waited.get(name, ("", start))  # the default is for a request that was released
            first = other == session or not overlap(wanted, resource) or since > asked
            assert first or start >= add_time(since, LAPSE_S), f"{name} waits longer: {said}"
        self.holds[said["claim"]] = Hold(session, said["claim"], resource, said["until"])
        return None

    def renewed(self, said: dict[str, Any], at: Instant) -> None:
        hold = self.holds[said["claim"]]
        assert at < hold.until, f"renewed after its end: {hold}, {said}"
        if said["resource"] != hold.resource:
            assert hold.until <= said["until"], f"shortened by a request for a part of it: {hold}, {said}"
        hold.until = said["until"]

    def refused(self, said: dict[str, Any]) -> None:
        assert said["obstacles"], said
        for one in said["obstacles"]:
            assert one["session"] != said["session"], said
            assert one["until"] > said["at"], f"an ended claim blocks: {said}"
            if one["kind"] == "claim" and one["claim"] in self.holds:
                assert one["until"] == self.holds[one["claim"]].until, f"an earlier answer gave another end: {said}"
            else:
                assert one["claim"] in self.waited, f"no session was told that it has {one}"
                most = add_time(said["at"], LAPSE_S) if one["kind"] == "claim" else add_time(one["since"], WAIT_S)
                assert one["until"] <= most, f"later than the rules allow: {said}"

    def not_yours(self, session: str, resource: str, latest: Instant) -> None:
        for hold in self.holds.values():
            mine = (hold.session, hold.resource) == (session, resource)
            assert not mine or hold.until <= latest, f"the answer says that {hold} has ended"
