"""The process that serves the page: its record, its sockets, its end, and the browser that it opens."""
