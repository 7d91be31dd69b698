"""Promises that the code makes, and how each could be broken: in a function, by an operation of
`tests.mutants.operations`. The tests under each row, below `tests/`, must notice.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """In `function` there is an `operation`, which breaks a `promise`; at least one of the `tests` must fail then."""

    function: str
    operation: str
    promise: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """Which one, for people."""
        return f"{self.function} {self.operation}"


_TABLE = """
# The log: one writer at a time.
lock._acquire | always taken | one process at a time holds the lock
    eventlog/local/test_lock.py::test_who_waits_in_vain_is_told_the_holders_pid
lock._same_file | returns True | a lock file that was replaced or deleted is not the lock
    eventlog/local/test_lock.py::test_a_lock_file_replaced_before_locking_is_not_the_lock
lock.locked | without close | the lock is free again, also after an error under it
    eventlog/local/test_lock.py::test_it_is_free_after_an_error_under_it
lock._record_pid | never _read_content | what a killed holder wrote is durable before anyone builds on it
    eventlog/local/test_durable.py::test_nobody_builds_on_what_a_killed_process_did_not_sync

# The log: what is acknowledged is durable, and a line is whole or not there.
sync_data | without fdatasync | an acknowledged event is on the disk
    eventlog/local/test_durable.py::test_an_event_is_durable_once_sync_has_returned_not_before
sync_folder | without fsync | the name of a journal is on the disk before its first line
    eventlog/local/test_durable.py::test_a_journals_name_is_durable_before_its_content
JournalWriter.__init__ | never known_closed_reason | a damaged or archived journal takes no more
    eventlog/local/test_closed.py::test_a_damaged_journal_takes_no_more_and_nothing_is_deleted
JournalWriter.__init__ | never read last | a journal that was changed since it was read takes no more
    eventlog/local/test_writer.py::test_a_journal_changed_since_it_was_read_takes_no_more
JournalWriter.__init__ | replace O_APPEND 0 | a line is put at the end, wherever that is by then
    eventlog/local/test_writer.py::test_lines_are_put_at_the_end_wherever_that_is_by_then
JournalWriter.extend | never write size | a short write is seen
    eventlog/local/test_journal.py::test_a_short_write_is_cut_back
JournalWriter._truncate | without ftruncate | a short write is cut back
    eventlog/local/test_journal.py::test_a_short_write_is_cut_back
JournalWriter.sync | without mark_sync_failed | a failed sync seals the journal
    eventlog/local/test_journal.py::test_a_failed_sync_seals_the_journal_and_keeps_the_line
JournalWriter._save | returns '' | bytes that are cut off are kept beside the log
    eventlog/local/test_journal.py::test_other_bytes_after_the_last_newline_are_a_tear
JournalWriter._save | without sync_data | bytes that are cut off are durable elsewhere before
    eventlog/local/test_durable.py::test_what_is_cut_off_is_durable_elsewhere_before
writer.sync_names | late ARCHIVE_FOLDER | an archived journal has a durable name at every moment
    eventlog/local/test_durable.py::test_an_archived_journal_is_always_in_one_of_two_places
journal.known_closed_reason | never SEAL_SUFFIX | a sealed journal takes no more
    eventlog/local/test_reading.py::test_a_journal_is_closed_for_each_of_these_reasons

# The log: what is read is what was written.
codec.line_hash | replace previous b'' | the hash of a line covers the line before it
    eventlog/test_codec.py::test_the_hash_is_blake2b_of_the_previous_hash_and_the_body
codec.decode_line | never line_hash | a changed byte is found
    eventlog/test_damage.py::test_no_altered_byte_passes_and_an_altered_line_fails_alone
codec.decode_event | without _check_strictly | a line that parsers read differently is damage
    eventlog/test_codec.py::test_what_parsers_quietly_accept_is_damage
history.merge | replace order_key _by_time | events of one instant have one order
    eventlog/test_history.py::test_the_order_is_by_time_then_session_then_number
journal.read_from | never read last | a journal that was rewound is found
    eventlog/local/test_closed.py::test_reading_on_sees_a_journal_cut_back_or_rewritten
