"""This machine: its identity, processes, git repositories and files. Nothing here knows sessions or claims."""
