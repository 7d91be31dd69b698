"""Journals as files on this machine: reading, appending and locking them."""
