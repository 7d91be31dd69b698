"""Values as text, Markdown and SVG. Nothing here reads the log or decides; only `console` does I/O."""
