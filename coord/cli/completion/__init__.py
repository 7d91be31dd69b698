"""Shell completion: what fits at the cursor, and the scripts that ask for it. The commands themselves are not here."""
