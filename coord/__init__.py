"""What you do with it: the command, the transaction, identity, and what a person sees."""

__version__ = "0.1.0"
