"""Helpers that several test modules share: no tests here. A module's name says what it makes."""
