"""The timeline as an SVG picture; `projections.views.timeline` computes what is in it."""
