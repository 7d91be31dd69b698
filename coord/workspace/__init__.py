"""Where a command runs: the shared folder, its configuration, the system around it, and which session acts."""
