"""Who publishes for a command: the link, if it runs, or for git the command's own process."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from coord.engine.sync.link.client import LinkAway, LinkClient
from coord.engine.sync.link.start import ensure_link, start_link
from coord.engine.sync.record import JoinedRemote, open_remote
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.remotes.remote import Behind, RemoteAway

if TYPE_CHECKING:
    from coord.engine.sync.exchange.exchange import Exchange
    from coord.engine.sync.pending import Draft

_PAUSE_S = 0.01


class Agreement(Protocol):
    """Publishes drafts on a condition. All methods raise RemoteAway, RemoteRefused, or OutcomeUnknown."""

    @property
    def clock_lead_s(self) -> float:
        """How far this machine's clock is ahead of the remote's, in seconds, as far as known."""
        ...

    def current(self) -> str:
        """Return the cursor up to which the remote is in the log. Does not need the remote."""
        ...

    def catch_up(self) -> str:
        """Bring in what is new. The caller must not hold the machine's lock."""
        ...

    def agree(self, draft: "Draft") -> str | Behind:
        """Publish a draft if nothing was published after its cursor. The caller holds the machine's lock."""
        ...

    def close(self) -> None:
        """Let others use it."""
        ...


class OwnExchange:
    """The exchange in this process. See `Agreement`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    @property
    def clock_lead_s(self) -> float:
        """See `Agreement`."""
        return self._exchange.status.clock_lead_s

    def current(self) -> str:
        """See `Agreement`."""
        return self._exchange.cursor

    def catch_up(self) -> str:
        """See `Agreement`."""
        return self._exchange.catch_up()

    def agree(self, draft: "Draft") -> str | Behind:
        """See `Agreement`."""
        return self._exchange.agree(draft)

    def close(self) -> None:
        """See `Agreement`."""
        self._exchange.close()


def try_agreement(
    system: System, workspace: Workspace, config: Config, joined: JoinedRemote, *, in_hook: bool
) -> Agreement | None:
    """Return an agreement without waiting; None if another process exchanges at this moment, or the link starts.

    Raises RemoteAway. A hook uses only the link, since it never speaks to a network.
    """
    client = LinkClient(workspace.cache, config.agree_seconds)
    with suppress(LinkAway):
        client.state()
        return client
    if in_hook or joined.kind != "git":
        start_link(system, workspace)
        return None
    from coord.engine.sync.exchange.exchange import Exchange, ExchangeBusy

    remote = open_remote(joined, system, workspace, config)
    try:
        return OwnExchange(Exchange(system, workspace, config, remote))
    except ExchangeBusy:
        remote.close()
        return None


def wait_for_agreement(
    system: System, workspace: Workspace, config: Config, joined: JoinedRemote, *, in_hook: bool
) -> Agreement:
    """Return an agreement, after waiting for the link or for another process. Raises RemoteAway."""
    if in_hook or joined.kind != "git":
        ensure_link(system, workspace)
    deadline = time.monotonic() + (0 if in_hook else config.agree_seconds)
    while True:
        if found := try_agreement(system, workspace, config, joined, in_hook=in_hook):
            return found
        if time.monotonic() >= deadline:
            raise RemoteAway("the link to the other machines does not run. To see why: coord link")
        time.sleep(_PAUSE_S)
