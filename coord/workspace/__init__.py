"""Where a command runs: the shared folder, its configuration, the system, the acting session. Reads no journal."""
