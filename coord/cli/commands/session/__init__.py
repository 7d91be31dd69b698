"""Commands that start, end or describe this session. Other sessions are shown by the board."""
