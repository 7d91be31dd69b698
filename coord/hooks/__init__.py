"""The full path of the agents' hooks: what needs the state of the log, or appends to it."""
