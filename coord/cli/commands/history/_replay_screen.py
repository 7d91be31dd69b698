"""`coord replay` on a terminal: the board of each moment, with the step that led to it above, moved by keys."""

import copy
import time
from collections.abc import Callable

from coord.cli.commands.history._replay_steps import CHECK_KEYS_EVERY, Replay, StepChange, StopCondition
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.errors import CoordError
from coord.platform.watch import collect_signals
from coord.render.board.text import board_body, board_foot
from coord.render.console.screen import QUIT, Terminal, TextView, cut_to_width, wrapped
from coord.render.format import plural, time_text
from eventlog.events import Event, seconds_between
from projections.views.board import Board

_PAGE = 10  # steps
_SPEED = 60.0  # times as fast as it was, if none is given
_SHORTEST_S, _LONGEST_S = 0.05, 2.0  # between two steps that are played
_LOW = 20  # rows of a window that is too low for the changes of a step
_CHANGES = 5  # that are shown of a step
_HELP = """KEYS

  →  n  space     one step forward
  ←  p            one step back
  PgDn  PgUp      ten steps
  Home  End       to the beginning, to the end
  a               play, and pause
  +  -            twice as fast, half as fast
  f               go to where what was asked for comes next (--until-claim, --until-session)
  ↑  ↓  w         scroll; whole lines
  q               quit

A step is one event, or a moment at which a claim or a wait ended by itself.
Long pauses are shortened while it plays."""


def show_replay(
    run: Run, story: Replay, condition: StopCondition | None, speed: float | None, *, at_once: bool
) -> None:
    """Let someone step through it, until they have seen enough; `at_once` begins with the first step made."""
    caught: list[int] = []
    with collect_signals(caught), Terminal(run.system.env) as terminal:
        player = _ReplayScreen(run, story, condition, speed, terminal, caught)
        if condition:
            player.find()
        elif at_once:
            player.go_to(1)
        player.play()
    if caught:
        raise CoordError(128 + caught[0], "")


