"""A git repository: where it is, running git in it, and its private list of excluded files."""
