"""The event types, the journals, and the history that is merged from all journals.

This package does not interpret events: `projections` computes what they mean.
"""
