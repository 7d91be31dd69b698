"""`coord report`: print what happened in a period on one page."""

import msgspec

from coord.cli.commands.history._period import DEFAULT_PERIOD_S, read_period
from coord.cli.paging import limit_option
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.render.report.page import report_markdown, report_sections
from coord.render.report.rows import MOST_ROWS
from projections.views.report import build_report


@command("report", acts=False, negative="there is no option '{word}'. To begin at a time: coord report --since -8h.")
@option(
    "--since",
    metavar="TIME",
    help="Begin at TIME: 90m, yesterday, an event id. The default is 8 hours before the end.",
)
@option("--until", metavar="TIME", help="End at TIME instead of now.")
@option("--markdown", is_flag=True, help="Print Markdown.")
@option("--html", metavar="FILE", help="Write the page of the period to FILE instead, as coord web --export does.")
@limit_option(f"rows of each section; the default is {MOST_ROWS} for most, and all with --json")
def report(run: Run, since: str | None, until: str | None, markdown: bool, html: str | None, limit: int | None) -> None:
    """Summarize a period on one page: what went wrong, and what each session did, finished and left unfinished.

    An event id means the time just after that event.

    \b
    Examples:
      coord report
      coord report --since "yesterday 18:00"
      coord report --since monday --until yesterday --markdown > week.md
      coord report --since "yesterday 18:00" --html night.html
    """
    if html:
        from coord.cli.commands.history._export import export_page  # few reports are pages

        export_page(run, html, since, until, DEFAULT_PERIOD_S)
        return
    period = read_period(run, since, until)
    page = build_report(period.analysis, period.since, period.board)
    data = {"damage": period.damage, **msgspec.to_builtins(page)}

    def again(count: int) -> str:
        return run.repeat("report", limit=count)

    if markdown:
        run.say(report_markdown(page, period.damage, limit, again), data)
    else:
        run.show(report_sections(page, period.damage, limit, again), data)
