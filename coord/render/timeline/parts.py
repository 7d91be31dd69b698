"""The parts of a timeline's picture with their positions, and the measures of the canvas; all in pixels."""

from msgspec import Struct, field

from coord.render.timeline.scale import Scale
from projections.views.intervals.values import ClaimInterval
from projections.views.timeline.period import Lane
from projections.views.timeline.rows import Link, Mark, TimelineMessage

WIDTH, LEFT, RIGHT, TOP = 1200.0, 190.0, 1176.0, 104.0  # the width of the canvas, and the edges of the lanes
AXIS, ROW, BAR = 25.0, 22.0, 16.0  # from a lane's top to its line, from row to row, and the height of a bar


class SpanBar(Struct, kw_only=True):
    """A bar from `x0` to `x1`, with its top at `y`, and its label in it or beside it."""

    span: ClaimInterval
    x0: float
    x1: float
    y: float
    began_before: bool  # before the period that is shown
    label: str = ""
    label_x: float = 0


class Symbol(Struct, kw_only=True):
    """A symbol for one or several marks or messages of a kind. `x` is its centre, `label_x` where its label starts."""

    kind: str
    x: float
    items: list[Mark | TimelineMessage]
    label: str = ""
    label_x: float = 0


class Arrow(Struct, kw_only=True):
    """An arrow for one or several messages, from the lane at `y0` to the lane at `y1`."""

    x: float
    y0: float
    y1: float
    messages: list[TimelineMessage]


class LinkLine(Struct, frozen=True):
    """A link between two lanes at `x`: between bars for a claim, between the lanes' lines for a session."""

    link: Link
    x: float
    y0: float
    y1: float


class LaneBand(Struct, kw_only=True):
    """A lane, and what is drawn in it."""

    lane: Lane
    top: float
    height: float
    bars: list[SpanBar]
    symbols: list[Symbol] = field(default_factory=list)

    @property
    def axis(self) -> float:
        """The y position of its line."""
        return self.top + AXIS


class Layout(Struct, kw_only=True):
    """All parts of the picture; `left_out` counts what is not in it."""

    scale: Scale
    bands: list[LaneBand]
    arrows: list[Arrow]
    links: list[LinkLine]
    left_out: list[str]
    crowded: bool  # too many messages for arrows

    @property
    def bottom(self) -> float:
        """The y position at which the lanes end."""
        return self.bands[-1].top + self.bands[-1].height if self.bands else TOP + 40
