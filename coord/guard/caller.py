"""Decide which client calls a hook. It is not always the one whose settings contain the hook: GitHub Copilot CLI, for
example, also runs the hooks of Claude Code.

The evidence, the cheapest first: the shape of the payload, the variables of hooks, and the nearest ancestor process
that is a client. A hook loads this module only if the first two do not show that the client called its own hook: see
`coord.clients.client.is_own_call`.
"""

from coord.clients.client import HOOK_VARIABLES, WORDS, Client, client_named, fits, is_own_call, runs_client

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def calling_client(
    own: Client, said: "Mapping[str, object]", env: "Mapping[str, str]", above: "Callable[[], Iterable[Sequence[str]]]"
) -> Client:
    """Return the client that called a hook with the payload `said`. `own` is the client whose hook it is, and `above`
    yields the arguments of the processes above the hook, the nearest first.

    A client other than `own` needs evidence: the shape of its payloads and its variable, or its process. A variable is
    weak evidence, since clients inherit the variables of the client that started them. So if several clients are
    possible, the process decides. If nothing is known of the processes, and the variable of `own` is set, an input that
    its record does not contain is more probable than another client without a variable.
    """
    if is_own_call(own, said, env):
        return own
    marked = [word for word, variable in HOOK_VARIABLES.items() if env.get(variable)]
    clients = [client for client in map(client_named, WORDS) if client]
    fitting = [client for client in clients if fits(client, said)]
    possible = [client for client in fitting if client.word in marked or client.word not in HOOK_VARIABLES]
    if len(possible) == 1 and (possible[0].word in marked or possible[0] is own):
        return possible[0]
    nearest = next((client for argv in above() for client in clients if runs_client(client, argv)), None)
    if nearest and (nearest in fitting or nearest.word in marked):
        return nearest
    return own if own in fitting or own.word in marked or not possible else possible[0]
