"""Promises of the code, and for each an operation of `tests.mutants.operations` on a function that breaks it. The tests
below each row (paths in `tests/`) must fail then.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """An `operation` on a `function` that breaks a `promise`, so that at least one of the `tests` must fail."""

    function: str
    operation: str
    promise: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name in messages."""
        return f"{self.function} {self.operation}"


_TABLE = """
# The log: one writer at a time.
lock._acquire | always taken | one process at a time holds the lock
    eventlog/local/test_lock.py::test_a_lock_timeout_names_the_holders_pid
lock._same_file | returns True | a lock file that was replaced or deleted is not the lock
    eventlog/local/test_lock.py::test_a_lock_file_replaced_before_locking_is_not_the_lock
lock.locked | without close | the lock is free again, also after an error under it
    eventlog/local/test_lock.py::test_the_lock_is_free_after_an_error_in_its_body
lock._record_pid | never _read_content | what a killed holder wrote is durable before anyone builds on it
    eventlog/local/test_durable.py::test_unsynced_writes_of_a_killed_process_are_synced_first

# The log: acknowledged events are durable, and lines are complete.
sync_data | without fdatasync | an acknowledged event is on the disk
    eventlog/local/test_durable.py::test_an_event_is_durable_after_sync_and_not_before
sync_folder | without fsync | the name of a journal is on the disk before its first line
    eventlog/local/test_durable.py::test_a_journals_name_is_durable_before_its_first_line
JournalWriter.__init__ | never known_closed_reason | a damaged or archived journal takes no more events
    eventlog/local/test_closed.py::test_a_damaged_journal_is_closed_and_nothing_is_deleted
JournalWriter.__init__ | never read last | a journal that was changed since it was read takes no more events
    eventlog/local/test_writer.py::test_a_journal_changed_since_it_was_read_is_closed
JournalWriter.__init__ | replace O_APPEND 0 | a line is appended at the current end of the file
    eventlog/local/test_writer.py::test_lines_are_always_appended_at_the_current_end
JournalWriter._write | never write size | a short write is detected
    eventlog/local/test_journal.py::test_a_short_write_is_cut_off_again
JournalWriter._undo_write | without ftruncate | a short write is cut back
    eventlog/local/test_journal.py::test_a_short_write_is_cut_off_again
JournalWriter.sync | without mark_sync_failed | a failed sync seals the journal
    eventlog/local/test_journal.py::test_a_failed_sync_seals_the_journal_and_keeps_the_line
JournalWriter._save | returns '' | bytes that are cut off are kept beside the log
    eventlog/local/test_journal.py::test_other_bytes_after_the_last_newline_are_a_tear
JournalWriter._save | without sync_data | bytes are durable elsewhere before they are cut off
    eventlog/local/test_durable.py::test_a_tear_is_saved_durably_before_it_is_cut_off
writer.sync_names | late ARCHIVE_FOLDER | an archived journal has a durable name at every point
    eventlog/local/test_durable.py::test_an_archived_journal_always_has_a_durable_name
journal.known_closed_reason | never SEAL_SUFFIX | a sealed journal takes no more events
    eventlog/local/test_reading.py::test_each_reason_closes_a_journal

# The log: what is read is what was written.
codec.line_hash | replace previous b'' | the hash of a line covers the line before it
    eventlog/test_codec.py::test_the_hash_is_blake2b_of_the_previous_hash_and_the_body
codec.decode_line | never line_hash | a changed byte is found
    eventlog/test_damage.py::test_an_altered_byte_is_found_and_affects_only_its_line
codec._have_right_hashes | returns True | a changed byte is found, also in a block of lines
    eventlog/test_damage.py::test_an_altered_byte_is_found_and_affects_only_its_line
codec.decode_event | without _check_strictly | a line that parsers read differently is damage
    eventlog/test_codec.py::test_invalid_input_that_parsers_accept_is_damage
order.merge | replace order_key attrgetter("at") | events with the same time have one order
    eventlog/test_history.py::test_the_order_is_by_time_then_session_then_number
journal.read_from | never read last | a journal that was rewound is found
    eventlog/local/test_closed.py::test_continued_reading_finds_a_rewound_journal
LogReader.batches | never _time_before | a journal is begun when the merge reaches it
    eventlog/test_batches.py::test_a_journal_is_begun_when_the_merge_reaches_it
LogReader._read_into | without drop | a journal that is rewritten during a read is rewound
    eventlog/test_batches.py::test_a_journal_that_is_rewritten_during_a_read_is_rewound
LogReader._read_next | never horizon | events of another machine that are too far ahead are held back
    eventlog/test_history.py::test_events_too_far_ahead_are_held_back_and_not_lost
Archive.refresh | always force | a journal that was just archived is not reported as gone
    eventlog/test_archived.py::test_a_move_in_the_same_instant_as_a_listing_is_found
listing.list_journals | never remove | a journal that was moved back from the archive counts there
    property/test_archive_listing.py::test_listing_only_a_changed_archive_finds_the_same
Archive.refresh | always is_settled | a change in the same instant as a listing is found by the next one
    eventlog/test_archived.py::test_a_recent_listing_of_the_archive_is_repeated
archiving.reason_to_keep | never busy | a journal stays while one of its sessions holds a claim
    coord/admin/test_archive_exceptions.py::test_an_imported_journal_stays_while_it_has_claims
archiving.archive_ended | without suppress | a start succeeds even if nothing can be archived
    coord/engine/test_archiving.py::test_a_start_succeeds_if_a_move_fails

# The rules of claims.
conflicts.conflict | never agent | rule 1: a session and its own subagent do not conflict
    property/test_conflict.py::test_rule_1_claims_conflict_as_in_the_reference_model
guard_index.with_worktree_names | returns state | a claim that names the path of a worktree is in that worktree
    coord/hooks/test_worktree_identity.py::test_an_edit_in_an_older_journal_is_guarded_and_ends
RequestIndex._buckets_near | replace below () | rule 1: the index finds what lies below a pattern
    property/test_claim_index.py::test_the_index_finds_few_of_many_claims[pattern]
RequestIndex.update_end | without heappush | rule 3: the index knows when a renewed claim ends
    property/test_claim_index.py::test_the_index_does_not_change_the_fold
ClaimIndex.pass_claim | without _freed | rule 4: a claim that passes to a waiting session unblocks its requests
    property/test_claim_index.py::test_a_claim_that_passes_on_unblocks_a_request
ClaimIndex.is_of | returns True | a state whose claims were replaced is indexed again
    property/test_claim_index.py::test_a_state_with_other_claims_has_another_index
resources._ends_agree | replace endswith startswith | rule 1: only patterns that cannot overlap are not compared
    property/test_conflict.py::test_rule_1_patterns_overlap_iff_a_path_matches_both
claims.find_obstacles | never conflict wait | rule 2: no request overtakes an earlier waiting request
    projections/rules/test_claims.py::test_rule_2_an_earlier_waiting_request_comes_first
requests.on_requested | never refused | rule 2: a request that was told refused is never granted
    projections/rules/test_claims.py::test_rule_2_a_request_told_refused_is_never_granted
claims.advance_time | compare <= < due to | rule 3: a claim lasts up to its end, not including it
    projections/rules/test_claims.py::test_rule_3_a_claim_is_active_before_its_end_and_not_at_it
requests.may_act_on | returns True | rule 3: only its holder acts on a claim
    projections/rules/test_claims.py::test_rule_3_only_the_holder_or_its_session_can_act
claims.grant_waiting | always find_obstacles | rule 4: a waiting request is granted when nothing blocks it
    projections/rules/test_claims.py::test_rule_4_waiting_requests_are_granted_in_order
claims.grant_claim | never to_waiter | rule 4: a grant to a waiter lapses unless it is accepted
    projections/rules/test_claims.py::test_rule_4_a_grant_after_waiting_lapses_unless_accepted
handover.handover_claim | never live | rule 5: no claim is handed to a session that has ended
    projections/rules/test_claims.py::test_rule_5_an_impossible_handover_is_void
handover.hand_over | without grant_waiting | rule 5: a handover grants requests that it unblocks
    projections/rules/test_claims.py::test_rule_5_waiting_requests_are_checked_after_a_handover
cycles._without_dead_ends | replace waits_for waiters | rule 6: only sessions that cannot reach a cycle are left out
    property/test_rules.py::test_rule_6_every_session_in_a_circle_is_shown_one
cycles._shortest_cycle | never step seen | rule 6: circles of three and more are shown
    projections/rules/test_losing.py::test_rule_6_a_cycle_of_three_is_found_once
cycles.wait_cycles | replace union difference | rule 6: every wait of a session counts
    projections/rules/test_losing.py::test_rule_6_every_wait_of_a_session_counts
claims.is_token_valid | always expected | rule 7: an old token is invalid
    projections/rules/test_losing.py::test_rule_7_a_token_is_valid_as_long_as_its_grant
handover._transfer | without next_token | rule 7: a claim that passes to another session gets a new token
    property/test_rules.py::test_rule_7_a_claim_passed_on_at_its_grant_gets_a_new_token
requests.on_requested | always live | rule 8: a session that has ended is granted nothing, and is told
    projections/rules/test_losing.py::test_rule_8_a_claim_granted_after_the_sessions_end_is_lost
requests.on_accepted | without record_loss | rule 8: accepting a claim that was not granted gives a notice
    projections/rules/test_losing.py::test_rule_8_accepting_before_the_grant_ends_the_wait
liveness.death_evidence | never pid_namespace | rule 9: a process of another container is not known to be dead
    property/test_rules.py::test_rule_9_when_an_anchor_counts_as_gone
liveness.death_evidence | never unknown | rule 9: a process that may not be inspected is not known to be dead
    property/test_rules.py::test_rule_9_when_an_anchor_counts_as_gone
sessions.has_effect | returns True | imported events do not act on local claims
    projections/rules/test_imported.py::test_an_import_cannot_act_on_live_sessions_claims

# Who acts.
identity._named_identity | never ended | no command acts as a session that has ended or was imported
    coord/admin/shell_import/test_command.py::test_an_imported_session_is_never_live
identity._anchored_identity | never len | with two sessions on one shell, a command must name its session
    coord/workspace/test_identity_sources.py::test_two_sessions_on_one_shell_are_an_error_that_lists_both
conversations._place | returns 'unknown' | each running process of a conversation is a session of its own
    coord/hooks/test_two_processes.py::test_the_second_process_is_a_session_that_continues_nothing
    faults/test_same_conversation.py::test_at_most_one_process_of_a_conversation_writes_a_file
acting_sessions | compare == != place wanted | a process keeps the session that is anchored to it
    property/test_same_conversation.py::test_a_process_keeps_the_session_that_is_anchored_to_it
conversations.sessions_of_caller | never copies | a command that cannot see its process acts for no session
    coord/hooks/test_two_processes.py::test_a_command_that_cannot_see_its_process_names_no_session
entry._calling_session | never one_process | the quick path does not take another process for the known one
    coord/hooks/test_two_processes.py::test_any_first_hook_of_the_second_process_starts_its_session
on_end | always elsewhere | a late hook of a process that has ended does not end a session in another process
    coord/hooks/test_two_processes.py::test_a_late_end_of_the_first_process_ends_no_other_session
sessions.on_started | without _tell_copies | both processes of a conversation are told
    coord/hooks/test_two_processes.py::test_both_processes_are_told_once

# Acting.
machine_lock.under_lock | without locked | a transaction holds the lock
    faults/test_lock.py::test_a_running_process_with_the_lock_is_reported
transact._attempt | without catch_up | events written while waiting for the lock count
    coord/engine/test_transaction.py::test_events_written_while_waiting_for_the_lock_count
transact._attempt | without check_complete | while a journal cannot be read nothing is granted
    faults/test_checkpoint.py::test_if_the_claims_are_unknown_nothing_is_granted
transact._save | without write_board | the board shows what was appended
    coord/engine/test_transaction.py::test_events_before_a_refusal_are_durable_and_on_the_board
Transaction._advance_time | never latest | an event is later than every event seen
    coord/engine/test_transaction.py::test_events_written_while_waiting_for_the_lock_count
Transaction.finish | without sync | events are durable before the command reports success
    coord/engine/test_transaction.py::test_events_before_a_refusal_are_durable_and_on_the_board
_late_key | returns None | an event that arrives late is folded at its time
    coord/engine/test_snapshot.py::test_a_late_event_is_folded_at_its_place_in_the_order

# The guard of writes, and the hooks.
decide_request | never conflict | a write to what another session holds is denied
    coord/guard/test_index.py::test_a_denial_says_who_until_when_why_and_what_to_do
denial.row_text | compare == != session | a denied subagent is not shown its own session as another
    coord/guard/test_denial.py::test_a_denied_sibling_is_not_sent_to_its_own_session
denial_text | compare == != session | a denied subagent is not advised to write to its own session
    coord/guard/test_denial.py::test_a_denied_sibling_is_not_sent_to_its_own_session
is_work_on | returns True | a denial names only what the file is held for
    coord/guard/test_denial.py::test_a_denial_does_not_name_the_last_tool_of_the_holder
CallFacts.is_certain | never lives | a session that may be dead blocks no write
    coord/guard/test_index.py::test_nobody_is_denied_for_the_dead
load_index | never list_journal_sizes | an index that is not up to date is not used
    coord/guard/test_index.py::test_an_incomplete_or_outdated_index_is_not_used
Table.get | never isprintable | a hook finds every entry of the index
    coord/guard/test_view.py::test_a_table_returns_the_values_of_a_key
HookView.rows_near | replace roots_above list | a hook knows the claims on the folders above its file
    coord/guard/test_view.py::test_the_rows_near_a_file_are_all_rows_that_overlap
_names_needed | replace sessions () | a name that is not clear on the complete board is not clear on a part of it
    projections/views/test_board.py::test_a_limited_board_shows_some_rows_of_the_complete_one
System.find_gone | returns {} | a session whose process is gone is recorded as dead
    coord/engine/test_death.py::test_a_killed_session_is_dead_and_the_next_writer_frees_all
find_idle | returns {} | an agent whose transcript shows the end of its turn is shown and recorded as idle
    coord/hooks/test_turns.py::test_an_interruption_is_shown_at_once_and_then_recorded
find_idle | replace inf 0 | silence proves nothing while an agent waits for an answer, or its transcript is unknown
    coord/hooks/test_turns.py::test_an_open_question_ends_by_an_interruption_not_by_time
    coord/hooks/test_turns.py::test_silence_proves_nothing_without_a_known_transcript
on_presumed_idle | always is_at_work | an agent that reports no work is not presumed idle
    property/test_turns.py::test_presumed_idle_changes_only_what_the_session_does
idle_evidence | never quiet_s | a person is refused for a minute after the last sign of an agent's work
    coord/hooks/test_turns.py::test_a_person_is_refused_for_a_minute_after_the_last_sign
_is_only_writer | returns True | a transcript that two processes share proves an interruption of neither
    coord/hooks/test_two_processes.py::test_a_shared_transcript_proves_no_interruption
_ended_because | never kinds | the last line about a turn in a transcript shows that the turn has ended
    coord/guard/test_work_signs.py::test_the_last_line_about_a_turn_shows_its_end
calling_client | always fits | another client that runs a hook is recognized by its payload
    property/test_caller.py::test_copilot_that_runs_a_hook_of_claude_is_recognized
is_own_call | never variable | a hook without the variable of its client may be called by another one
    property/test_caller.py::test_each_sample_is_answered_as_that_of_its_client
calling_client | never nearest | if several clients are possible, the nearest process decides
    property/test_caller.py::test_inherited_variables_and_outer_clients_do_not_matter
unguarded_write | returns ([],False) | a write whose file is not found is reported
    coord/hooks/test_unguarded_writes.py::test_a_renamed_input_is_reported_once
commands_to_compare | never _is_background | a change by a command in the background is noticed
    coord/hooks/test_background_commands.py::test_the_session_is_shown_what_its_subagents_left_running
after_report | replace reported excused | a change in the background is recorded once
    coord/hooks/test_background_commands.py::test_a_file_that_changes_repeatedly_is_recorded_once
has_ended | never running | a command in the background that is no longer listed has ended
    coord/hooks/test_background_commands.py::test_the_clients_report_ends_a_command
main | replace Exception KeyboardInterrupt | a hook that fails does not stop the agent
    coord/guard/test_index.py::test_invalid_input_allows_the_call
HookContext.tell | late _send | a message is recorded as read after it was sent
    coord/hooks/test_handlers.py::test_a_message_that_was_not_shown_stays_unread
block_stop | late _send | a message is recorded as read after it was sent
    coord/hooks/test_handlers.py::test_a_blocked_stop_that_failed_leaves_the_message_unread
_hook_event | never empty_prompts | a prompt hook without a prompt shows and changes nothing
    coord/guard/test_payload.py::test_only_a_prompt_with_a_text_is_a_prompt
_sessions_of_subagent | returns [] | a subagent of any depth acts in the session of its conversation
    coord/hooks/test_named_subagents.py::test_a_subagent_at_any_depth_acts_in_its_root_session
_sessions_of_subagent | always unnamed_subagents | a command of a subagent without a known id acts in its session
    coord/hooks/test_named_subagents.py::test_a_command_of_a_subagent_acts_as_its_session
_print_form | returns False | the agent learns why its write is denied
    coord/hooks/test_every_client.py::test_a_denial_is_printed_as_the_client_expects_it
answers.permission | returns 'allow' | a client is given no permission outside its workspace
    coord/hooks/test_every_client.py::test_a_client_that_denies_without_an_answer_gets_one
is_plugin_module | returns True | a module that coord did not make is left alone
    coord/admin/install/formats/test_javascript_plugin.py::test_a_module_of_somebody_else_is_left_alone

messages.by_rank | returns list(items) | urgent messages are shown before notices
    coord/hooks/test_handlers.py::test_urgent_messages_come_before_notices_and_others
is_pressing | returns True | a broadcast that is not urgent wakes nobody
    coord/hooks/test_handlers.py::test_a_broadcast_waits_for_the_next_prompt_unless_urgent
crossed_messages | returns () | a reply that crosses a message is marked
    coord/hooks/test_handlers.py::test_a_reply_that_crosses_a_message_is_marked_when_read
_is_newer | compare > >= number | a reply does not cross the message that it answers
    property/test_crossing.py::test_a_reply_crosses_what_its_sender_had_not_read
_peer_name | always session_id | nobody is told to wake another conversation
    coord/cli/commands/messages/test_ring.py::test_a_file_that_does_not_name_the_session_is_not_used

# The guard of commits and pushes.
before_commit | never denied | a commit that contains another session's edit is refused
    coord/hooks/git/test_hook.py::test_an_agents_commit_of_another_agents_edit_is_refused
before_commit | always is_person | an agent is not treated as the user
    coord/hooks/git/test_hook.py::test_an_agent_cannot_commit_edits_of_a_stopped_agent
GitHook._guards | returns True | a file is not checked with a log that does not guard it
    coord/hooks/test_nested_repositories.py::test_a_commit_is_checked_with_the_log_of_each_part
_is_guard_off | without transact | a commit with the guard off is recorded
    coord/hooks/git/test_hook.py::test_a_commit_with_the_guard_off_is_recorded
after_commit | without transact | a commit ends the claims of the edits in it
    coord/hooks/git/test_hook.py::test_a_commit_ends_the_automatic_claims_on_its_files

# Archiving and verifying.
archive | without under_lock | journals are moved under the lock
    coord/admin/test_archive_exceptions.py::test_journals_are_moved_under_the_lock_and_synced
_move | always same path | a journal that was written to meanwhile is not archived
    coord/admin/test_archive_exceptions.py::test_a_journal_whose_session_comes_back_stays
JournalResult.whole | never damage | a journal with damage is not whole
    faults/test_verify.py::test_damage_is_reported_with_its_place_and_a_remedy
PostedHistory._check_odd | returns None | resources that differ between the events of a claim are answered from journals
    property/test_postings.py::test_a_handover_of_another_resource_is_not_posted
journal.find_line | returns None | one event is found without reading its whole journal
    eventlog/local/test_find_line.py::test_every_line_of_a_journal_is_found
_compare_checkpoint | never damaged | rows beside the checkpoint that differ from the journals are reported
    faults/test_ended_rows.py::test_verify_reports_damaged_files_beside_the_checkpoint
Buckets._read | never digest | a changed byte beside the checkpoint is noticed
    coord/engine/cache/test_buckets.py::test_a_damaged_file_is_noticed
_compare_checkpoint | returns 'same' | a checkpoint that differs from the journals is reported
    faults/test_verify.py::test_a_wrong_fold_in_the_checkpoint_is_reported

# The proof that a client obeys the guard.
judge_run | always by_command | a file that was written after a denial is not called denied
    coord/admin/prove/test_verdict.py::test_only_a_write_that_a_hook_denied_is_denied
handlers.on_end | always KEPT | the traces of a denial outlast the client that was denied
    coord/admin/prove/test_proof.py::test_the_result_is_what_the_client_does
claimed_canary | without rmtree | a proof leaves nothing behind
    coord/admin/prove/test_proof.py::test_a_proof_leaves_nothing_in_the_log_and_the_cache
_check_permission | never clients_in | an agent does not start another one to prove something
    coord/admin/prove/test_proof.py::test_an_agent_cannot_start_another_one

# The past, from an older checkpoint on.
journal.read_between | always same_lines | the lines of a journal lead from an older checkpoint to the present
    faults/test_past.py::test_older_checkpoints_of_other_lines_are_not_used
Journals.begins_after | returns True | the journals that were archived since a checkpoint are read
    faults/test_past.py::test_sessions_that_were_archived_since_are_read
search._candidates | returns lambda line: text.encode() in line | a search finds a text in upper and lower case
    property/test_search.py::test_a_search_finds_what_the_filter_of_the_log_finds
open_past | always fresh | a rewind that was not recorded yet is described as always
    faults/test_past.py::test_a_rewound_or_damaged_journal_is_noticed

# Notifications.
decision.pick | compare >= > MOST_PER_HOUR | at most four notifications in an hour are not urgent
    property/test_notify.py::test_every_need_is_told_once_and_within_the_limit
decision.marked | never complete | a need that a limited list leaves out has not ended
    property/test_notify.py::test_a_need_beyond_a_limited_list_is_not_told_again
decision.is_urgent | returns False | an urgent need never waits
    coord/workspace/notify/test_decision.py::test_an_urgent_need_never_waits_and_takes_the_others_along
take_due | without save_notified | a need is told once
    coord/workspace/notify/test_delivery.py::test_a_new_need_is_told_once_by_the_command_that_made_it
due._command | never PREFIX | a command that a notification runs causes no further ones
    coord/workspace/notify/test_delivery.py::test_a_command_that_uses_coord_notifies_no_further
note_needs | without save_notified | what a visible watch has shown is not told later
    coord/cli/commands/board/test_watch_notify.py::test_what_a_visible_watch_shows_is_not_told
notify._deliver | without sleep | a need that ends at once is not told
    coord/workspace/notify/test_delivery.py::test_a_need_that_ends_at_once_is_not_told
transact._save | without callback | a new need is told by the command that made it
    coord/workspace/notify/test_delivery.py::test_a_new_need_is_told_once_by_the_command_that_made_it
is_watched | returns False | the person is not notified of what a visible watch shows
    coord/cli/commands/board/test_watch_notify.py::test_what_a_visible_watch_shows_is_not_told
runner._end | replace killpg kill | a command that hangs is ended with the processes that it started
    faults/test_notify.py::test_a_command_that_hangs_is_ended_with_its_children
_unsafe_reason | returns '' | a setting that others could have written runs no program
    coord/workspace/test_person_config.py::test_a_file_that_others_can_write_is_not_used
check_command | returns None | text of other sessions is never run as code
    coord/workspace/notify/test_message.py::test_a_command_that_would_run_the_text_is_refused

# The page: only its own browser is answered.
rules._check_host | returns None | a site whose name leads to this machine reads nothing
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
rules._check_origin | returns None | a page of another site is refused
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
rules._check_site | returns None | a request that another site caused is refused
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
rules._check_cookie | returns None | who has not opened the page with the key is refused
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
rules._check_body | returns None | a form changes nothing, and a body is bounded
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
rules.has_cookie | always compare_digest | no other cookie is the cookie
    coord/servers/web/serving/test_access_rules.py::test_each_rule_refuses
AccessMiddleware._answer | never refused | what is refused does not reach the application
    coord/servers/web/serving/test_access.py::test_a_wrong_cookie_is_refused
middleware._read_body | never MAX_BODY | a body without a length is bounded
    coord/servers/web/serving/test_access.py::test_a_long_body_is_refused
peers.foreign_user | returns False | another user with the key is refused
    coord/servers/web/serving/test_other_users.py::test_the_user_of_a_connection_is_found
record._is_private | returns True | a key that others could have read is not used
    coord/servers/web/serving/test_record.py::test_a_record_that_others_can_use_is_not_used
record.serving_record | always is_alive | the record of a dead process is replaced
    coord/servers/web/serving/test_record.py::test_only_a_live_process_serves
_Window.find | never ids event | a page continues only from a state of this history
    coord/servers/web/test_stream.py::test_an_unknown_state_gets_everything
TimelineChanges.add | without _drop_early | an event replaces what time alone had ended before it
    property/test_timeline_changes.py::test_the_tables_are_those_of_the_whole_timeline

# Several machines: a claim is agreed on, and what comes from elsewhere is checked.
agreeing.needs_agreement | returns False | a claim is published before it is told
    coord/engine/sync/test_agreement.py::test_of_two_machines_exactly_one_gets_a_resource
Agreeing.publish | never _is_refused | a refusal is true when it is told
    coord/engine/sync/test_agreement.py::test_a_refusal_is_true_when_it_is_told
doubts.may_be_held | returns False | no live claim of another machine is taken for expired
    coord/engine/sync/test_agreement.py::test_a_wrong_clock_takes_no_live_claim[86400]
Incoming._is_own | returns False | a journal of this machine is never taken over
    coord/engine/sync/test_exchange.py::test_a_journal_of_this_machine_is_never_taken_over
Incoming._write_rest | never damage | an altered journal is not accepted
    coord/engine/sync/test_exchange.py::test_an_altered_journal_is_not_accepted_and_mended
Exchange._read | without _report_lost | what a remote lost is told
    coord/engine/sync/test_exchange.py::test_what_a_rolled_back_remote_lost_is_published_again
Incoming.report_own | without close_journal | no number is given to two events
    coord/engine/sync/test_incoming.py::test_a_journal_restored_from_an_old_copy_ends[segments]
RemoteSizes.differs | returns None | an altered journal is published again by its machine
    coord/engine/sync/test_incoming.py::test_what_a_later_publication_altered_is_mended[segments]
Exchange._start | returns self.cursor | a published draft is found although the exchange moved on
    coord/engine/sync/test_incoming.py::test_a_draft_is_adopted_if_its_command_was_killed[segments-True]
Exchange._settle | without close_journal | a journal ends if others may have read the draft that is dropped
    coord/engine/sync/test_incoming.py::test_a_journal_whose_draft_others_may_have_ends[segments]
pending.adopt | never startswith | a draft replaces nothing that was acknowledged
    coord/engine/sync/test_incoming.py::test_a_draft_replaces_nothing_that_was_acknowledged[segments]
status.read_status | never _with_digest | damage of what is known of the remote is found
    coord/engine/sync/test_status.py::test_any_changed_byte_is_found
claims.yields_to | returns False | rule 8: a provisional claim yields to one that was agreed on
    property/test_rules.py::test_rule_8_provisional_requests_take_nothing_agreed
dispatch._decide_writes | never not_agreed | a write that nobody agreed on is denied
    coord/hooks/test_other_machines.py::test_a_write_is_denied_while_nobody_can_be_asked

# Importing.
import_folder | always known | a file is imported once
    coord/admin/shell_import/test_run.py::test_a_file_is_imported_only_once
_listed | never link | no link is followed
    coord/admin/shell_import/test_run.py::test_no_link_is_followed
_write | without sync | an import is durable before it reports success
    coord/admin/shell_import/test_run.py::test_an_import_is_synced_before_it_is_reported
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
