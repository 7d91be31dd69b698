"""`coord report`."""

import click
import msgspec

from coord.commands._stretch import stretch
from coord.options import command
from coord.reporting import report_markdown, report_text
from coord.run import Run
from projections.report import report as report_on


@command("report", acts=False)
@click.option(
    "--since", metavar="TIME", default="8h", show_default=True, help="From when: 8h, yesterday, an event's id."
)
@click.option("--until", metavar="TIME", help="Up to when, if not up to now.")
@click.option("--markdown", is_flag=True, help="Print it as Markdown.")
def report(run: Run, since: str, until: str | None, markdown: bool) -> None:
    """One page on a stretch of time: what went wrong, and what each session did, finished and left.

    \b
    Examples:
      coord report
      coord report --since "yesterday 18:00"
      coord report --since monday --until yesterday --markdown > week.md
    """
    found = stretch(run, since, until)
    page = report_on(found.account, found.since, found.board)
    words = report_markdown if markdown else report_text
    run.say("" if run.json else words(page, found.damage), {"damage": found.damage, **msgspec.to_builtins(page)})