LogReader._next | never horizon | events of another machine that are too far ahead are held back
    eventlog/test_history.py::test_what_is_too_far_ahead_is_held_back_and_not_lost

# The rules of claims.
conflicts.conflict | never agent | rule 1: a session and its own subagent do not conflict
    property/test_conflict.py::test_rule_1_what_conflicts
claims.obstacles_of | never conflict wait | rule 2: nobody overtakes an earlier waiting request
    projections/rules/test_claims.py::test_rule_2_nobody_overtakes_a_waiter_or_waits_for_a_later
requests.on_requested | never refused | rule 2: a request that was told refused is never granted
    projections/rules/test_claims.py::test_rule_2_a_request_told_refused_is_never_granted
claims.advance_time | compare <= < due to | rule 3: a claim lasts up to its end, not including it
    projections/rules/test_claims.py::test_rule_3_a_claim_lasts_up_to_its_end_and_not_including_it
requests.may_act_on | returns True | rule 3: only its holder acts on a claim
    projections/rules/test_claims.py::test_rule_3_only_the_holder_or_its_session_acts_on_a_claim
claims.grant_waiting | always obstacles_of | rule 4: a waiting request is granted once nothing is in its way
    projections/rules/test_claims.py::test_rule_2_a_request_not_granted_waits_or_is_refused
claims.grant_claim | never to_waiter | rule 4: a grant to a waiter lapses unless it is accepted
    projections/rules/test_claims.py::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up
claims.handover_claim | never live | rule 5: nothing is handed to a session that is over
    projections/rules/test_claims.py::test_rule_5_a_handover_to_the_absent_or_in_conflict_is_void
claims.hand_over | without grant_waiting | rule 5: after a handover the waiters are looked at
    projections/rules/test_claims.py::test_rule_5_a_handover_makes_room_for_the_givers_waiters
claims._shortest_cycle | never step seen | rule 6: circles of three and more are shown
    projections/rules/test_losing.py::test_rule_6_a_circle_of_three_is_shown_once
claims.wait_cycles | replace union difference | rule 6: every wait of a session counts
    projections/rules/test_losing.py::test_rule_6_every_wait_of_a_session_counts
claims.is_token_valid | always expected | rule 7: an old token does not stand
    projections/rules/test_losing.py::test_rule_7_a_token_stands_as_long_as_its_grant
claims._transfer | without next_token | rule 7: a claim that passes on has a new token
    property/test_rules.py::test_rule_7_a_claim_passed_on_at_its_grant_gets_a_new_token
requests.on_requested | always live | rule 8: a session that is over is granted nothing, and is told
    projections/rules/test_losing.py::test_rule_8_what_a_session_was_told_after_its_end_is_lost
requests.on_accepted | without record_loss | rule 8: who accepts what it was not granted is told that it is lost
    projections/rules/test_losing.py::test_rule_8_who_accepts_before_its_grant_waits_no_longer
liveness.death_evidence | never pid_namespace | rule 9: a process of another container is not known to be dead
    property/test_rules.py::test_rule_9_when_an_anchor_is_gone
liveness.death_evidence | never unknown | rule 9: a process that may not be looked at is not known to be dead
    property/test_rules.py::test_rule_9_when_an_anchor_is_gone
sessions.has_effect | returns True | an import acts on nothing that others have
    projections/rules/test_imported.py::test_it_cannot_act_on_what_those_have_who_are_here

# Who acts.
identity._named | never ended | nobody acts as a session that has ended or was imported
    coord/admin/shell_import/test_command.py::test_an_imported_session_is_never_live
identity._anchored | never len | of two sessions on one shell none acts unnamed
    coord/workspace/test_identity_sources.py::test_two_sessions_on_one_shell_are_an_error_that_lists_both

# Acting.
transaction.under_lock | without locked | a transaction holds the lock
    faults/test_lock.py::test_a_running_process_with_the_lock_is_told_with_its_pid
transaction.transact | without catch_up | what was written while one waited for the lock counts
    coord/engine/test_transaction.py::test_what_was_written_while_one_waited_for_the_lock_counts
