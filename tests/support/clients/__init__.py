"""Helpers of the tests with the real clients: the model that a test plays, and agents that run against it."""
