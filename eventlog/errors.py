"""Why the log cannot be used, in words for the person who meets it. Nothing that was acknowledged is lost by any."""


class LogError(Exception):
    """The log cannot be used as asked: what happened, what was kept, what to do."""


class Unreadable(LogError):
    """The system does not let us read a file now, though it may later, without the file changing."""


class LockTimeout(LogError):
    """Another process holds the machine's lock for longer than the caller would wait."""


class AppendFailed(LogError):
    """A line was not written; the journal is as it was before."""


class SyncFailed(LogError):
    """A line was written, but whether it is on the disk is unknown; its journal takes no more."""


class JournalClosed(LogError):
    """The journal takes no more appends (damaged, rewound, or of another folder or machine)."""
