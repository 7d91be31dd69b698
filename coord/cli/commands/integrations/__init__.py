"""Commands that connect coord to agents' clients and to git. The work is done elsewhere."""
