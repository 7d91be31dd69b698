"""The agents' clients: one module of facts for each, and the registry of all. Code outside this package does not name a
client. To support a new client, add a module, and its word to `coord.clients.client.WORDS`.
"""
