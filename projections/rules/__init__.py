"""The fold and the nine rules of claims."""
