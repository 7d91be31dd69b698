"""What a report says of a span of time."""
