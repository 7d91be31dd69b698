"""The link: the process that exchanges journals with the remote of a folder, and publishes for local commands."""
