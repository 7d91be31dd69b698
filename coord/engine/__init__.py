"""Reading and changing the log: snapshots, transactions, checkpoints and history. It prints nothing."""
