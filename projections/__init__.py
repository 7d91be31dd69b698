"""The meaning of a history: pure functions that compute sessions, claims, inboxes and the board from events.

This package uses no clock, no files and no randomness. Time comes from each event's `at`, and from an explicit `now`
that is passed to a view.
"""
