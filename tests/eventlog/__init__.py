"""Tests of the event log: lines, journals, the merged history and the lock."""
