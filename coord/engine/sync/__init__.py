"""Exchange of journals with other machines: the joined remote, the exchange, and claims that agree across machines."""
