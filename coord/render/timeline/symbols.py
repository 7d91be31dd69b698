"""The symbols of the timeline: their shapes, drawn around their centre, and their meanings in the legend."""

INK, _RED, _GREY, _BAR = "#1f2937", "#b3261e", "#7b8794", "#dde3ea"

Shape = tuple[str, dict[str, object]]

# How a claim or wait ended: a path that starts at the top of the bar's right edge; a bar is 16 high. A release is the
# usual end, so it has no shape.
END_SHAPES: dict[str, str] = {
    "expired": "m-4 0v16m-2 -16h4m-4 16h4",
    "lapsed": "m-4 0v16m-2 -16h4m-4 16h4",
    "broken": "l-5 4l5 4l-5 4l5 4",
    "session_dead": "m-10 4l8 8m0 -8l-8 8",
    "session_ended": "m-1 0v16m-3 -16v16",
    "handed_over": "m-8 8h6m-3 -3l3 3l-3 3",
    "passed_on": "m-8 8h6m-3 -3l3 3l-3 3",
    "gave_up": "m-3 5l6 6m0 -6l-6 6",
}

SHAPES: dict[str, tuple[Shape, ...]] = {
    "died": (
        ("circle", {"r": 6.5, "fill": _RED}),
        ("path", {"d": "M-3 -3l6 6m0 -6l-6 6", "stroke": "#ffffff", "stroke_width": 2}),
    ),
    "lost": (
        ("path", {"d": "M0 -7L7 6H-7z", "fill": "#ffd24d", "stroke": INK, "stroke_width": 1.2}),
        ("path", {"d": "M0 -3v4.5m0 1.5v1.6", "stroke": INK, "stroke_width": 1.6}),
    ),
    "broken": (
        ("circle", {"r": 6.5, "fill": "#ffffff", "stroke": _RED, "stroke_width": 1.4}),
        ("path", {"d": "M1.5 -5l-3 5h3l-3 5", "fill": "none", "stroke": _RED, "stroke_width": 1.6}),
    ),
    "refused": (
        ("circle", {"r": 6, "fill": "#ffffff", "stroke": "#b45309", "stroke_width": 1.8}),
        ("path", {"d": "M-4 4l8 -8", "stroke": "#b45309", "stroke_width": 1.8}),
    ),
    "void": (("path", {"d": "M0 -6l6 6l-6 6l-6 -6z", "fill": "#ffffff", "stroke": INK, "stroke_width": 1.4}),),
    "sent": (
        ("circle", {"r": 6.5, "fill": "#ffffff"}),
        ("circle", {"r": 2.6, "fill": "#475569"}),
        ("path", {"d": "M3.2 -4.2a5.4 5.4 0 0 1 0 8.4M-3.2 -4.2a5.4 5.4 0 0 0 0 8.4", "fill": "none",
                  "stroke": "#475569", "stroke_width": 1.4}),
    ),
    "claim": (("rect", {"x": -10, "y": -7, "width": 26, "height": 14, "rx": 2.5, "fill": _BAR, "stroke": _GREY}),),
    "shared": (
        ("rect", {"x": -10, "y": -7, "width": 26, "height": 14, "rx": 2.5, "fill": "#aab4c0"}),
        ("rect", {"x": -10, "y": -7, "width": 26, "height": 14, "rx": 2.5, "fill": "url(#shared)", "stroke": _GREY}),
    ),
    "wait": (("rect", {"x": -10, "y": -3, "width": 26, "height": 6, "fill": "#ffffff", "stroke": _GREY,
                       "stroke_dasharray": "3 2"}),),
    "open": (("path", {"d": "M-10 -7H9l7 7l-7 7H-10z", "fill": _BAR, "stroke": _GREY}),),
    "before": (("path", {"d": "M-10 -7H16V7H-10l7 -7z", "fill": _BAR, "stroke": _GREY}),),
    "ended": (("path", {"d": "M-10 0H10", "stroke": _GREY, "stroke_width": 2}),
              ("path", {"d": "M10 -5v10", "stroke": _GREY, "stroke_width": 3})),
    "passed": (("path", {"d": "M-8 -7C8 -7 -4 7 12 7", "fill": "none", "stroke": INK, "stroke_width": 1.4}),),
    "continued": (("path", {"d": "M2 -8V8", "stroke": INK, "stroke_width": 1.4, "stroke_dasharray": "2 3"}),),
    "arrow": (("path", {"d": "M2 -8V5", "stroke": "#475569", "stroke_width": 1.3}),
              ("path", {"d": "M2 8l-4 -7h8z", "fill": "#475569"})),
    "urgent": (("path", {"d": "M2 -8V5", "stroke": _RED, "stroke_width": 2.2}),
               ("path", {"d": "M2 8l-4 -7h8z", "fill": _RED})),
}  # fmt: skip

# The legend, in its order. A key with "|" is a way to end: the shape is drawn at the end of a bar.
MEANINGS: dict[str, str] = {
    "claim": "held",
    "shared": "held, shared",
    "wait": "waited",
    "before": "began before this period",
    "open": "still held",
    "|expired": "expired",
    "|lapsed": "granted, not accepted",
    "|handed_over": "handed over",
    "|passed_on": "passed to the next session",
    "passed": "to the next holder",
    "|broken": "broken",
    "|session_dead": "its holder died",
    "|session_ended": "its holder ended",
    "|gave_up": "wait ended without a grant",
    "died": "presumed dead",
    "broken": "claim broken by someone else",
    "lost": "lost: had been reported as granted",
    "refused": "refused",
    "void": "handover failed",
    "ended": "session ended",
    "continued": "session continued by another",
    "arrow": "message",
    "urgent": "urgent message",
    "sent": "message to everyone, to many, or to no session here",
}
