"""What `coord install` writes into other people's files, and takes out again without a trace.

Pure functions say what a file's text becomes (`hooks`, `allows`, `servers`, `tables`, `instructions`, `plugin`);
`targets` lists what can be installed; `draft` holds all changes until they are shown, and writes them. `showing` shows
them byte by byte, `summary` in words.
"""
