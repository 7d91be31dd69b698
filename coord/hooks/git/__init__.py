"""The hooks of git: what a commit or a push may take along."""
