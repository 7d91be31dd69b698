"""Helpers that several test modules share. There are no tests here."""
