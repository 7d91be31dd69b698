"""The link as commands see it: how it is started, and what it is asked."""
