"""The hash function of the log: BLAKE2b, loaded without OpenSSL."""

try:
    from _blake2 import blake2b as blake2b  # `hashlib` would load OpenSSL with it, at every start of a command
except ImportError:
    from hashlib import blake2b as blake2b
