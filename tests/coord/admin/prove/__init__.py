"""Tests of the proof that a client obeys the guard."""
