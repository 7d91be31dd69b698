"""What happened: the event vocabulary, one session's journal, the merged history.

This package knows files and knows no meaning: what the events amount to is said in `projections`.
"""
