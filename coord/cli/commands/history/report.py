"""`coord report`."""

import msgspec

from coord.cli.commands.history._period import read_period
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.render.report.page import report_markdown, report_text
from projections.views.report import build_report as report_on


@command("report", acts=False, negative="there is no option '{word}'. From a time on: coord report --since -8h.")
@option("--since", metavar="TIME", help="From when: 90m, yesterday, an event. If not: 8 hours before the end.")
@option("--until", metavar="TIME", help="Up to when, if not up to now.")
@option("--markdown", is_flag=True, help="Print it as Markdown.")
def report(run: Run, since: str | None, until: str | None, markdown: bool) -> None:
    """One page on a stretch of time: what went wrong, and what each session did, finished and left.

    A moment is a time, or an event, which means just after it.

    \b
    Examples:
      coord report
      coord report --since "yesterday 18:00"
      coord report --since monday --until yesterday --markdown > week.md
    """
    found = read_period(run, since, until)
    page = report_on(found.account, found.since, found.board)
    words = report_markdown if markdown else report_text
    run.say("" if run.json else words(page, found.damage), {"damage": found.damage, **msgspec.to_builtins(page)})
