"""The full path of the hooks of agents and of git: what appends events, asks git, or tells an agent something. Not
here: the quick path (`coord.guard`).
"""
