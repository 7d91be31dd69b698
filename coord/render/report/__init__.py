"""The report as text for a terminal and as Markdown; `projections.views.report` computes what is in it."""
