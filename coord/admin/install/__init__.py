"""What `coord install` writes into other programs' files, and how it is removed again."""
