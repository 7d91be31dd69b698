"""Who may read the page: the rules for each request, and the middleware that applies them before anything is read."""
