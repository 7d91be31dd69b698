"""The timeline of a period of the past, at once or as changes of its rows. Other packages draw it."""
