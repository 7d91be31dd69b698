"""The full path of the agents' hooks, and the hooks of git. They append events, run git, and show texts to agents. Not
here: the quick path (`coord.guard`).
"""
