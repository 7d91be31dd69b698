"""Mutants of sessions: how they come, go, die and are imported; the order of the fold; when a process is gone."""

from tests.mutants.mutant import Mutant, in_file

_sessions = in_file("projections/sessions.py", "tests")
_liveness = in_file("projections/liveness.py", "tests")
_fold = in_file("projections/fold.py", "tests")
_state = in_file("projections/state.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _sessions(
        "an imported release counts",
        "return isinstance(event.payload, _IMPORTED) and not known and",
        "return not known and",
        "projections/test_imports::test_it_cannot_act_on_what_those_have_who_are_here",
    ),
    _sessions(
        "an import acts as one of ours",
        "isinstance(event.payload, _IMPORTED) and not known and _source",
        "isinstance(event.payload, _IMPORTED) and _source",
        "projections/test_imports::test_it_cannot_act_on_what_those_have_who_are_here",
    ),
    _sessions(
        "a file that was brought in twice counts twice",
        " and not known and _source(event.imported) not in state.imported",
        " and not known",
        "projections/test_imports::test_a_file_counts_once_and_two_files_that_hold_the_same_are_two",
    ),
    _sessions(
        "two files that hold the same are one",
        'return f"{mark.digest} {mark.path}"',
        "return mark.digest",
        "projections/test_imports::test_its_sessions_are_not_live_and_its_claims_stand_in_nobodys_way_and_have_no_token",
    ),
    _sessions(
        "one of ours inherits the claims of an imported namesake",
        ('        end_all(state, session.id, event, 3, "session_ended", record)\n        del state.sessions'),
        "        del state.sessions",
        "property/test_imported::test_one_of_ours_takes_the_place_of_one_that_was_imported_by_its_name",
    ),
    _sessions(
        "a session that was continued is not revived by its word",
        ('    elif session.status in ("dead", "continued"):\n        session.status'),
        ('    elif session.status == "dead":\n        session.status'),
        "projections/test_sessions::test_claims_pass_to_the_session_that_continues_under_new_tokens_and_waits_end",
    ),
    _sessions(
        "a dead session is not revived by its word",
        ('    elif session.status in ("dead", "continued"):\n        session.status'),
        ('    elif session.status == "continued":\n        session.status'),
        "projections/test_report::test_one_that_lives_after_all_is_told_to_know_of_its_death_or_not",
    ),
    _sessions(
        "an ended session is revived by a word",
        ('    elif session.status in ("dead", "continued"):\n        session.status'),
        ('    elif session.status in ("dead", "continued", "ended"):\n        session.status'),
        "projections/test_losing::test_rule_8_what_a_session_was_told_after_its_end_is_lost",
    ),
    _sessions(
        "an imported session is live",
        'session.status = "imported" if event.imported else "live"',
        'session.status = "live"',
        "projections/test_imports::test_its_sessions_are_not_live_and_its_claims_stand_in_nobodys_way_and_have_no_token",
    ),
    _sessions(
        "an ended session that starts again stays ended",
        ('    if session.status == "ended":\n        session.status, session.over_at'),
        ("    if False:\n        session.status, session.over_at"),
        "projections/test_sessions::test_an_ended_session_is_not_revived_by_a_word_and_gets_no_claim",
    ),
    _sessions(
        "who says again whom it continues takes all again",
        "if old is None or old is session or previous == payload.continues:",
        "if old is None or old is session:",
        "projections/test_sessions::test_saying_again_whom_one_continues_takes_nothing_again",
    ),
    _sessions(
        "a session continues itself",
        "if old is None or old is session or previous == payload.continues:",
        "if old is None or previous == payload.continues:",
        "projections/test_sessions::test_a_session_that_says_it_continues_itself_goes_on_as_it_was",
    ),
    _sessions(
        "an imported session is continued",
        ('    if "imported" in (old.status, session.status):\n        return\n'),
        "",
        "projections/test_imports::test_nothing_can_be_handed_to_one_and_none_is_continued",
    ),
    _sessions(
        "unread mail does not pass on",
        "    pass_mail(state, old, session)\n",
        "",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _sessions(
        "an id does not lead to who continues it",
        "    old.continued_by = session.id\n",
        "",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _sessions(
        "a session that ended is continued in its status",
        ('    if old.status != "ended":\n        old.status'),
        ("    if True:\n        old.status"),
        "projections/test_sessions::test_a_session_that_ended_and_is_continued_has_ended_and_its_mail_goes_on",
    ),
    _sessions(
        "a heartbeat without an action wipes what was said",
        "    if not said.action:\n        return\n",
        "",
        "projections/test_sessions::test_a_heartbeat_without_an_action_says_only_that_the_session_is_there",
    ),
    _sessions(
        "another target is the same work",
        "said.action != session.doing.action or said.target != session.doing.target",
        "said.action != session.doing.action",
        "projections/test_sessions::test_a_heartbeat_replaces_what_was_being_done",
    ),
    _sessions(
        "a session that ended is still blocked",
        '    session.doing = replace(session.doing, blocked_on="", asks_person=False)\n',
        "",
        "projections/test_board::test_only_who_is_here_is_blocked",
    ),
    _sessions(
        "a session that ended still owes what was said to everyone",
        "    drop_broadcasts(state, session)\n",
        "",
        "projections/test_messages::test_what_was_said_to_everyone_goes_with_a_session_and_what_was_said_to_it_alone_stays",
    ),
    _sessions(
        "a session's end releases nothing",
        ('    drop_broadcasts(state, session)\n    end_all(state, session.id, event, 3, "session_ended", record)\n'),
        "    drop_broadcasts(state, session)\n",
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _sessions(
        "a death of an older anchor counts",
        "not session.live or session.anchor != payload.anchor or",
        "not session.live or",
        "projections/test_sessions::test_a_session_without_an_anchor_is_never_presumed_dead",
    ),
    _sessions(
        "a session presumes itself dead",
        (" or session.id == event.actor:\n        return\n    session.status"),
        (":\n        return\n    session.status"),
        "projections/test_sessions::test_a_death_of_an_older_anchor_does_not_count",
    ),
    _sessions(
        "who has ended is presumed dead",
        "if session is None or not session.live or session.anchor",
        "if session is None or session.anchor",
        "projections/test_sessions::test_who_has_ended_is_not_presumed_dead",
    ),
    _sessions(
        "who was presumed dead is not told",
        "    session.notices.append(notice)\n",
        "",
        "projections/test_losing::test_the_dead_are_told_what_they_lost_and_what_they_waited_for_is_free",
    ),
    _sessions(
        "the dead hold on",
        '    resources = end_all(state, session.id, event, 9, "session_dead", record)\n',
        "    resources = ()\n",
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _sessions(
        "the last words of a session are forgotten",
        "    session.summary, session.notes = payload.summary, payload.notes\n",
        "",
        "projections/test_report::test_finished_is_what_it_summed_up_completed_released_and_handed_over",
    ),
    _liveness(
        "a process of another machine is looked for here",
        "anchor is None or not anchor.machine or anchor.machine != here.machine",
        "anchor is None or not anchor.machine",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "two machines without a name are one",
        "anchor is None or not anchor.machine or anchor.machine",
        "anchor is None or anchor.machine",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a boot that nobody knows is another boot",
        ('    if not anchor.boot or not here.boot:\n        return ""\n'),
        "",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a boot is overlooked",
        ('    if anchor.boot != here.boot:\n        return "the machine has booted since"\n'),
        "",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a pid of another container is looked for here",
        ('    if anchor.pid_namespace != here.pid_namespace:\n        return ""\n'),
        "",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a process that may not be looked at is dead",
        'if seen == "unknown" or seen == anchor.start_ticks:',
        "if seen == anchor.start_ticks:",
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a pid that was used again is the old process",
        'if seen == "unknown" or seen == anchor.start_ticks:',
        'if seen == "unknown" or isinstance(seen, int):',
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _liveness(
        "a zombie lives",
        '    if seen == "zombie":\n',
        ('    if seen == "zombie":\n        return ""\n    if False:\n'),
        "property/test_rules::test_rule_9_when_an_anchor_is_gone",
    ),
    _fold(
        "an event is folded twice",
        "if key <= state.last or at < state.reached:",
        "if key < state.last or at < state.reached:",
        "projections/test_folding::test_an_event_is_taken_once",
    ),
    _fold(
        "late events are folded as they come",
        "if key <= state.last or at < state.reached:",
        "if at < state.reached:",
        "projections/test_folding::test_an_event_is_taken_once",
    ),
    _fold(
        "what comes before the moment that was looked at is folded on",
        "if key <= state.last or at < state.reached:",
        "if key <= state.last:",
        "projections/test_folding::test_what_happens_at_the_moment_that_was_looked_at_still_counts_and_before_it_no_more",
    ),
    _fold(
        "what ends at an event's own instant has not ended for it",
        "        if state.due <= at:\n",
        "        if state.due < at:\n",
        "projections/test_claims::test_rule_3_a_claim_lasts_up_to_its_end_and_not_including_it",
    ),
    _fold(
        "what does not count is folded",
        "        elif sessions.counts(state, event):\n",
        "        else:\n",
        "projections/test_imports::test_it_cannot_act_on_what_those_have_who_are_here",
    ),
    _fold(
        "a moment before the last event is looked at",
        "max(now, state.at, state.reached)",
        "now",
        "projections/test_folding::test_time_does_not_go_back_to_before_what_was_looked_at",
    ),
    _fold(
        "time can go back to before what was looked at",
        "max(now, state.at, state.reached)",
        "max(now, state.at)",
        "projections/test_folding::test_time_does_not_go_back_to_before_what_was_looked_at",
    ),
    _state(
        "an id leads away from a session that speaks again",
        "and not found.live and found.continued_by",
        "and found.continued_by",
        "projections/test_sessions::test_an_id_leads_to_who_continues_it_as_long_as_it_does_not_speak",
    ),
    _state(
        "a grant that nobody takes up does not end",
        "return self.accept_by or self.expires_at",
        "return self.expires_at",
        "projections/test_claims::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up",
    ),
)
