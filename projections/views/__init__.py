"""The views: rows, reports and timelines computed from a state or a history; not how they are displayed."""
