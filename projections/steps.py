"""The past, step by step."""
