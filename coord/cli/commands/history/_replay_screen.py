"""`coord replay` on a terminal: the last step and the board after it. Keys move through the steps."""

import copy
import time
from collections.abc import Callable

from coord.cli.commands.history._replay_steps import CHECK_KEYS_EVERY, Replay, StepChange, StopCondition
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.errors import CoordError
from coord.platform.watch import collect_signals
from coord.render.board.text import ROWS, board_body, board_foot
from coord.render.console.layout import cut, wrap
from coord.render.console.screen import QUIT, SectionView, Terminal
from coord.render.diff import change_style
from coord.render.format import plural, time_text
from coord.render.styled import Pieces, Row, Section, styled
from eventlog.events import Event, seconds_between
from projections.views.board import Board

_PAGE = 10  # steps
_DEFAULT_SPEED = 60.0  # times the original speed
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0  # between two steps while playing
_LOW_WINDOW = 20  # rows; a lower window does not show the changes of a step
_MOST_CHANGES = 5  # shown of a step
_KEYS = (
    ("→  n  space", "one step forward"),
    ("←  p", "one step back"),
    ("PgDn  PgUp", "ten steps"),
    ("Home  End", "to the beginning, to the end"),
    ("a", "play or pause"),
    ("+  -", "double or halve the speed"),
    ("f", "find the next step of --until-claim or --until-session"),
    ("↑  ↓", "scroll"),
    ("w", "cut long lines, or show them whole"),
    ("q", "quit"),
)
_HELP = [
    Section("KEYS", [Row(styled(does), (styled(keys, "name"),)) for keys, does in _KEYS]),
    Section(
        "",
        [
            Row(styled("A step is one event, or a time at which a claim expired or a wait timed out.")),
            Row(styled("While playing, long pauses are shortened.")),
        ],
    ),
]


def show_replay(
    run: Run, replayed: Replay, condition: StopCondition | None, speed: float | None, *, make_first_step: bool
) -> None:
    """Show the replay until the user quits. It begins before the first step, or after it with `make_first_step`."""
    caught: list[int] = []
    with collect_signals(caught), Terminal(run.system.env) as terminal:
        screen = _ReplayScreen(run, replayed, condition, speed, terminal, caught)
        if condition:
            screen.find()
        elif make_first_step:
            screen.go_to(1)
        screen.run_keys()
    if caught:
        raise CoordError(128 + caught[0], "")


