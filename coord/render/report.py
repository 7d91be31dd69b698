"""The report as a page, for a terminal or as Markdown: the same words in both, the most important first.

Whoever reads it has just come back. So what is missing of the log comes first, then what needs someone, then what went
wrong, then what each session did. Every list is cut at what a page bears, and says how to see the rest.

A session is called by its name here, if no other has that one; the events that a row names have its id.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from coord.render.format import ago, duration_text, line, markdown_text, period_text, plural, session_label, time_text
from eventlog.events import DAY_S, Instant, seconds_between
from projections.views.activity import ActivityPeriod, ReportItem, SessionActivity
from projections.views.board import Need
from projections.views.report import Death, Report, Unanswered

_ROWS, _WAITS, _SESSIONS = 6, 3, 8  # that a page bears, of each
_FEW, _OF_FEW, _OF_MANY = 4, 6, 2  # with few sessions there is room for more of what each did
Escape = Callable[[str, int], str]


class ReportRow(Struct, frozen=True):
    """A line of the page, and those that belong to it."""

    text: str
    under: Sequence[str] = ()


class Section(Struct, frozen=True):
    """A part of the page: its sign, its title, its rows; `more` is how many are not shown."""

    sign: str
    title: str
    rows: Sequence[ReportRow]
    more: int = 0


def report_text(report: Report, damage: Sequence[str]) -> str:
    """The page for a terminal; `damage` is what is missing of the log."""
    title, words, sections = _ReportWriter(report, line).page(damage)
    parts = [f"📋 {title}\n{words}"]
    for section in sections:
        rows = [f"- {row.text}" + "".join(f"\n    {under}" for under in row.under) for row in section.rows]
        parts.append("\n".join([f"{section.sign} {section.title.upper()}", *rows, *_more(section)]))
    return "\n\n".join(parts)


def report_markdown(report: Report, damage: Sequence[str]) -> str:
    """The page as Markdown."""
    title, words, sections = _ReportWriter(report, markdown_text).page(damage)
    parts = [f"# 📋 {title}\n\n{words}\n"]
    for section in sections:
        rows = [f"- {row.text}" + "".join(f"\n  - {under}" for under in row.under) for row in section.rows]
        parts.append("\n".join([f"## {section.sign} {section.title}\n", *rows, *_more(section), ""]))
    return "\n".join(parts)


def _more(section: Section) -> list[str]:
    return [f"- … and {section.more} more: --json shows all"] if section.more else []


class _ReportWriter:
    """Puts a report into words; `say` makes what others wrote harmless where the page is shown."""

    def __init__(self, report: Report, say: Escape) -> None:
        self.report, self.say, self.now = report, say, report.until
        self.within_a_day = seconds_between(report.since, report.until) < DAY_S  # no time of day is there twice
        self.names: Mapping[str, str] = report.names
        ids = (worker.id for worker in report.sessions if worker.id != worker.name)
        self.taken = Counter([*report.names.values(), *ids])

    def page(self, damage: Sequence[str]) -> tuple[str, str, list[Section]]:
        """The title, the words under it, and the sections that have something to say."""
        report = self.report
        lasted = duration_text(seconds_between(report.since, report.until))
        title = f"Report on {lasted}: {period_text(report.since, report.until, '')}"
        pressing = sorted(report.unanswered, key=lambda message: message.needs_ack or message.urgency == "high")
        sections = [
            _section("🚨", "The log is damaged: this page may be wrong", [ReportRow(self.say(t, 300)) for t in damage]),
            _section("⚠️ ", "Needs someone", self.needs(), newest=False),
            _section("💀", "Died", [ReportRow(self.died(death), self.after(death)) for death in report.deaths]),
            _section("❌", "Lost", [ReportRow(self.loss(item)) for item in report.lost]),
            _section("🔨", "Broken", [ReportRow(self.broken(item)) for item in report.breaks]),
            _section("⌛", "Ran out of time", [ReportRow(self.expired(item)) for item in report.expired]),
            _section("⛔", "Refused", [ReportRow(self.refusal(item)) for item in report.refusals]),
            _section("📭", "Not answered", [ReportRow(self.unanswered(message)) for message in pressing]),
            _section(
                "⏳", "Longest waits", [ReportRow(self.wait(item)) for item in report.waits], _WAITS, newest=False
            ),
            self.sessions(),
        ]
        return title, self.summary(), [section for section in sections if section.rows]

    def summary(self) -> str:
        """How much there was; if nothing, when the last event was."""
        totals = self.report.totals
        if totals.events:
            return (
                f"{plural(totals.sessions, 'session')} · {plural(totals.events, 'event')} · "
                f"{plural(totals.granted, 'claim')} granted · {plural(totals.messages, 'message')}"
            )
        if not self.report.last_event:
            return "Nothing happened: the log has no events yet."
        last, when = self.report.last_event, time_text(self.report.last_at, self.now)
        before = ago(self.report.last_at, self.now)
        return f"Nothing happened. The last event was {last}, {when}, {before}: coord report --until {last}"

    # --- what went wrong: who, what, the others, when, and the events that say so

    def needs(self) -> list[ReportRow]:
        """What needs someone; of many that are alike, of one session, the first."""
        alike: dict[tuple[str, str], list[Need]] = {}
        for number, need in enumerate(need for need in self.report.needs if need.kind != "journal"):
            alike.setdefault((need.kind, need.session or str(number)), []).append(need)
        more = [f" (and {len(some) - 1} more like this)" if len(some) > 1 else "" for some in alike.values()]
        return [ReportRow(self.say(some[0].text, 300) + rest) for some, rest in zip(alike.values(), more, strict=True)]

    def died(self, death: Death) -> str:
        """A session that was presumed dead."""
        why = self.say(death.evidence, 200) or "no evidence given"
        return f"{self.at(death.at)} {self.who(death.session)}: {why}, noticed by {self.who(death.by)} ({death.event})"

    def after(self, death: Death) -> list[str]:
        """What became of what it held, and of the session."""
        rows = []
        for item in death.held[:_OF_MANY]:
            got = f"it went at once to {self.people(item.others)}" if item.others else "nobody waited for it"
            rows.append(f"held {self.say(item.what, 120)}: {got} ({item.events[-1]})")
        hidden = len(death.held) - _OF_MANY
        rows += [f"… and {hidden} more that it held: coord why {death.event}"] if hidden > 0 else []
        if death.back:
            without = " without what it had held" if death.held else ""
            if death.told_at:
                told = f"; at {self.at(death.told_at)} it read that it had been presumed dead"
            else:
                told = f", was heard until {self.at(death.last_at)}, and did not read that it had been presumed dead"
            rows.append(f"spoke again {self.at(death.back_at)}{without}{told} ({death.back})")
        return rows

    def loss(self, item: ReportItem) -> str:
        """A claim that a session was told it had, and had not."""
        to = f" to {self.who(item.others[0])}" if item.others else ""
        what, why = self.say(item.what, 120), self.say(item.words, 200)
        return f"{self.at(item.at)} {self.who(item.session)} lost {what}{to}: {why}{_events(item)}"

    def broken(self, item: ReportItem) -> str:
        """A claim that someone else ended."""
        by, what = self.who(item.others[0]), self.say(item.what, 120)
        why = self.say(item.words, 200) or "no reason given"
        return f"{self.at(item.at)} {by} broke {what} of {self.who(item.session)}: {why}{_events(item)}"

    def expired(self, item: ReportItem) -> str:
        """A claim, or a grant that was not taken up, that time ended."""
        what = f"{self.say(item.what, 120)} of {self.who(item.session)}"
        if item.kind == "lapsed":
            return f"{self.at(item.until)} {what}: granted after a wait, and not taken up{_events(item)}"
        return f"{self.at(item.until)} {what}, held for {_lasted(item, self.now)}{_events(item)}"

    def refusal(self, item: ReportItem) -> str:
        """A request that was refused, once or again and again."""
        last = f" until {self.at(item.until)}" if self.at(item.until or item.at) != self.at(item.at) else ""
        count = f", {len(item.events)} times{last}" if item.until else ""
        ahead = (
            f": {self.people(item.others)} {'was' if len(item.others) == 1 else 'were'} first" if item.others else ""
        )
        who, what = self.who(item.session), self.say(item.what, 120)
        return f"{self.at(item.at)} {who} wanted {what}{count}{ahead}{_events(item)}"

    def unanswered(self, message: Unanswered) -> str:
        """A message that nobody answered."""
        to = "everyone" if message.everyone else ", ".join(self.who(name) for name in message.to)
        signs = ("❗ " if message.urgency == "high" else "") + f"“{self.say(message.subject, 100)}”"
        unread = f"not read by {self.people(message.unread_by)}" if message.unread_by else "read"
        reached = unread if message.unread_by or message.read_by else "nobody got it"
        asks = ", asks for a confirmation" if message.needs_ack else ""
        return f"{self.at(message.at)} {self.who(message.session)} to {to}: {signs} · {reached}{asks} ({message.event})"

    def wait(self, item: ReportItem) -> str:
        """A request that waited."""
        ends = {"granted": "then granted", "timed_out": "in vain", "withdrawn": "then withdrawn", "": "still waiting"}
        behind = f" behind {self.people(item.others)}" if item.others else ""
        how = ends.get(item.words, f"until {_HOW.get(item.words, item.words)}")
        who, what = self.who(item.session), self.say(item.what, 120)
        return f"{_lasted(item, self.now)}: {who} for {what}{behind}, {how}{_events(item)}"

    # --- who did what

    def sessions(self) -> Section:
        """Each session, the last heard first; those of which nothing is new are named in one row."""
        quiet = [w for w in self.report.sessions if not w.events and not any(i.kind != "unread" for i in w.left)]
        loud = [worker for worker in self.report.sessions if worker not in quiet]
        most = _OF_FEW if len(loud) <= _FEW else _OF_MANY
        rows = [ReportRow(self.head(worker), self.body(worker, most)) for worker in loud[:_SESSIONS]]
        section = Section("👥", "Sessions", rows, max(0, len(loud) - _SESSIONS))
        if quiet:
            last = f"the last of them {ago(quiet[0].last_at, self.now)}"
            rows.append(ReportRow(f"not heard in this time: {self.people([w.id for w in quiet], _ROWS)}; {last}"))
        return section

    def head(self, worker: SessionActivity) -> str:
        """Who it is, and how it is with it."""
        evidence = f" ({self.say(worker.evidence, 200)})" if worker.evidence else ""
        heard = self.at(worker.last_at)
        over = self.at(worker.over_at) if worker.over_at else heard
        states = {
            "live": f"works, last heard {ago(worker.last_at, self.now)}",
            "silent": f"silent since {heard}{evidence}",
            "dead": f"dead since {over}{evidence}" if worker.over_at else f"dead{evidence}, last heard {heard}",
            "continued": f"{self.say(worker.evidence, 200)}, {over}",
            "ended": f"ended {over}{evidence}",
        }
        where = f" on {self.say(worker.branch, 60)}" if worker.branch else ""
        state = states.get(worker.status, f"{worker.status}, last heard {heard}")
        client = self.say(worker.client or "unknown client", 40)
        return f"{self.say(session_label(worker.id, self.names), 120)} · {client}{where} · {state}"

    def body(self, worker: SessionActivity, most: int) -> list[str]:
        """What it did, `most` of it, what it finished and left."""
        hidden = len(worker.doing) - most
        rows = [f"… and {plural(hidden, 'thing')} before: coord log --session {worker.id}"] if hidden > 0 else []
        rows += [self.doing(doing) for doing in worker.doing[-most:]]
        if worker.events and not worker.doing:
            rows.append(f"said nothing of what it did ({plural(worker.events, 'event')})")
        rows += self.things("finished", _FINISHED, worker.finished, most)
        over = [item for item in worker.left if item.kind == "held"]
        rows += self.things("left", _LEFT, over, most)
        now = [item for item in worker.left if item.kind != "held"]
        return rows + self.things("now" if worker.status in ("live", "silent") else "left", _LEFT, now, most)

    def doing(self, doing: ActivityPeriod) -> str:
        """What it said that it does."""
        phases = " → ".join(self.say(phase, 60) for phase in doing.phases[-3:])
        moved = f"{doing.began} → {doing.progress}" if doing.began not in ("", doing.progress) else doing.progress
        facts = [self.say(f"{doing.action} {doing.target}", 120), phases, self.say(moved, 80)]
        said = " · ".join(fact for fact in facts if fact)
        when = period_text(doing.at, doing.until, doing.until if self.within_a_day else self.now)
        return f"{when}  {said} ({doing.event})"

    def things(self, title: str, words: Mapping[str, str], items: Iterable[ReportItem], most: int) -> list[str]:
        """The things of one kind in a row each, so that a hundred released files are one."""
        rows = []
        by_kind: dict[str, list[ReportItem]] = {}
        for item in items:
            by_kind.setdefault(item.kind if item.kind != "held" else f"held {item.words}", []).append(item)
        for kind, some in by_kind.items():
            shown = [self.thing(item) for item in (some if kind == "unread" else some[-most:])]
            more = f" and {len(some) - len(shown)} more" if len(some) > len(shown) else ""
            word = words.get(kind, kind)
            rows.append(f"{title}: {word + ' ' if word else ''}{', '.join(shown)}{more}")
        return rows

    def thing(self, item: ReportItem) -> str:
        """One of them, with its event: the newest, the claim, or what ended it."""
        if item.kind == "unread":
            noun, of_what = _UNREAD[item.what]
            return f"{plural(int(item.words), noun)}{of_what} ({item.events[-1]})"
        words = f"{_LEAD[item.kind]}{item.words}" if item.words and item.kind in _LEAD else ""
        said = [self.say(item.what, 120), item.others and f"to {self.who(item.others[0])}", self.say(words, 300)]
        event = item.events[-1 if item.kind == "held" else 0] if item.events else ""
        return " ".join(part for part in said if part) + (f" ({event})" if event else "")

    # --- words

    def who(self, session: str) -> str:
        """A session as people know it."""
        name = self.names.get(session, "")
        return self.say(name if self.taken[name] == 1 else session_label(session, self.names), 120)

    def people(self, sessions: Sequence[str], most: int = 3) -> str:
        """Several sessions, the first few by name."""
        more = f" and {len(sessions) - most} more" if len(sessions) > most else ""
        return ", ".join(self.who(session) for session in sessions[:most]) + more

    def at(self, at: Instant) -> str:
        """When something was."""
        return time_text(at, at if self.within_a_day and at >= self.report.since else self.now)


_HOW = {"session_ended": "its session ended", "session_dead": "its session died"}
_LEAD = {"summary": "", "handed_over": "— ", "notes": "", "blocked": "", "next": ""}  # whose words are shown
_FINISHED = {"summary": "", "complete": "100 % of", "released": "released", "handed_over": "handed over"}
_LEFT = {
    "holds": "holds",
    "held session_ended": "held at its end:",
    "held session_dead": "held when it died:",
    "held passed_on": "passed on",
    "held expired": "let expire",
    "held lapsed": "did not take up",
    "held broken": "held until it was broken:",
    "notes": "notes:",
    "blocked": "blocked on",
    "next": "next:",
    "unread": "not read:",
}
_UNREAD = {
    "message": ("message", ""),
    "lost": ("notice", " that it lost a claim"),
    "broken": ("notice", " that a claim of its was broken"),
    "expired": ("notice", " that a claim ran out"),
    "handed_over": ("notice", " that it was handed a claim"),
    "not_handed_over": ("notice", " that a claim could not be handed over"),
    "presumed_dead": ("notice", " that it was presumed dead"),
    "passed_on": ("notice", " that another session goes on for it"),
}


def _section(sign: str, title: str, rows: Sequence[ReportRow], most: int = _ROWS, *, newest: bool = True) -> Section:
    shown = rows[-most:] if newest else rows[:most]
    return Section(sign, title, shown, len(rows) - len(shown))


def _events(item: ReportItem) -> str:
    """The events that say so, the newest, in brackets."""
    more = f" and {len(item.events) - 2} more" if len(item.events) > 2 else ""
    return f" ({', '.join(item.events[-2:])}{more})" if item.events else ""


def _lasted(item: ReportItem, now: Instant) -> str:
    return duration_text(seconds_between(item.at, item.until or now))
