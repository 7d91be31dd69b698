"""From typed words to a resource: its type, its name, and whether this log guards it. Claims are not decided here."""