class _ReplayScreen:
    """The position in the replay, the view of it, and whether it plays."""

    def __init__(
        self,
        run: Run,
        replayed: Replay,
        condition: StopCondition | None,
        speed: float | None,
        terminal: Terminal,
        caught: list[int],
    ) -> None:
        self.run, self.condition, self.terminal, self.caught = run, condition, terminal, caught
        self.replayed = replayed
        self.speed, self.is_playing = speed or _DEFAULT_SPEED, speed is not None
        self.last_change: StepChange | None = None  # None before the first step
        self.view, self.note, self.shows_help = SectionView(), "", False
        self.keys: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("right", "n", "l", "space", "enter"), lambda: self.move(1)),
            **dict.fromkeys(("left", "p", "h", "\x7f", "\b"), lambda: self.move(-1)),
            "page down": lambda: self.move(_PAGE),
            "page up": lambda: self.move(-_PAGE),
            "home": lambda: self.go_to(0),
            "end": self.go_to_end,
            "a": self.toggle_playing,
            "+": lambda: self.multiply_speed(2),
            "=": lambda: self.multiply_speed(2),
            "-": lambda: self.multiply_speed(0.5),
            "f": self.find,
            "?": self.help,
        }

    def run_keys(self) -> None:
        """Draw the screen, and handle keys and the steps of playing, until a key or a signal quits."""
        while not self.caught:
            self.draw()
            key = self.play_step() if self.is_playing else self.terminal.wait(3600)
            if key in QUIT:
                self.caught.extend(QUIT[key])
                return
            if key and self.shows_help:
                self.shows_help = False
            elif key in self.keys:
                self.note = ""
                self.keys[key]()
            elif key:
                self.view.press(key, self.terminal.size[1])

    def play_step(self) -> str:
        """Wait for the time until the next step, at this speed, and make the step; or return the pressed key."""
        cursor = self.replayed.cursor
        following = cursor.next
        if not following:
            self.is_playing, self.note = False, "the end"
            return ""
        at = following.at if isinstance(following, Event) else following
        pause_s = seconds_between(cursor.cut.at, at) / self.speed
        until = time.monotonic() + min(max(pause_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
        while not self.caught and (left := until - time.monotonic()) > 0:
            if key := self.terminal.wait(left):
                return key
            self.draw()
        before = self.condition.observe(cursor.state) if self.condition else None
        self.move(1)
        if self.condition and self.last_change:
            after = self.condition.observe(cursor.state)
            if self.condition.is_met(self.last_change.step, before, after):
                self.is_playing, self.note = False, self.condition.description
        return ""

    # --- moving -----------------------------------------------------------------------------------------------------

    def move(self, steps: int) -> None:
        """Move by a number of steps, backwards if it is negative."""
        self.go_to(max(0, self.replayed.cursor.number + steps))

    def go_to(self, number: int) -> None:
        """Move to a step by its number."""
        self.last_change = self.replayed.go_to(number)
        self.note = "" if self.replayed.cursor.next else "the end"

    def go_to_end(self) -> None:
        """Move to the last step, unless a key is pressed meanwhile."""
        cursor = self.replayed.cursor
        while cursor.next and self.no_key_pressed("moving to the end"):
            cursor.go_to(cursor.number + CHECK_KEYS_EVERY)
        self.go_to(cursor.number)

    def find(self) -> None:
        """Move to the next step that meets the condition."""
        if self.condition is None:
            self.note = "nothing to search for: start replay with --until-claim RESOURCE or --until-session ID STATUS"
            return
        is_found = self.replayed.go_until(self.condition, lambda: self.no_key_pressed("searching"))
        at_the_end = not self.replayed.cursor.next
        self.go_to(self.replayed.cursor.number)
        if is_found:
            self.note = self.condition.description
        elif at_the_end:
            self.note = f"not found up to the end: {self.condition.description}"

    def no_key_pressed(self, activity: str) -> bool:
        """Show the progress of an activity, and return whether no key was pressed and no signal came."""
        done = f"{self.replayed.done} of {plural(self.replayed.count, 'event')}"
        self.terminal.show([], f"{activity}: {done} · any key stops")
        return not self.terminal.wait(0) and not self.caught

    def toggle_playing(self) -> None:
        """Play or pause."""
        self.is_playing = not self.is_playing

    def multiply_speed(self, factor: float) -> None:
        """Change the speed, within limits."""
        self.speed = min(max(self.speed * factor, 0.125), 65536.0)

    def help(self) -> None:
        """Show the keys until a key is pressed."""
        self.is_playing, self.shows_help = False, True

    # --- drawing ----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the last step with its changes, the board, and the position in the last row."""
        columns, height = self.terminal.size
        step_rows = [] if self.shows_help else self.step_rows(columns, height)
        board = self.board()
        sections = _HELP if self.shows_help else board_body(board, "")
        rows = [*step_rows, *self.view.rows(sections, columns, max(0, height - 1 - len(step_rows)))]
        state = f"▶ {self.speed:g}×" if self.is_playing else "⏸"
        keys = "any key goes back" if self.shows_help else "→ next · ← back · ? keys · q quits"
        foot = [f"{state} {self.replayed.done} of {self.replayed.count}", keys, self.view.more, board_foot(board)]
        self.terminal.show(rows, " · ".join(part for part in foot if part))

    def board(self) -> Board:
        """Return the board after the last step."""
        cursor = self.replayed.cursor
        past = copy.copy(self.replayed.past.snapshot)
        past.state, past.at = cursor.state, cursor.cut.at
        return board_of(self.run.system, self.run.config, past, past.at, most=ROWS)

    def step_rows(self, columns: int, height: int) -> list[Pieces]:
        """Return rows with the last step and its changes; in a low window, without the changes."""
        change = self.last_change
        at = time_text(self.replayed.cursor.cut.at, self.replayed.past.now, seconds=True)
        text = self.replayed.step_text(change.step) if change else f"{at}  before the first step"
        note = [cut(styled(f"» {self.note}", "warn"), columns)] if self.note else []
        step = wrap(styled(text, "head"), columns)
        if height < _LOW_WINDOW:
            return [*note, *step[:2]]
        changes = self.replayed.change_lines(change) if change else []
        shown = [cut(styled(f"  {row}", change_style(row)), columns) for row in changes[:_MOST_CHANGES]]
        more = [styled(f"  … and {len(changes) - _MOST_CHANGES} more")] if len(changes) > _MOST_CHANGES else []
        return [*note, *step[:3], *shown, *more, styled("─" * columns, "quiet")]
