"""Processes that stay up and answer requests."""
