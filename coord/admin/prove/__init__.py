"""Prove that a client obeys the guard: a claimed file, a write that the client is asked for, and the verdict."""
