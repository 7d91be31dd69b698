"""This machine: its identity, processes, git repositories and files. Nothing here knows about sessions or claims."""
