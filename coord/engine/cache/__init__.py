"""Everything saved under `.cache/` for the engine, derived from the journals. The guard's index is not here."""
