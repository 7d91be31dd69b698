"""The hooks of git: they check what a commit or a push contains. Not here: the hooks of agents."""
