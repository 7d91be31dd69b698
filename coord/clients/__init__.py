"""The agents' clients: a record of facts about each. Code outside this package does not name a client."""
