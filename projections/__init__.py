"""What it means: pure functions from history to sessions, claims, inboxes and the board.

This package knows meaning and touches nothing: no clock, no file, no randomness. Time enters as each event's `at`, and
as an explicit `now` given to a view.
"""
