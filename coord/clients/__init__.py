"""The agents' clients: one record of facts for each. Code outside this package does not name a client."""
