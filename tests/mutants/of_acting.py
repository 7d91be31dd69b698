"""Mutants of what commands do: claims, messages, starting, and putting journals aside."""

from tests.mutants.mutant import Mutant, in_file

_claim = in_file("coord/commands/claim.py", "tests")
__own = in_file("coord/commands/_own.py", "tests")
_break = in_file("coord/commands/break_.py", "tests")
_ack = in_file("coord/commands/ack.py", "tests")
_renew = in_file("coord/commands/renew.py", "tests")
_handoff = in_file("coord/commands/handoff.py", "tests")
_start = in_file("coord/commands/start.py", "tests")
_inbox = in_file("coord/commands/inbox.py", "tests")
_archiving = in_file("coord/archiving.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _claim(
        "who waits records no death",
        "    if deaths(run.world, present):\n",
        "    if False:\n",
        "coord/test_while_it_waits::test_who_waits_records_a_death_that_it_sees_and_has_what_the_dead_held",
    ),
    _claim(
        "a wait that is interrupted stays in the queue",
        ("            run.act(lambda moment: moment.append(withdraw))\n            raise CoordError(128"),
        "            raise CoordError(128",
        "coord/test_waiting::test_a_signal_withdraws_the_wait_and_nothing_is_left_of_it",
    ),
    _claim(
        "a grant is taken up that passed to another",
        "    if held is None or held.session != moment.me.session:\n",
        "    if held is None:\n",
        "coord/test_while_it_waits::test_a_grant_that_passed_to_another_session_is_not_taken_up",
    ),
    _claim(
        "a grant that lapsed is taken up",
        (
            "    if held is None or held.session != moment.me.session:\n"
            '        return msgspec.structs.replace(asked, outcome="timed_out", at=moment.at)\n'
        ),
        "    assert held\n",
        "coord/test_while_it_waits::test_a_grant_that_passed_to_another_session_is_not_taken_up",
    ),
    _claim(
        "a refused claim is exit code 0",
        '    raise CoordError(REFUSED, "")\n',
        "",
        "coord/test_claiming::test_a_claim_expires_at_its_end_and_not_a_microsecond_before",
    ),
    __own(
        "others' claims are one's own",
        "if is_own(c, moment.me.session, moment.me.agent)]",
        "]",
        "coord/test_claiming::test_a_token_stands_until_someone_else_had_the_resource",
    ),
    __own(
        "an imported claim is held here",
        "if same(claim.resource, resource) and not claim.imported]",
        "if same(claim.resource, resource)]",
        "coord/test_claiming::test_what_was_imported_is_held_by_nobody_here",
    ),
    _break(
        "a break needs no reason",
        ('    if not reason.strip():\n        raise wrong("give a reason: the holder will read it.")\n'),
        "",
        "coord/test_claiming::test_a_break_is_signed_the_holder_is_told_and_a_reason_is_needed",
    ),
    _break(
        "one breaks one's own claim",
        "others = [claim for claim in held if claim.session != moment.me.session]",
        "others = held",
        "coord/test_claiming::test_a_break_is_signed_the_holder_is_told_and_a_reason_is_needed",
    ),
    _ack(
        "one confirms what was sent to others",
        " or (to and moment.me.session not in to):",
        ":",
        "coord/test_messages::test_only_its_recipient_can_confirm_a_message",
    ),
    _ack(
        "a sender confirms its own message",
        "event.session == moment.me.session or",
        "",
        "coord/test_messages::test_only_its_recipient_can_confirm_a_message",
    ),
    _renew(
        "any token stands",
        "            own = [claim for claim in own if stands(moment.state, claim.id, token)]\n",
        "",
        "coord/test_claiming::test_a_token_stands_until_someone_else_had_the_resource",
    ),
    _handoff(
        "work is handed to a session that is over",
        "        if not moment.state.sessions[to].live:\n",
        "        if False:\n",
        "coord/test_claiming::test_a_handoff_that_cannot_be_leaves_the_claim_where_it_is",
    ),
    _start(
        "a session that is not over is continued",
        "    if old and old.live and not run.world.gone(old):\n",
        "    if False:\n",
        "coord/test_identity_going_on::test_a_session_that_is_not_over_is_not_continued",
    ),
    _start(
        "two live sessions have one name",
        "if name and session.name == name and session.live and session.id != me and not run.world.gone(session):",
        "if False:",
        "coord/test_identity_sources::test_a_name_that_someone_has_cannot_be_taken_before_that_one_is_over",
    ),
    _inbox(
        "a peek marks as read",
        "    if shown and not peek and at is None:",
        "    if shown and at is None:",
        "coord/test_messages::test_to_peek_marks_nothing_as_read_and_all_shows_what_was_read",
    ),
    _inbox(
        "looking at the past marks as read",
        "    if shown and not peek and at is None:",
        "    if shown and not peek:",
        "coord/test_log::test_looking_at_the_past_marks_and_writes_nothing",
    ),
    _inbox(
        "what was not shown is marked as read",
        "    shown = tuple(dict.fromkeys([*names,",
        "    shown = tuple(dict.fromkeys([*session.unread,",
        "coord/test_messages::test_ten_thousand_unread_messages_are_one_line_more",
    ),
    _archiving(
        "journals of sessions that are here are put aside",
        ("        if not over_at or over_at >= before:\n            continue\n"),
        "",
        "coord/test_archive_stays::test_an_imported_journal_stays_while_one_of_its_sessions_is_here",
    ),
    _archiving(
        "a journal that cannot be used is put aside",
        ("    if name in history.problems:\n        return"),
        ("    if False:\n        return"),
        "coord/test_archive_stays::test_one_that_could_not_be_read_a_moment_ago_stays",
    ),
    _archiving(
        "a damaged journal is put aside",
        "    if start.damage:\n",
        "    if False:\n",
        "coord/test_archive::test_damaged_and_rewound_journals_stay_and_are_named_with_the_reason",
    ),
    _archiving(
        "a rewound journal is put aside",
        "    if history.positions[name].rewound:\n",
        "    if False:\n",
        "coord/test_archive_stays::test_a_rewound_journal_stays_though_its_session_has_ended",
    ),
    _archiving(
        "a journal of another machine is put aside",
        "    if start.machine and start.machine != world.here.machine:\n",
        "    if False:\n",
        "coord/test_archive::test_journals_from_elsewhere_stay",
    ),
    _archiving(
        "a journal of another folder is put aside",
        "    if start.folder and start.folder != place.recorded:\n",
        "    if False:\n",
        "coord/test_archive::test_journals_from_elsewhere_stay",
    ),
    _archiving(
        "a journal that still holds something is put aside",
        "    if any(ask.session in read.sessions for ask in",
        "    if False and any(ask.session in read.sessions for ask in",
        "coord/test_archive_stays::test_an_imported_journal_stays_while_it_holds_something",
    ),
    _archiving(
        "a journal is put over another",
        "    if os.path.lexists(paths_of(place.log, name)[1]):\n",
        "    if False:\n",
        "coord/test_archive_stays::test_a_dry_run_says_that_a_name_is_taken_and_moves_nothing",
    ),
    _archiving(
        "what was written to meanwhile by a late word is put aside",
        "            if name in changed or not",
        "            if not",
        "coord/test_archive_stays::test_one_whose_session_comes_back_meanwhile_stays",
    ),
    _archiving(
        "what grew meanwhile is put aside",
        " or os.lstat(path).st_size != row.bytes:",
        ":",
        "coord/test_archive::test_what_is_written_to_while_it_is_read_stays",
    ),
    _archiving(
        "the new places are not synced",
        ("        if len(stayed) < len(going):\n            sync_names(place.log)\n"),
        "        pass\n",
        "coord/test_archive_stays::test_they_go_under_the_lock_and_their_new_places_are_durable",
    ),
    _archiving(
        "journals are moved without the lock",
        (
            "            with under_lock(world, place, config):\n"
            "                present.catch_up()\n"
            "                changed"
        ),
        ("            if True:\n                present.catch_up()\n                changed"),
        "coord/test_archive_stays::test_they_go_under_the_lock_and_their_new_places_are_durable",
    ),
)
