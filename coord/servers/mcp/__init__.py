"""The MCP server: the commands of a session as tools."""
