"""Mutants of the guard: what it answers, and when its index says it."""

from tests.mutants.mutant import Mutant, in_file

_guard = in_file("coord/guard.py", "tests")
_indexing = in_file("coord/indexing.py", "tests")
_json = in_file("coord/plainjson.py", "tests")
_edits = in_file("coord/edits.py", "tests")
_gitguard = in_file("coord/gitguard.py", "tests")
_committing = in_file("coord/committing.py", "tests")
_traces = in_file("coord/traces.py", "tests")
_hooks = in_file("coord/hooks.py", "tests")
_moments = in_file("coord/moments.py", "tests")
_hooked = in_file("coord/hooked.py", "tests")
_answering = in_file("coord/answering.py", "tests")
_noticing = in_file("coord/noticing.py", "tests")
_telling = in_file("coord/telling.py", "tests")
_DENIED = "coord/test_guard::test_another_session_is_denied_and_told_who_until_when_what_for_and_what_to_do"
_INDEX = "coord/test_guard::test_an_index_that_is_not_whole_or_not_up_to_date_is_not_used"
_RULES = "coord/test_guard::test_both_ways_give_one_answer_and_it_is_what_the_rules_say"
_FIRST = "coord/test_guard::test_the_first_write_claims_the_file_and_the_next_one_only_asks_the_index"
_TELLS = "coord/test_guard::test_the_index_is_not_asked_where_it_does_not_tell_of_this"
_WAITS = "coord/test_guard::test_who_waits_for_a_file_may_not_write_it_and_goes_before_those_who_come_later"
_LATE = "coord/test_guard::test_a_claim_that_ran_out_stands_in_nobodys_way_and_a_late_write_renews_it"
_EDITS = "property/test_edits::test_a_write_is_denied_if_and_only_if_someone_else_has_unfinished_work_in_that_file"
_AT = "coord/test_moments::"

