"""Tests of coord.servers.export."""
