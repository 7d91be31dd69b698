"""Reading the log and appending to it: snapshots, transactions, checkpoints, history. Texts are in `coord.render`."""
