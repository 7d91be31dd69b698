"""Helpers for tests with real clients: a scripted model, and agents that use it."""
