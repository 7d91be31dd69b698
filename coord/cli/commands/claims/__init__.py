"""Commands that take, list and end claims. The rules for them are in `projections.rules`."""
