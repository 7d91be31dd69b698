"""The hash function of the log, BLAKE2b, imported without loading OpenSSL."""

try:
    from _blake2 import blake2b as blake2b  # importing `hashlib` also loads OpenSSL, in every command
except ImportError:
    from hashlib import blake2b as blake2b
