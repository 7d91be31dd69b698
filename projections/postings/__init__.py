"""Postings: what a fold leaves for later questions about a resource or a session."""
