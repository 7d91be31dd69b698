"""What it means: the finer points, by examples."""
