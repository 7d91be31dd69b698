"""How the bars of each resource look in the picture of a timeline: a colour and a texture.

No two resources look alike while there are enough looks. With more resources, those that share a look are in different
lanes where that is possible.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from coord.render.timeline.symbols import Shape

_COLOURS = (  # of a bar and its edge, from Paul Tol's light scheme
    *(("#77aadd", "#3a6ea5"), ("#ee8866", "#b3502e"), ("#eedd88", "#a08a1c"), ("#ffaabb", "#c05570")),
    *(("#44bb99", "#1f7a62"), ("#bbcc33", "#74801a"), ("#99ddff", "#3d8fb8"), ("#c9b3e6", "#7a5aa6")),
)
TEXTURES: dict[str, tuple[Shape, ...]] = {
    "dots": (("circle", {"cx": 2, "cy": 2, "r": 1}), ("circle", {"cx": 5, "cy": 5, "r": 1})),
    "lines": (("rect", {"width": 6, "height": 1.2, "y": 2}),),
}
"""The shapes of each texture, in a square of 6 pixels."""


class Look(NamedTuple):
    """The colours of a bar and its edge, and the name of a texture or an empty string."""

    fill: str
    edge: str
    texture: str


LOOKS = tuple(Look(*colours, texture) for texture, colours in product(("", *TEXTURES), _COLOURS))


def choose_looks(lanes: Iterable[Iterable[str]]) -> Mapping[str, Look]:
    """Return the look of each resource; each lane is given as the resources that it has."""
    lanes_of: dict[str, list[int]] = {}
    for number, resources in enumerate(lanes):
        for resource in dict.fromkeys(resources):
            lanes_of.setdefault(resource, []).append(number)
    looks: dict[str, Look] = {}
    uses = dict.fromkeys(LOOKS, 0)
    in_lane: dict[tuple[int, Look], int] = {}
    for resource, numbers in lanes_of.items():
        lane_uses = {look: sum(in_lane.get((lane, look), 0) for lane in numbers) for look in LOOKS}
        look = min(LOOKS, key=lambda look: (lane_uses[look], uses[look]))
        looks[resource] = look
        uses[look] += 1
        for lane in numbers:
            in_lane[lane, look] = in_lane.get((lane, look), 0) + 1
    return looks