transaction.transact | without _check_complete | while a journal cannot be read nothing is granted
    faults/test_checkpoint.py::test_if_nobody_can_tell_what_is_held_nothing_is_granted
transaction.transact | without write_board | the board shows what was appended
    coord/engine/test_transaction.py::test_what_was_written_before_a_refusal_is_durable_and_shown
Transaction._advance_time | never latest | an event is later than all that was seen
    coord/engine/test_transaction.py::test_what_was_written_while_one_waited_for_the_lock_counts
Transaction.finish | without sync | what was appended is durable before the command says so
    coord/engine/test_transaction.py::test_what_was_written_before_a_refusal_is_durable_and_shown
_late | returns None | an event that comes late is judged where it belongs
    coord/engine/test_snapshot.py::test_what_comes_late_is_judged_where_it_belongs

# The guard of writes, and the hooks.
decide_request | never conflict | a write to what another session holds is denied
    coord/guard/test_index.py::test_a_denial_says_who_until_when_why_and_what_to_do
CallFacts.is_certain | never lives | a session that may be dead denies nothing
    coord/guard/test_index.py::test_nobody_is_denied_for_the_dead
load_index | never list_journal_sizes | an index that is not up to date is not used
    coord/guard/test_index.py::test_an_incomplete_or_outdated_index_is_not_used
main | replace Exception KeyboardInterrupt | a hook that fails does not stop the agent
    coord/guard/test_index.py::test_invalid_input_allows_the_call
HookContext.tell | late _send | a message is recorded as read after it was sent
    coord/hooks/test_handlers.py::test_a_message_that_was_not_shown_stays_unread
block_stop | late _send | a message is recorded as read after it was sent
    coord/hooks/test_handlers.py::test_a_blocked_stop_that_failed_leaves_the_message_unread

# The guard of commits and pushes.
before_commit | never denied | a commit that takes another's work along is refused
    coord/hooks/git/test_hook.py::test_an_agents_commit_is_held_back_for_another_agents_edit
before_commit | always is_person | an agent is no person
    coord/hooks/git/test_hook.py::test_an_agent_is_no_person
_is_guard_off | without act | a commit with the guard off is on the record
    coord/hooks/git/test_hook.py::test_who_goes_on_all_the_same_does_it_on_the_record
after_commit | without act | a commit ends the claims of the edits in it
    coord/hooks/git/test_hook.py::test_a_commit_ends_the_automatic_claims_of_what_is_in_it

# Archiving and verifying.
archive | without under_lock | journals are moved under the lock
    coord/admin/test_archive_exceptions.py::test_they_go_under_the_lock_and_their_new_places_are_durable
_move | never changed | a journal that was written to meanwhile stays
    coord/admin/test_archive_exceptions.py::test_one_whose_session_comes_back_meanwhile_stays
JournalResult.whole | never damage | a journal with damage is not whole
    faults/test_verify.py::test_the_place_and_what_to_do_are_said
_compared | returns 'same' | a checkpoint that the journals do not give is told
    faults/test_verify.py::test_a_fold_that_the_journals_do_not_give_is_told

# Importing.
import_folder | always known | a file is brought in once
    coord/admin/shell_import/test_run.py::test_a_file_is_brought_in_once_whatever_else_comes
_listed | never link | no link is followed
    coord/admin/shell_import/test_run.py::test_a_link_is_followed_nowhere
_write | without sync | an import is durable before it says so
    coord/admin/shell_import/test_run.py::test_an_import_is_durable_before_it_says_so
"""


def _rows(table: str) -> list[Mutant]:
    rows: list[tuple[str, list[str]]] = []
    for line in table.splitlines():
        if line.startswith(" "):
            rows[-1][1].append(line.strip())
        elif line and not line.startswith("#"):
            rows.append((line, []))
    found = []
    for row, tests in rows:
        function, operation, promise = row.split(" | ")
        found.append(Mutant(function, operation, promise, tuple(tests)))
    return found


MUTANTS = _rows(_TABLE)
