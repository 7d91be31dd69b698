"""This machine: its identity, processes, git repositories and files. Sessions and claims are unknown here."""
