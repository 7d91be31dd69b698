"""The errors that mean the log cannot be used, with messages for people. None of them loses an acknowledged event."""


class LogError(Exception):
    """The log cannot be used as requested. The message says what happened, what was kept and what to do."""


class Unreadable(LogError):
    """The system does not allow us to read a file now; it may later, without a change to the file."""


class LockTimeout(LogError):
    """Another process has held the machine's lock for longer than the caller's timeout."""


class AppendFailed(LogError):
    """A line was not written; the journal is unchanged."""


class SyncFailed(LogError):
    """A line was written, but it is unknown whether it is on the disk; the journal takes no more events."""


class JournalClosed(LogError):
    """The journal takes no more events (damaged, rewound, archived, full or sealed)."""