MUTANTS: tuple[Mutant, ...] = (
    _guard("nobody is denied", "if conflict(row, ask) and not", "if False and not", _DENIED),
    _guard("everybody is denied", "if conflict(row, ask) and not", "if not", _RULES),
    _guard(
        "a claim is never renewed by a write",
        'return ("claim" if half_over else "allow"), []',
        'return "allow", []',
        _LATE,
    ),
    _guard(
        "each write renews the claim", 'return ("claim" if half_over else "allow"), []', 'return "claim", []', _FIRST
    ),
    _guard(
        "the dead are in the way",
        "        if not self.lives(row.session):\n            return False\n",
        "",
        "coord/test_guard::test_nobody_is_denied_for_the_dead",
    ),
    _guard(
        "the conversation of a dead client writes", "if session and self.lives(session) else", "if session else", _TELLS
    ),
    _guard(
        "what has ended by itself still holds",
        'now >= fields["due"]',
        "False",
        "coord/test_guard::test_a_claim_by_name_that_ran_out_stands_in_nobodys_way",
    ),
    _guard("an index of other code is used", 'or fields["code"] != fingerprint()', "", _TELLS),
    _guard(
        "an index of other settings is used",
        ' or fields["config"] != traces.stamp(os.path.join(folder, CONFIG))',
        "",
        _AT + "test_a_change_of_the_settings_counts_at_once",
    ),
    _guard("an index of another machine is used", 'tuple(fields["here"]) != here() or ', "", _TELLS),
    _guard("what was written since is not noticed", ' or lengths_in(log) != fields["journals"]', "", _INDEX),
    _guard("that something was archived is not noticed", "changed_at(os.path.join(log, ENDED))", "0", _TELLS),
    _guard(
        "an index that is not whole is used",
        "return loads(data[_DIGEST:]) if whole else None",
        "return loads(data[_DIGEST:])",
        _INDEX,
    ),
    _guard(
        "what is ignored is guarded",
        "return any(map(meant, patterns))",
        "return False",
        _AT + "test_lock_files_and_what_a_team_ignores_is_never_claimed_or_denied",
    ),
    _guard(
        "a pattern of a folder means a file too",
        "(folders if word != pattern else [name])",
        "[*folders, name]",
        "coord/test_guard::test_an_ignored_name_is_what_its_pattern_covers_in_any_folder",
    ),
    _guard(
        "on check an edit of someone else denies",
        ' and not (mode == "check" and row.automatic)',
        "",
        _AT + "test_on_check_only_what_was_claimed_by_name_denies",
    ),
    _guard(
        "on warn a write is denied",
        'return ("warn" if mode == "warn" else "deny"), found',
        'return "deny", found',
        _AT + "test_on_warn_nothing_is_denied_and_it_is_said",
    ),
    _guard("off is on", 'list(rows) if mode != "off" else []', "list(rows)", _AT + "test_off_is_off"),
    _hooks(
        "a hook that fails is in the way",
        "        _write_down(word, call, error)\n",
        "        _write_down(word, call, error)\n        code = DENIED\n",
        "coord/test_guard::test_what_is_no_input_lets_the_write_go_on",
    ),
    _hooks(
        "an agent is never told while it works",
        'if not call.agent and news["soon"]:',
        "if False:",
        _AT + "test_a_message_is_delivered_once_marked_as_another_sessions_words",
    ),
    _hooks(
        "a shell command is not looked after",
        "    if any(traces.stamp(os.path.join(worktree, name)) != look for name, look in files.items()):",
        "    if False:",
        _AT + "test_a_shell_command_that_changes_anothers_file_is_told_to_both_and_put_on_record",
    ),
    _edits(
        "a write claims nothing",
        "    for write in writes:\n        asked",
        "    for write in ():\n        asked",
        _FIRST,
    ),
    _edits(
        "the long way leaves the index as it was",
        "    moment.outdated = True",
        "    moment.outdated = False",
        _INDEX,
    ),
    _edits(
        "a write claims the file everywhere",
        "            worktree=write.worktree,\n",
        "",
        "coord/test_guard::test_what_is_written_in_one_worktree_is_free_in_another_unless_claimed_by_name",
    ),
    _edits(
        "subagents write as their session",
        "            agent=write.agent,\n",
        "",
        "coord/test_guard::test_subagents_of_one_session_are_kept_apart",
    ),
    _edits(
        "what is committed stays taken",
        "        if written and not differs:",
        "        if False:",
        _EDITS,
    ),
    _edits("what is uncommitted is taken for over", "if differs and differs != IGNORED:", "if False:", _EDITS),
    _edits(
        "a write that is under way is taken for over",
        "differs is None or (pending and not idle)",
        "differs is None",
        _AT + "test_a_write_that_is_under_way_is_not_over_because_the_one_before_it_was_committed",
    ),
    _edits(
        "a write that never came holds for ever",
        "    if age < patience * 1_000_000:",
        "    if True:",
        _AT + "test_a_write_that_never_came_holds_the_file_for_twenty_minutes",
    ),
    _gitguard(
        "an agent is taken for a person",
        "if found and hook.is_person(me, state):",
        "if found:",
        "coord/test_git_guard::test_an_agent_is_no_person",
    ),
    _gitguard(
        "a write that never came outlives the commit",
        "edits.committed(moment, hook.config, _still(moment, over))",
        "edits.finish(moment, hook.config, _still(moment, over))",
        _EDITS,
    ),
    _edits(
        "a write that may come ends with the commit of another",
        "return begun or holder.doing.asks_person",
        "return False",
        "coord/test_edges_of_edits::test_a_write_that_may_be_under_way_does_not_end_with_the_commit_of_another",
    ),
    _moments(
        "what was written after its claim ended is nobody's",
        "edits.written(hook.moment, hook.config, [write for write in writes if write.folder == hook.place.folder])",
        "pass",
        _EDITS,
    ),
    _traces("a commit is not noticed", 'seen.get("git") == git_stamp(git)', "True", _EDITS),
    _traces(
        "git is asked each time",
        'return True if same and (fresh or seen.get("sure")) else None',
        "return None",
        _AT + "test_uncommitted_work_stays_its_holders_for_as_long_as_it_lives",
    ),
    _hooked(
        "what nobody heard is read",
        '        self._say({"hookSpecificOutput": {',
        '        self.mark(ids)\n        self._say({"hookSpecificOutput": {',
        _AT + "test_what_nobody_heard_stays_unread",
    ),
    _moments(
        "it is held back again and again",
        '            traces.leave(hook.trace("held", traces.digest(message.id)), {"at": to_micros(hook.moment.at)})\n',
        "            pass\n",
        _AT + "test_it_is_held_back_once_for_an_urgent_message_and_never_twice_for_the_same",
    ),
    _moments(
        "a clear ends the session",
        'if hook.call.reason != "clear":',
        "if True:",
        _AT + "test_clear_and_fork_make_a_new_session_that_goes_on_for_the_old_one",
    ),
    _answering(
        "whoever starts takes over what is there",
        '(call.source in ("clear", "fork") or _cleared',
        "(True or _cleared",
        _AT + "test_every_other_start_in_a_process_is_a_session_of_its_own",
    ),
    _noticing(
        "the holder is taken for someone else",
        '_by_its_holder(hook, claim.session, file, seen.get("at", 0))',
        "False",
        _AT + "test_nobody_is_accused_of_what_its_holder_did_meanwhile",
    ),
    _moments(
        "a hook speaks over the agent",
        "if me.doing.action and not me.doing.automatic:",
        "if False:",
        _AT + "test_what_the_agent_said_by_itself_stands",
    ),
    _moments(
        "a command is shown with its secrets",
        "return os.path.basename(found[1]) if found",
        "return command if found",
        _AT + "test_what_it_does_is_said_at_most_every_half_minute_and_shows_no_secret",
    ),
    _telling(
        "a broadcast is told at once",
        '[message for message in unread if not message.everyone or message.urgency == "high"]',
        "unread",
        _AT + "test_a_broadcast_waits_for_the_next_prompt_unless_it_is_urgent",
    ),
    _telling(
        "what is left out is read",
        "        ids += piece.ids\n",
        "        ids += [name for other in pieces for name in other.ids]\n",
        _AT + "test_however_much_there_is_to_read_an_agent_hears_four_hundred_characters_of_it",
    ),
    _indexing(
        "who waits is not in the way",
        "[*state.claims.values(), *state.waits.values()]",
        "[*state.claims.values()]",
        _WAITS,
    ),
    _json(
        "what follows a value is not looked at",
        "            if not text[end:].strip(_SPACE):",
        "            if True:",
        "coord/test_plainjson::test_any_bytes_are_read_as_the_package_reads_them",
    ),
    _json(
        "what the scanner does not take is an error of its own",
        "except (StopIteration, SystemError, ValueError):",
        "except (SystemError, ValueError):",
        "coord/test_plainjson::test_any_bytes_are_read_as_the_package_reads_them",
    ),
    _json(
        "the package is loaded in any case",
        "    if _scan:",
        "    if False:",
        "coord/test_plainjson::test_what_is_written_is_read_without_the_package",
    ),
)
