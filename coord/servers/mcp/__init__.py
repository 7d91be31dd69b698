"""The MCP server: a session's commands as tools. The commands themselves are in `coord.cli`."""
