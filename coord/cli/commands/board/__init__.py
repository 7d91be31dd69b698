"""Commands that show the present state. The past is in the history group."""
