"""Mutants of the log's lock, and of what differs between operating systems: flags, limits, syncs."""

from tests.mutants.mutant import Mutant, in_file

_system = in_file("eventlog/system.py", "tests/eventlog")
_lock = in_file("eventlog/lock.py", "tests/eventlog")

MUTANTS: tuple[Mutant, ...] = (
    _system(
        "links are followed",
        'getattr(os, "O_NOFOLLOW", 0) | ',
        "",
        "test_system::test_what_is_no_regular_file_is_not_read",
    ),
    _system(
        "a pipe makes whoever opens it wait",
        ' | getattr(os, "O_NONBLOCK", 0)',
        "",
        "test_system::test_what_is_no_regular_file_is_no_lock_that_could_be_held",
    ),
    _system(
        "what is no regular file is read",
        "        if not stat.S_ISREG(status.st_mode):",
        "        if False:",
        "test_system::test_what_is_no_regular_file_is_not_read",
    ),
    _system(
        "a file of any size is read",
        "        if status.st_size > most:",
        "        if False:",
        "test_system::test_a_file_is_read_up_to_the_limit_and_not_beyond",
    ),
    _system(
        "a file that is just as large as the limit is not read",
        "        if status.st_size > most:",
        "        if status.st_size >= most:",
        "test_system::test_a_file_is_read_up_to_the_limit_and_not_beyond",
    ),
    _system(
        "a file that grows meanwhile is read beyond the limit",
        "file.read(min(most, status.st_size + 1))",
        "file.read()",
        "test_system::test_a_file_that_grows_while_it_is_read_is_not_read_beyond_the_limit",
    ),
    _system(
        "a file that is not read stays open",
        "            return file.read(min(most, status.st_size + 1))\n    finally:\n        os.close(fd)",
        "            return file.read(min(most, status.st_size + 1))\n    finally:\n        pass",
        "test_system::test_what_is_no_regular_file_is_not_read",
    ),
    _system(
        "the lock is shared",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "test_system::test_nobody_holds_a_lock_that_is_not_there_or_free",
    ),
    _system(
        "taking the lock waits",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_EX",
        "test_system::test_the_holder_is_known_by_its_pid_or_as_unknown_and_asking_does_not_wait",
    ),
    _system(
        "a lock that another has is taken",
        "            return True\n        except BlockingIOError:\n            return False",
        "            return True\n        except BlockingIOError:\n            return True",
        "test_system::test_nobody_holds_a_lock_that_is_not_there_or_free",
    ),
    _system(
        "no bytes are synced",
        "            os.fdatasync(fd)",
        "            pass",
        "test_durable::test_an_event_is_durable_once_sync_has_returned_and_not_before",
    ),
    _system(
        "no names are synced",
        "            os.fsync(fd)\n        finally",
        "            pass\n        finally",
        "test_durable::test_the_name_of_a_journal_is_durable_before_anything_is_in_it",
    ),
    _system(
        "what a killed process left is not synced",
        "            sync_data(fd)\n        except OSError:\n            failed",
        "            pass\n        except OSError:\n            failed",
        "test_durable::test_nobody_builds_on_what_a_killed_process_did_not_sync",
    ),
    _system(
        "what cannot be opened hinders the syncing of all",
        "        except OSError:\n            continue",
        "        except BlockingIOError:\n            continue",
        "test_durable::test_a_file_in_the_log_that_cannot_be_opened_does_not_hinder_it_either",
    ),
    _system(
        "a pipe hinders the syncing of all",
        " if entry.is_file(follow_symlinks=False)]",
        "]",
        "test_durable::test_a_pipe_or_a_link_in_the_log_does_not_hinder_that",
    ),
    _system(
        "a journal that goes while the log is listed hinders all",
        "                except FileNotFoundError:\n                    size",
        "                except BlockingIOError:\n                    size",
        "test_system::test_a_journal_that_goes_while_the_log_is_listed_hinders_nobody",
    ),
    _system(
        "whatever is in the log is listed as a journal",
        "            if entry.name.endswith(SUFFIX):",
        "            if True:",
        "test_system::test_a_journal_that_goes_while_the_log_is_listed_hinders_nobody",
    ),
    _lock(
        "the lock is not asked for",
        "            taken = try_lock(fd)",
        "            taken = True",
        "test_lock::test_of_many_processes_one_at_a_time_holds_it",
        "test_lock::test_it_is_free_after_an_error_under_it",
        "test_lock::test_a_full_disk_stops_no_lock",
    ),
    _lock(
        "a lock file that was replaced is taken for the lock",
        "            if _same_file(fd, path):",
        "            if True:",
        "test_lock::test_a_lock_file_replaced_between_open_and_lock_is_not_taken_for_the_lock",
    ),
    _lock(
        "a lock file that was deleted is taken for the lock",
        "        return False\n",
        "        return True\n",
        "test_lock::test_a_lock_file_replaced_between_open_and_lock_is_not_taken_for_the_lock",
    ),
    _lock(
        "the lock is not let go of",
        "os.close(fd)\n\n\ndef _take_over",
        "pass\n\n\ndef _take_over",
        "test_lock::test_it_is_free_after_an_error_under_it",
    ),
    _lock(
        "after an error the lock is not let go of",
        "    try:\n        yield\n    finally:\n",
        "    if True:\n        yield\n    if True:\n",
        "test_lock::test_it_is_free_after_an_error_under_it",
    ),
    _lock(
        "the wait for the lock has no end",
        "if time.monotonic() >= deadline:",
        "if False:",
        "test_system::test_no_file_stays_open_after_tries_that_failed",
    ),
    _lock(
        "nobody waits for the lock",
        "if time.monotonic() >= deadline:",
        "if True:",
        "test_lock::test_whoever_has_to_wait_gets_it_in_the_end",
    ),
    _lock(
        "the holder does not leave its pid",
        '        _leave(fd, b"%d" % os.getpid())\n',
        "        pass\n",
        "test_system::test_nobody_holds_a_lock_that_is_not_there_or_free",
    ),
    _lock(
        "the pid of the holder before is not cut off",
        "pid.ljust(_WIDTH - 1)",
        "pid",
        "test_system::test_the_pid_of_a_holder_takes_the_place_of_a_longer_one",
    ),
    _lock(
        "a full disk stops the lock",
        "    with suppress(OSError):  # the pid is",
        "    with suppress(BlockingIOError):  # the pid is",
        "test_lock::test_a_full_disk_stops_no_lock",
    ),
    _lock(
        "what a killed holder wrote is not synced",
        "if os.read(fd, _WIDTH).strip() else ()",
        "if False else ()",
        "test_durable::test_nobody_builds_on_what_a_killed_process_did_not_sync",
    ),
    _lock(
        "every holder counts as killed",
        '        with suppress(OSError):\n            _leave(fd, b"")\n',
        "",
        "test_durable::test_nobody_builds_on_what_a_killed_process_did_not_sync",
    ),
    _lock(
        "a journal that cannot be synced after a killed holder is not sealed",
        "            seal_off(path)\n",
        "            pass\n",
        "test_durable::test_a_journal_of_which_that_stays_unknown_takes_no_more",
    ),
    _lock(
        "a link is followed to seal a journal",
        "os.O_WRONLY | os.O_CREAT | NOFOLLOW, 0o666))",
        "os.O_WRONLY | os.O_CREAT, 0o666))",
        "test_writer::test_a_failed_sync_follows_no_link",
    ),
    _lock(
        "a lock that cannot be had is an error of ours",
        "        except OSError as error:\n            os.close(fd)",
        "        except BlockingIOError as error:\n            os.close(fd)",
        "test_lock::test_a_file_system_without_locks_is_an_error_of_the_log",
    ),
    _lock(
        "whoever asks is told of a holder of the free lock",
        "None if try_lock(fd) else _holder(fd)",
        "_holder(fd)",
        "test_system::test_nobody_holds_a_lock_that_is_not_there_or_free",
    ),
    _lock(
        "whoever asks is told of none",
        "None if try_lock(fd) else _holder(fd)",
        "None",
        "test_system::test_nobody_holds_a_lock_that_is_not_there_or_free",
    ),
    _lock(
        "whoever asks takes anything for the lock file",
        "        if not stat.S_ISREG(os.fstat(fd).st_mode):",
        "        if False:",
        "test_system::test_what_is_no_regular_file_is_no_lock_that_could_be_held",
    ),
    _lock(
        "what is no pid is an error",
        "    except (OSError, ValueError):",
        "    except OSError:",
        "test_system::test_the_holder_is_known_by_its_pid_or_as_unknown_and_asking_does_not_wait",
    ),
    _lock(
        "each try for the lock leaves a file open",
        "        holder = _holder(fd)\n        os.close(fd)\n",
        "        holder = _holder(fd)\n",
        "test_system::test_no_file_stays_open_after_tries_that_failed",
    ),
    _lock(
        "each lock file that was replaced stays open",
        "            os.close(fd)  # replaced",
        "            pass  # replaced",
        "test_system::test_no_file_stays_open_after_tries_that_failed",
    ),
)
