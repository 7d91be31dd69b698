"""`coord claim`: claim a resource, now or when it becomes free."""

from coord.cli.commands.claims._answer import print_results
from coord.cli.commands.claims._request import ClaimResult, ClaimTerms, claim_request, request_claims
from coord.cli.parser import argument, command, option
from coord.cli.resources.file_names import EVERYTHING, new_path
from coord.cli.resources.guarded import note_on_wildcards, refuse_unguarded
from coord.cli.resources.words import resources_and_hours
from coord.engine.run import Run
from coord.engine.times.durations import NEGATIVE, parse_ttl_s, parse_wait_s
from coord.engine.transaction import Transaction
from coord.errors import usage_error
from coord.hooks.edits import GitAnswers, conflicting_claims
from coord.workspace.identity import Identity
from eventlog.events import Instant
from projections.rules.state import State


@command("claim", negative=NEGATIVE)
@argument("words", metavar="RESOURCE... [HOURS]", nargs=-1, required=True)
@option("--ttl", help="How long the claim lasts, instead of HOURS: 90m, 2h.")
@option("--shared", is_flag=True, help="Allow other shared claims on it, but no exclusive one.")
@option("--wait", help="If the resource is taken, wait for at most this long: 10m. Works for one resource.")
@option("--note", default="", help="What you need it for; others see this.")
@option("--new-type", is_flag=True, help="Allow a type that nobody has used here and that the settings do not list.")
@option("--offline", is_flag=True, help="Do not ask the other machines: the claim is provisional until they agree.")
def claim(
    run: Run,
    words: tuple[str, ...],
    ttl: str | None,
    shared: bool,
    wait: str | None,
    note: str,
    new_type: bool,
    offline: bool,
) -> None:
    """Claim a resource, so that no other session works on it. Exit code 1 if it is taken.

    RESOURCE is TYPE NAME or TYPE/NAME. The name of a `file` is a path from the repository's root: `*`, `?` and `**` are
    wildcards, and a trailing `/` means everything below that folder. Several resources are claimed all together or not
    at all.

    HOURS defaults to the setting `claim_hours`, which is 4. If you already have the claim, it is extended. It is
    shortened only if you give a time.

    \b
    Examples:
      coord claim file src/app.py --note "landing page"
      coord claim droplet church-guidance 4
      coord claim file/src/api/ --ttl 90m --wait 10m
      coord claim file src/app.py file src/test_app.py port 8000
    """
    run.offline = offline
    resources, hours = resources_and_hours(run, "claim", words, new_type=new_type)
    terms = ClaimTerms(
        mode="shared" if shared else "exclusive",
        ttl_s=parse_ttl_s(hours, ttl, run.config.claim_hours),
        wait_s=parse_wait_s(wait),
        note=note,
        exact=hours is not None or ttl is not None,
    )
    if terms.wait_s and len(resources) > 1:
        raise usage_error(
            "--wait works for one resource only, because a session that holds one and waits for another can cause a "
            "deadlock. Nothing was claimed. Claim them without --wait, or one after the other."
        )
    for resource in resources:
        _check_protection(run, resource)
    print_results(run, _request(run, resources, terms))


def _request(run: Run, resources: list[str], terms: ClaimTerms) -> list[ClaimResult]:
    """Request the resources, and wait if that was asked for."""
    answers = GitAnswers(run.workspace)

    def prepare(state: State, now: Instant) -> None:
        for resource in resources:
            answers.learn(conflicting_claims(state, claim_request(Identity("", ""), resource, terms, now)))

    def decide(transaction: Transaction) -> list[ClaimResult]:
        return request_claims(transaction, run.config, answers, resources, terms)

    if terms.wait_s:
        from coord.cli.commands.claims._wait import request_and_wait  # most requests do not wait

        return [request_and_wait(run, terms.wait_s, lambda transaction: decide(transaction)[0], prepare)]
    return run.transact(decide, prepare=prepare).value


def _check_protection(run: Run, resource: str) -> None:
    """Print a note about a resource that may not be what was meant. Raises CoordError (2) for a file that another log
    guards.
    """
    refuse_unguarded(run.system, run.workspace, resource)
    if resource == f"file/{EVERYTHING}":
        run.note("this claims every file in the repository")
    if (note_on_name := note_on_wildcards(run.workspace, resource)) and not run.json:
        run.note(note_on_name)
    if (path := new_path(run.workspace, resource)) and not run.json:
        run.note(f"{path} does not exist yet, so only this path is claimed; for a folder, claim file/{path}/")