class _ReplayScreen:
    """Where we are, how it is shown, and whether it plays."""

    def __init__(
        self,
        run: Run,
        story: Replay,
        condition: StopCondition | None,
        speed: float | None,
        terminal: Terminal,
        caught: list[int],
    ) -> None:
        self.run, self.story, self.condition, self.terminal, self.caught = run, story, condition, terminal, caught
        self.speed, self.playing = speed or _SPEED, speed is not None
        self.told: StepChange | None = None  # the step that led here, if one did
        self.part, self.note, self.helping = TextView(), "", False
        self.keys: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("right", "n", "l", "space", "enter"), lambda: self.move(1)),
            **dict.fromkeys(("left", "p", "h", "\x7f", "\b"), lambda: self.move(-1)),
            "page down": lambda: self.move(_PAGE),
            "page up": lambda: self.move(-_PAGE),
            "home": lambda: self.go_to(0),
            "end": self.to_the_end,
            "a": self.toggle,
            "+": lambda: self.multiply_speed(2),
            "=": lambda: self.multiply_speed(2),
            "-": lambda: self.multiply_speed(0.5),
            "f": self.find,
            "?": self.help,
        }

    def play(self) -> None:
        """Show, wait for a key or for the next step, and do what it says."""
        while not self.caught:
            self.draw()
            key = self.pause() if self.playing else self.terminal.wait(3600)
            if key in QUIT:
                self.caught.extend(QUIT[key])
                return
            if key and self.helping:
                self.helping = False
            elif key in self.keys:
                self.note = ""
                self.keys[key]()
            elif key:
                self.part.press(key, self.terminal.size[1])

    def pause(self) -> str:
        """Wait as long as it was to the next step, at this speed, and make it; or give the key that was pressed."""
        following = self.story.walk.next
        if not following:
            self.playing, self.note = False, "the end"
            return ""
        at = following.at if isinstance(following, Event) else following
        pause_s = seconds_between(self.story.walk.cut.at, at) / self.speed
        until = time.monotonic() + min(max(pause_s, _SHORTEST_S), _LONGEST_S)
        while not self.caught and (left := until - time.monotonic()) > 0:
            if key := self.terminal.wait(left):
                return key
            self.draw()
        seen = self.condition.look(self.story.walk.state) if self.condition else None
        self.move(1)
        if self.condition and self.told:
            after = self.condition.look(self.story.walk.state)
            if self.condition.is_met(self.told.step, seen, after):
                self.playing, self.note = False, self.condition.words
        return ""

    # --- moving -----------------------------------------------------------------------------------------------------

    def move(self, steps: int) -> None:
        """So many steps on, or back."""
        self.go_to(max(0, self.story.walk.number + steps))

    def go_to(self, number: int) -> None:
        """To a step by its number."""
        self.told = self.story.go_to(number)
        self.note = "" if self.story.walk.next else "the end"

    def to_the_end(self) -> None:
        """To the last step, looking up at times."""
        while self.story.walk.next and self.no_key_pressed("going to the end"):
            self.story.walk.go_to(self.story.walk.number + CHECK_KEYS_EVERY)
        self.go_to(self.story.walk.number)

    def find(self) -> None:
        """To the next step in which what was asked for comes."""
        if self.condition is None:
            self.note = "nothing was asked for: --until-claim RESOURCE, --until-session ID STATUS"
            return
        came = self.story.until(self.condition, lambda: self.no_key_pressed("looking for it"))
        at_the_end = not self.story.walk.next
        self.go_to(self.story.walk.number)
        if came:
            self.note = self.condition.words
        elif at_the_end:
            self.note = f"from there to the end it never comes to this: {self.condition.words}"

    def no_key_pressed(self, doing: str) -> bool:
        """Say how far we are, and whether nobody pressed a key meanwhile."""
        done = f"{self.story.done} of {plural(self.story.count, 'event')}"
        self.terminal.show([], f"{doing}: {done} · any key stops")
        return not self.terminal.wait(0) and not self.caught

    def toggle(self) -> None:
        """Play, or pause."""
        self.playing = not self.playing

    def multiply_speed(self, times: float) -> None:
        """Change the speed."""
        self.speed = min(max(self.speed * times, 0.125), 65536.0)

    def help(self) -> None:
        """Show the keys, until another is pressed."""
        self.playing, self.helping = False, True

    # --- showing ----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """The step that led here and what it changed, the board, and where we are."""
        columns, height = self.terminal.size
        news = [] if self.helping else self.news(columns, height)
        board = self.board()
        text = _HELP if self.helping else board_body(board, "")
        rows = [*news, *self.part.rows(text, columns, max(0, height - 1 - len(news)))]
        state = f"▶ {self.speed:g}×" if self.playing else "⏸"
        keys = "any key goes back" if self.helping else "→ next · ← back · ? keys · q quits"
        foot = [f"{state} {self.story.done} of {self.story.count}", keys, self.part.more, board_foot(board)]
        self.terminal.show(rows, " · ".join(part for part in foot if part))

    def board(self) -> Board:
        """The board of this moment."""
        walk = self.story.walk
        shown = copy.copy(self.story.past.snapshot)
        shown.state, shown.at = walk.state, walk.cut.at
        return board_of(self.run.system, self.run.config, shown, shown.at)

    def news(self, columns: int, height: int) -> list[str]:
        """What happened in this step, and what it changed, in a few rows; two in a low window."""
        walk = self.story.walk
        at = time_text(walk.cut.at, self.story.past.now, seconds=True)
        said = self.story.said(self.told.step) if self.told else f"{at}  before the first step"
        note = [f"» {self.note}"] if self.note else []
        if height < _LOW:
            return [*(cut_to_width(row, columns) for row in note), *wrapped(said, columns)[:2]]
        changes = self.story.changed(self.told) if self.told else []
        more = [f"  … and {len(changes) - _CHANGES} more"] if len(changes) > _CHANGES else []
        rows = [*note, *wrapped(said, columns)[:3], *(f"  {row}" for row in changes[:_CHANGES]), *more]
        return [*(cut_to_width(row, columns) for row in rows), "─" * columns]
