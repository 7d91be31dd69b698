"""Putting journals aside."""
