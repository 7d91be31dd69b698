"""What a history means: pure functions from events to sessions, claims, inboxes and the board.

This package uses no clock, no files and no randomness. Time comes from each event's `at`, and from an explicit `now`
that is passed to a view.
"""
