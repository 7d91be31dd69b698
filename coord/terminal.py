"""A full-screen terminal."""
