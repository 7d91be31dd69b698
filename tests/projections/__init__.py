"""Tests of the rules and views, by example."""
