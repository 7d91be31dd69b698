"""What commands report of the journals, and which journals they archive. `eventlog` reads and writes them."""
