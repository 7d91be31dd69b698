"""Mutants of the log: its syncs, its lock, its flags and its checks."""

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "eventlog/system.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "the lock is shared",
        ("tests/eventlog/test_lock.py::test_who_waits_in_vain_is_told_the_holders_pid",),
    ),
    Mutant(
        "eventlog/codec.py",
        "or chain(previous, body_of(line)) != digest",
        "",
        "the hash of a line is not checked",
        ("tests/eventlog/test_damage.py::test_no_altered_byte_passes_and_an_altered_line_fails_alone",),
    ),
)
