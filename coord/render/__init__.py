"""Values as text, Markdown and SVG. Pure, except for the terminal in `console`."""
