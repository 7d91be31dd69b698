"""Tests of the docs: their commands and examples run, and the names in them exist."""
