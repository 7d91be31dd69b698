"""Mutants of messages, of who read them, and of what a person sees."""

from tests.mutants.mutant import Mutant, in_file

_messages = in_file("projections/messages.py", "tests")
_receipts = in_file("projections/receipts.py", "tests")
_board = in_file("projections/board.py", "tests")
_past = in_file("projections/past.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _messages(
        "an imported message comes into inboxes",
        ("    if event.imported:\n        names = []\n    elif everyone"),
        "    if everyone",
        "projections/test_imports::test_it_hears_nothing_and_what_it_said_is_unread_by_nobody",
    ),
    _messages(
        "mail to a session that is continued goes to nobody",
        "names = [state.follow(name) for name in payload.to]",
        "names = list(payload.to)",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _messages(
        "an imported session gets mail",
        'if name in state.sessions and state.sessions[name].status != "imported")',
        "if name in state.sessions)",
        "projections/test_imports::test_it_hears_nothing_and_what_it_said_is_unread_by_nobody",
    ),
    _messages(
        "who is named twice has it twice",
        "recipients = list(dict.fromkeys(there))",
        "recipients = list(there)",
        "projections/test_messages::test_unknown_recipients_stay_in_the_record_and_a_name_counts_once",
    ),
    _messages(
        "a message comes into no inbox",
        ("    for name in recipients:\n        state.sessions[name].unread.append(message.id)\n"),
        "",
        "projections/test_messages::test_reading_is_by_id",
    ),
    _messages(
        "every message is to be confirmed",
        "unacknowledged_by=set(recipients) if payload.needs_ack else set(),",
        "unacknowledged_by=set(recipients),",
        "projections/test_board::test_only_an_urgent_message_that_is_to_be_confirmed_needs_someone",
    ),
    _messages(
        "who was presumed dead long ago hears what is said to everyone",
        "session.over_at > later(event.at, -HOUR_S)",
        "session.over_at > later(event.at, -2 * HOUR_S)",
        "projections/test_messages::test_who_has_been_dead_for_an_hour_is_not_expected_to_hear_what_is_said_to_everyone",
    ),
    _messages(
        "exactly an hour",
        "session.over_at > later(event.at, -HOUR_S)",
        "session.over_at >= later(event.at, -HOUR_S)",
        "projections/test_messages::test_who_has_been_dead_for_an_hour_is_not_expected_to_hear_what_is_said_to_everyone",
    ),
    _messages(
        "a sender hears itself",
        "return (session.live or lately) and session.id != event.actor",
        "return session.live or lately",
        "projections/test_board::test_only_an_urgent_message_that_is_to_be_confirmed_needs_someone",
    ),
    _messages(
        "who was just presumed dead misses what is said to everyone",
        "return (session.live or lately) and session.id != event.actor",
        "return session.live and session.id != event.actor",
        "projections/test_messages::test_everyone_is_who_is_here_but_not_the_sender",
    ),
    _messages(
        "reading changes nothing",
        ("    _seen(state, event.actor, payload.messages)\n\n\ndef on_ack"),
        ("    pass\n\n\ndef on_ack"),
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _messages(
        "one confirms for all",
        ("            message.unacknowledged_by.discard(event.actor)\n    _seen"),
        ("            message.unacknowledged_by.clear()\n    _seen"),
        "projections/test_board::test_only_an_urgent_message_that_is_to_be_confirmed_needs_someone",
    ),
    _messages(
        "confirming is not reading",
        (
            "            message.unacknowledged_by.discard(event.actor)\n"
            "    _seen(state, event.actor, payload.messages)\n"
        ),
        "            message.unacknowledged_by.discard(event.actor)\n",
        "projections/test_messages::test_reading_is_not_confirming_and_confirming_is_reading",
    ),
    _messages(
        "reading one message reads all before",
        "    session.unread = [name for name in session.unread if name not in names]\n",
        "    session.unread = []\n",
        "projections/test_messages::test_reading_is_by_id",
    ),
    _messages(
        "a notice is never read",
        "    session.notices = [notice for notice in session.notices if notice.id not in names]\n",
        "",
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _messages(
        "one reads for all",
        "            message.unread_by.discard(session_id)\n",
        "            message.unread_by.clear()\n",
        "projections/test_messages::test_nobody_confirms_for_another",
    ),
    _messages(
        "what is not confirmed is forgotten once it is read",
        "if message and not message.unread_by and not message.unacknowledged_by and name not in state.recent",
        "if message and not message.unread_by and name not in state.recent",
        "projections/test_messages::test_the_state_keeps_the_recent_and_what_is_unread_or_unconfirmed",
    ),
    _messages(
        "what nobody read is forgotten",
        "if message and not message.unread_by and not message.unacknowledged_by and name not in state.recent",
        "if message and not message.unacknowledged_by and name not in state.recent",
        "projections/test_messages::test_the_state_keeps_the_recent_and_what_is_unread_or_unconfirmed",
    ),
    _messages(
        "what was read leaves the recent messages",
        " and not message.unacknowledged_by and name not in state.recent",
        " and not message.unacknowledged_by",
        "projections/test_board::test_only_an_urgent_message_that_is_to_be_confirmed_needs_someone",
    ),
    _messages(
        "what was read stays for ever",
        ("        _drop_if_done(state, old)\n\n\ndef _hears"),
        ("\n\ndef _hears"),
        "projections/test_messages::test_the_state_keeps_the_recent_and_what_is_unread_or_unconfirmed",
    ),
    _messages(
        "what was read last stays for ever",
        ("            _drop_if_done(state, name)\n\n\ndef _drop"),
        ("\n\ndef _drop"),
        "projections/test_messages::test_the_state_keeps_the_recent_and_what_is_unread_or_unconfirmed",
    ),
    _messages(
        "who continues a session need not confirm for it",
        "for waiting in (message.unread_by, message.unacknowledged_by):",
        "for waiting in (message.unread_by,):",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _messages(
        "unread mail stays behind",
        "    new.unread = list(dict.fromkeys(old.unread + new.unread))\n",
        "",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _messages(
        "notices stay behind",
        "    new.notices = old.notices + new.notices\n",
        "",
        "projections/test_messages::test_notices_pass_on_too",
    ),
    _messages(
        "mail that passed on stays as well",
        "    old.unread, old.notices = [], []\n",
        "",
        "projections/test_messages::test_unread_and_unconfirmed_mail_passes_to_the_session_that_continues",
    ),
    _messages(
        "what was said to a session alone goes with it",
        ("if message.everyone]:\n        message.unread_by"),
        ("if True]:\n        message.unread_by"),
        "projections/test_messages::test_what_was_said_to_everyone_goes_with_a_session_and_what_was_said_to_it_alone_stays",
    ),
    _messages(
        "a session that ended has still to confirm",
        ("        message.unacknowledged_by.discard(session.id)\n        _drop"),
        "        _drop",
        "projections/test_messages::test_nobody_waits_for_a_session_that_ended_to_confirm_what_was_said_to_everyone",
    ),
    _messages(
        "a session that ended has still to read what was said to everyone",
        "    session.unread = [name for name in session.unread if name in state.messages",
        "    _ = [name for name in session.unread if name in state.messages",
        "projections/test_messages::test_what_was_said_to_everyone_goes_with_a_session_and_what_was_said_to_it_alone_stays",
    ),
    _messages(
        "one recent message too many is kept",
        "for old in state.recent[:-RECENT]:",
        "for old in state.recent[: -RECENT - 1]:",
        "projections/test_messages::test_the_state_keeps_the_recent_and_what_is_unread_or_unconfirmed",
    ),
    _messages(
        "the state keeps whole bodies",
        "body=payload.body[:PREVIEW],",
        "body=payload.body,",
        "projections/test_messages::test_a_long_body_is_cut_and_its_length_kept",
    ),
    _messages(
        "the state keeps whole subjects",
        "subject=payload.subject[:PREVIEW],",
        "subject=payload.subject,",
        "projections/test_messages::test_a_long_body_is_cut_and_its_length_kept",
    ),
    _receipts(
        "what does not count confirms a message",
        "        counted = counts(state, event)\n",
        "        counted = True\n",
        "projections/test_receipts::test_what_was_imported_confirms_nothing",
    ),
    _receipts(
        "a second confirmation is the first",
        "if row.session == event.actor and not row.confirmed_at:",
        "if row.session == event.actor:",
        "projections/test_receipts::test_the_first_confirmation_counts",
    ),
    _receipts(
        "who reads for two has two receipts",
        "                if event.actor not in self.pending:\n",
        "                if True:\n",
        "projections/test_receipts::test_who_goes_on_for_two_and_had_it_itself_reads_it_once",
    ),
    _board(
        "an imported session that holds something leaves the board",
        " or session.id in holding",
        "",
        "projections/test_imports::test_one_is_on_the_board_for_an_hour_after_its_last_word_and_as_long_as_it_holds_something",
    ),
    _board(
        "nobody leaves the board",
        "if session.live or (session.over_at > an_hour_ago and session.client != PASSING) or session.id in holding",
        "if True",
        "projections/test_board::test_a_session_that_ended_leaves_the_board_after_an_hour",
    ),
    _board(
        "silence is shown late",
        "elif session.live and seconds_between(session.last_at, now) >= silent_s:",
        "elif session.live and seconds_between(session.last_at, now) > silent_s + 1:",
        "projections/test_board::test_a_session_is_silent_from_its_limit_on_and_a_need_only_if_it_holds_something",
    ),
    _board(
        "a death that was seen and not recorded is not shown",
        ('    if session.live and evidence:\n        status = "dead"\n    elif'),
        "    if",
        "projections/test_board::test_a_death_that_was_seen_and_not_recorded_is_shown_and_a_need_only_if_it_holds_something",
    ),
    _board(
        "who has left is asked to confirm",
        'missing = ", ".join(sorted(message.unacknowledged_by & shown))',
        'missing = ", ".join(sorted(message.unacknowledged_by))',
        "projections/test_messages::test_the_board_asks_nobody_to_confirm_who_has_left_it",
    ),
    _board(
        "every message that is not confirmed needs someone",
        'if message.urgency == "high" and missing:',
        "if missing:",
        "projections/test_board::test_only_an_urgent_message_that_is_to_be_confirmed_needs_someone",
    ),
    _board(
        "the dead that hold nothing need someone",
        'if row.status == "dead" and row.claims:',
        'if row.status == "dead":',
        "projections/test_board::test_a_death_that_was_seen_and_not_recorded_is_shown_and_a_need_only_if_it_holds_something",
    ),
    _board(
        "the silent that hold nothing need someone",
        'elif row.status == "silent" and row.claims:',
        'elif row.status == "silent":',
        "projections/test_board::test_a_session_is_silent_from_its_limit_on_and_a_need_only_if_it_holds_something",
    ),
    _board(
        "who is over is blocked",
        'if row.blocked_on and row.status in ("live", "silent"):',
        "if row.blocked_on:",
        "projections/test_board::test_only_who_is_here_is_blocked",
    ),
    _board(
        "what the dead lost needs someone",
        "for notice in session.notices if session.live else ():",
        "for notice in session.notices:",
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _past(
        "at an instant, what happens at it has not happened",
        "return Cut(at, (at, _AFTER_ALL, 0))",
        'return Cut(at, (at, "", 0))',
        "projections/test_folding::test_a_moment_is_before_at_or_after_what_happens_at_it",
    ),
)
