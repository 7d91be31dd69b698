"""The command `coord`, its hooks and servers. The event log and the rules are in `eventlog` and `projections`."""

__version__ = "0.1.0"
