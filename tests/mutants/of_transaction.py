"""Mutants of the transaction, and of who acts in a run."""

from tests.mutants.mutant import Mutant, in_file

_transaction = in_file("coord/transaction.py", "tests")
_run = in_file("coord/run.py", "tests")
_present = in_file("coord/present.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _transaction(
        "no lock is taken",
        "as outer, locked(place.log, config.lock_wait_seconds, describe):",
        "as outer:",
        "faults/test_lock::test_a_lock_that_a_running_process_holds_is_told_with_its_pid",
    ),
    _transaction(
        "signals are not held back under the lock",
        "        outer.enter_context(_signals_wait())",
        "        outer.enter_context(ExitStack())",
        (
            "faults/test_signals::test_whatever_the_moment_the_log_is_whole_and_says_what_the_command_said"
            "[before the board is in its place-SIGTERM]"
        ),
    ),
    _transaction(
        "nothing is read under the lock",
        ("            present.catch_up()\n            _know_all(present)\n"),
        "            _know_all(present)\n",
        "coord/test_transaction::test_what_was_written_while_one_waited_for_the_lock_counts",
    ),
    _transaction(
        "claims are granted while a journal cannot be read",
        ("            _know_all(present)\n            if not"),
        "            if not",
        "faults/test_checkpoint::test_where_nobody_can_tell_what_is_held_nobody_is_granted_anything",
    ),
    _transaction(
        "a death is not recorded by who acts",
        "                moment.bury()\n",
        "",
        "coord/test_transaction::test_each_event_of_a_command_has_a_time_of_its_own_and_none_is_before_the_clock",
    ),
    _transaction(
        "who acts records its own death",
        "if session.live and session.anchor and session.id != self.me.session:",
        "if session.live and session.anchor:",
        "coord/test_transaction::test_nobody_records_its_own_death",
    ),
    _transaction(
        "the living are presumed dead",
        "                if evidence:\n",
        "                if not evidence:\n",
        "coord/test_transaction::test_what_was_written_before_a_refusal_is_durable_and_on_the_board",
    ),
    _transaction(
        "nothing is synced before the command says yes",
        ("                if self.appended:\n                    self._writer.sync()\n"),
        ("                if False:\n                    self._writer.sync()\n"),
        "coord/test_transaction::test_what_was_written_before_a_refusal_is_durable_and_on_the_board",
    ),
    _transaction(
        "the time of an event is the wall clock",
        "max(wall, later(latest, micros=1)) if latest else wall",
        "wall",
        "coord/test_transaction::test_what_was_written_while_one_waited_for_the_lock_counts",
    ),
    _transaction(
        "the wall clock is not looked at once there is an event",
        "max(wall, later(latest, micros=1)) if latest else wall",
        "later(latest, micros=1) if latest else wall",
        "coord/test_transaction::test_each_event_of_a_command_has_a_time_of_its_own_and_none_is_before_the_clock",
    ),
    _transaction(
        "what has run out by now is still held when one decides",
        "        as_of(self.state, self.at)\n",
        "",
        "coord/test_claiming::test_a_claim_expires_at_its_end_and_not_a_microsecond_before",
    ),
    _transaction(
        "two events of a command have one time",
        ("        self.present.take(event, writer.position)\n        self._tick()\n"),
        "        self.present.take(event, writer.position)\n",
        "coord/test_transaction::test_each_event_of_a_command_has_a_time_of_its_own_and_none_is_before_the_clock",
    ),
    _transaction(
        "a transaction reads the clock for each event",
        "        wall, latest = self._wall, self.present",
        "        wall, latest = self.world.wall(), self.present",
        "faults/test_stopped::test_a_claim_does_not_run_out_before_its_session_is_told_of_it",
    ),
    _transaction(
        "what mending a tear gave back is not read",
        ("            self.present.catch_up()\n            _know_all"),
        "            _know_all",
        "coord/test_transaction::test_what_a_line_said_that_lacked_only_its_end_counts",
    ),
    _transaction(
        "a tear that was mended is not told",
        "            self.notes.append(self._writer.mended)\n",
        "",
        "coord/test_told::test_a_tear_that_was_mended_is_told_even_with_a_refusal",
    ),
    _transaction(
        "a session goes on in a journal that takes no more",
        "        elif reason := self._cannot_append(session.id):",
        "        elif reason := '':",
        "coord/test_told::test_a_session_that_goes_on_as_another_is_told_even_with_a_refusal",
    ),
    _transaction(
        "a journal that is sealed, damaged or rewound is not looked for",
        (
            "        if reason := closed(self.place.log, session, position):\n"
            '            return f"its journal takes no more events: {reason}"\n'
        ),
        "",
        "coord/test_identity_going_on::test_who_continues_a_session_lives_as_long_as_that_one_would_have",
    ),
    _transaction(
        "a session of another machine goes on here",
        "if position.machine and position.machine != self.world.here.machine:",
        "if False:",
        "coord/test_identity_going_on::test_who_continues_a_session_on_another_machine_is_tied_to_its_own_process",
    ),
    _transaction(
        "a session of another folder goes on here",
        "if position.folder and position.folder != self.place.recorded:",
        "if False:",
        "coord/test_identity_going_on::test_who_continues_a_session_lives_as_long_as_that_one_would_have",
    ),
    _transaction(
        "an ended session acts",
        'elif session.status == "ended" and not identity.conversation:',
        "elif False:",
        "coord/test_waits_that_end::test_a_signal_does_not_make_a_session_live_again_that_ended_while_it_waited",
    ),
    _transaction(
        "two sessions are anchored to one shell",
        "return None if others and not conversation else anchor",
        "return anchor",
        "coord/test_transaction::test_two_sessions_are_not_tied_to_one_shell_by_a_death",
    ),
    _transaction(
        "a second conversation in one client has no anchor",
        "return None if others and not conversation else anchor",
        "return None if others else anchor",
        "coord/test_identity_going_on::test_a_second_conversation_of_one_client_is_tied_to_its_process_too",
    ),
    _transaction(
        "who continues a session chooses another anchor",
        (
            "        if session.machine == self.world.here.machine and not self.world.gone(session):\n"
            "            return session.anchor\n"
        ),
        "",
        "coord/test_identity_going_on::test_who_continues_a_session_lives_as_long_as_that_one_would_have",
    ),
    _transaction(
        "what was appended before a refusal is not synced",
        "            finally:  # what",
        ("            except BaseException:\n                raise\n            else:  # what"),
        "coord/test_transaction::test_what_was_written_before_a_refusal_is_durable_and_on_the_board",
    ),
    _transaction(
        "time that passed for nobody is saved",
        "                    if moment.appended:\n                        present.save()",
        "                    if True:\n                        present.save()",
        "coord/test_transaction::test_a_clock_that_goes_back_after_a_refusal_that_folded_all_anew_hinders_nobody",
    ),
    _transaction(
        "what was found counts as told before it is told",
        "present.save(told=False)",
        "present.save()",
        "coord/test_told::test_what_a_command_that_was_ended_did_not_tell_is_told_by_the_next",
    ),
    _transaction(
        "what was folded anew is saved only where something is written",
        "            if not present.fresh:\n                present.save(",
        "            if False:\n                present.save(",
        "coord/test_transaction::test_what_was_folded_anew_is_saved_even_where_nothing_is_written",
    ),
    _transaction(
        "no checkpoint is written",
        "                        present.save()\n",
        "                        pass\n",
        "coord/test_transaction::test_after_a_command_nothing_has_to_be_folded_again",
    ),
    _present(
        "what came from elsewhere is read under the lock",
        "if self.fresh and self._listed != self._listed_now():",
        "if False:",
        "coord/test_transaction::test_what_was_there_before_the_lock_is_read_before_the_lock",
    ),
    _present(
        "the log is looked at twice",
        "if self.fresh and self._listed != self._listed_now():",
        "if self.fresh:",
        "coord/test_transaction::test_where_no_journal_came_or_went_the_log_is_looked_at_once",
    ),
    _present(
        "a full replay keeps others waiting",
        "        if not self.fresh or self._late(self._ahead) is not None:\n            self.catch_up()\n",
        "",
        "coord/test_transaction::test_what_was_there_before_the_lock_is_read_before_the_lock",
    ),
    _transaction(
        "a hang-up ends a command under the lock",
        "{signal.SIGINT, signal.SIGTERM, signal.SIGHUP}",
        "{signal.SIGINT}",
        (
            "faults/test_signals::test_whatever_the_moment_the_log_is_whole_and_says_what_the_command_said"
            "[before the board is in its place-SIGTERM]"
        ),
    ),
    _transaction(
        "a board that cannot be written makes the claim fail",
        (
            '        return [f"STATUS_BOARD.md could not be written ({error.strerror}); everything else was done"]\n'
            "    return []"
        ),
        ("        raise no_log('board') from error\n    return []"),
        "coord/test_transaction::test_a_board_that_cannot_be_written_is_an_error_only_if_it_was_asked_for",
    ),
    _transaction(
        "a board that was asked for and cannot be written is no error",
        ("    if failed:\n        raise no_log(failed[0])\n"),
        "",
        "coord/test_transaction::test_a_board_that_cannot_be_written_is_an_error_only_if_it_was_asked_for",
    ),
    _run(
        "who acts is decided anew each time",
        ("        if self._me is None:\n            return identify"),
        ("        if True:\n            return identify"),
        "coord/test_waits_that_end::test_another_session_of_the_same_shell_leaves_a_wait_alone",
    ),
    _run(
        "a wait in a shell that was killed revives its session",
        "        if session and evidence:  #",
        "        if False:  #",
        "coord/test_waits_that_end::test_waiting_for_mail_in_a_shell_that_was_killed_revives_nobody_and_reads_nothing",
    ),
)
