"""Mutants of rules 3 to 6 and 8: what ends with a session, passes on, is handed over or is lost, and circles."""

from tests.mutants.mutant import Mutant, in_file

_claims = in_file("projections/claims.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _claims(
        "a session's waits outlive it",
        ("        leave_queue(state, wait, event.at, rule, what, record, event.id)\n    held"),
        ("        pass\n    held"),
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _claims(
        "a session's claims outlive it",
        ("    for claim in held:\n        end("),
        ("    for claim in held[:0]:\n        end("),
        "projections/test_report::test_left_is_what_it_holds_or_held_and_what_is_open",
    ),
    _claims(
        "the end of a session wakes no waiter",
        ("    settle(state, event.at, record, event.id)\n    return tuple(claim.resource for claim in held)"),
        "    return tuple(claim.resource for claim in held)",
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _claims(
        "the waits of a session that is continued go on",
        ('        leave_queue(state, wait, event.at, 4, "withdrawn", record, event.id)\n    return _pass('),
        ("        pass\n    return _pass("),
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _claims(
        "a claim that passed on has still to be accepted",
        'claim.session, claim.agent, claim.granted_at, claim.accept_by = new, "", event.at, ""',
        'claim.session, claim.agent, claim.granted_at = new, "", event.at',
        "projections/test_losing::test_rule_8_a_grant_that_was_taken_up_does_not_lapse_and_passes_on_as_such",
    ),
    _claims(
        "a claim passes on under its old token",
        (
            'claim.session, claim.agent, claim.granted_at, claim.accept_by = new, "", event.at, ""\n'
            "        claim.token = next_token(state, event.at)\n"
        ),
        'claim.session, claim.agent, claim.granted_at, claim.accept_by = new, "", event.at, ""\n',
        "property/test_rules::test_rule_7_a_claim_that_passes_on_at_the_instant_of_its_grant_gets_a_new_token_too",
    ),
    _claims(
        "passing on wakes no waiter",
        ("    settle(state, event.at, record, event.id)\n    return tuple(claim.resource for claim in claims)"),
        "    return tuple(claim.resource for claim in claims)",
        "projections/test_claims::test_rule_4_a_wait_ends_with_its_session",
    ),
    _claims(
        "a handover does not look at what else is held",
        "if other.id != claim.id and conflict(other, new))",
        "if False)",
        "projections/test_claims::test_rule_5_a_handover_is_void_to_one_who_is_not_here_or_where_something_else_is_in_the_way",
    ),
    _claims(
        "a session that is over can be handed work",
        "others if others or target is None or not target.live else new",
        "others if others or target is None else new",
        "projections/test_claims::test_rule_5_a_handover_is_void_to_one_who_is_not_here_or_where_something_else_is_in_the_way",
    ),
    _claims(
        "a handover keeps the giver's subagent",
        '{"id": event_id, "session": to, "agent": "", "asked_at": at}',
        '{"id": event_id, "session": to, "asked_at": at}',
        "projections/test_claims::test_rule_5_a_handover_keeps_the_end_and_the_note_and_comes_before_any_waiter",
    ),
    _claims(
        "a handover lasts anew",
        "expires_at=claim.expires_at, token=0)",
        "expires_at=later(at, claim.ttl_s), token=0)",
        "projections/test_claims::test_rule_5_a_handover_keeps_the_end_and_the_note_and_comes_before_any_waiter",
    ),
    _claims(
        "a handover keeps the token",
        "    new.token, new.note = next_token(state, event.at), note or claim.note",
        "    new.token, new.note = claim.token, note or claim.note",
        "projections/test_claims::test_rule_5_a_handover_keeps_the_end_and_the_note_and_comes_before_any_waiter",
    ),
    _claims(
        "a handover without a note forgets the old one",
        "next_token(state, event.at), note or claim.note",
        "next_token(state, event.at), note",
        "projections/test_claims::test_rule_5_a_handover_keeps_the_end_and_the_note_and_comes_before_any_waiter",
    ),
    _claims(
        "handing over looks at no waiter",
        ("    settle(state, event.at, record, event.id)\n    return True"),
        "    return True",
        "projections/test_claims::test_rule_5_a_handover_makes_room_for_who_waited_for_the_giver_alone",
    ),
    _claims(
        "a waiter comes before the one it is handed to",
        (
            "    state.claims[new.id] = new\n"
            '    record(Decision(event.at, 5, "granted", new.id, to, new.resource, event.id))\n'
        ),
        (
            "    settle(state, event.at, record, event.id)\n"
            "    state.claims[new.id] = new\n"
            '    record(Decision(event.at, 5, "granted", new.id, to, new.resource, event.id))\n'
        ),
        "projections/test_claims::test_rule_5_a_handover_keeps_the_end_and_the_note_and_comes_before_any_waiter",
    ),
    _claims(
        "an imported session is told of a loss",
        ("    if not ask.imported:\n        state.sessions[event.actor]"),
        ("    if True:\n        state.sessions[event.actor]"),
        "projections/test_imports::test_its_claims_stand_in_each_others_way_and_nobody_there_is_told_anything",
    ),
    _claims(
        "nobody is told of a loss",
        ("    if not ask.imported:\n        state.sessions[event.actor]"),
        ("    if False:\n        state.sessions[event.actor]"),
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _claims(
        "a session waits for itself in a circle",
        "obstacles_of(state, wait)} - {wait.session}",
        "obstacles_of(state, wait)}",
        "projections/test_losing::test_rule_6_the_subagents_of_a_session_make_no_circle",
    ),
    _claims(
        "of a session that waits twice only the last wait counts in a circle",
        "sorted(ahead.union(waits_for.get(wait.session, ())))",
        "sorted(ahead)",
        "projections/test_losing::test_rule_6_every_wait_of_a_session_counts",
    ),
    _claims(
        "a circle of three is none",
        ("            if step == start:\n                return way\n"),
        ("            if step == start and len(way) < 3:\n                return way\n"),
        "projections/test_losing::test_rule_6_a_circle_of_three_is_shown_once_from_its_first_session",
    ),
    _claims(
        "an old token stands",
        "return claim is not None and claim.token == expected",
        "return claim is not None",
        "projections/test_losing::test_rule_7_a_token_stands_as_long_as_its_grant",
    ),
    _claims(
        "who lost a claim is not told to whom",
        "next((state.claims.get(found) or state.waits[found] for found in obstacles), None)",
        "None",
        "projections/test_losing::test_rule_8_who_was_told_granted_and_is_not_does_not_wait",
    ),
    _claims(
        "who lost a claim is not told why",
        "reason=why or why_lost(",
        "reason=why_lost(",
        "projections/test_losing::test_rule_8_what_a_session_was_told_after_its_end_is_lost",
    ),
)
