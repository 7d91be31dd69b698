"""The agents' clients: one row of facts for each. Nothing else in coord knows a client by name."""
