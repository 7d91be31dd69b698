"""The story of a claim, a resource or a session."""
