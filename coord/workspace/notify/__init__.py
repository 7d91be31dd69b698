"""Run a person's command when something needs the person: when, and with which words. It does not read the log."""
