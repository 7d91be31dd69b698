"""The journal files on this machine: reading, appending, locking and archiving; not the meaning of their lines."""
