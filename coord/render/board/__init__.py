"""The board as text for a terminal and as Markdown; `projections.views.board` computes what is on it."""
