"""Mutants of how events apply the rules of claims, and of what resources have in common."""

from tests.mutants.mutant import Mutant, in_file

_requests = in_file("projections/requests.py", "tests")
_resources = in_file("projections/resources.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _requests(
        "a session that is over is granted claims",
        "    if not (state.sessions[event.actor].live or ask.imported):",
        "    if False:",
        "projections/test_losing::test_rule_8_what_a_session_was_told_after_its_end_is_lost",
    ),
    _requests(
        "what was imported holds nothing",
        "    if not (state.sessions[event.actor].live or ask.imported):",
        "    if not state.sessions[event.actor].live:",
        "projections/test_imports::test_its_sessions_are_not_live_and_its_claims_stand_in_nobodys_way_and_have_no_token",
    ),
    _requests(
        "a session that had ended is not told of its loss",
        (
            '        if payload.told == "granted":\n'
            '            lose(state, event, ask, (), record, "its session had ended")\n'
        ),
        "",
        "projections/test_losing::test_rule_8_what_a_session_was_told_after_its_end_is_lost",
    ),
    _requests(
        "a request told refused is granted later",
        '    if payload.told == "refused":',
        "    if False:",
        "projections/test_claims::test_rule_2_a_request_told_refused_is_never_granted",
    ),
    _requests(
        "who was told waiting need not take a grant up",
        'to_waiter=payload.told == "waiting"',
        "to_waiter=False",
        "projections/test_claims::test_rule_4_renewing_a_grant_takes_it_up_and_one_told_granted_has_it_at_once",
    ),
    _requests(
        "who was told granted waits all the same",
        (
            '    elif payload.told == "granted":\n'
            '        _say(record, event, ask, 2, "refused", verdict.obstacles)\n'
            "        lose("
        ),
        (
            '    elif payload.told == "granted" and not payload.wait_s:\n'
            '        _say(record, event, ask, 2, "refused", verdict.obstacles)\n'
            "        lose("
        ),
        "projections/test_losing::test_rule_8_who_was_told_granted_and_is_not_does_not_wait",
    ),
    _requests(
        "a claim that is lost at its request is not told",
        ('        lose(state, event, ask, verdict.obstacles, record)\n    elif verdict.outcome == "waiting"'),
        ('        pass\n    elif verdict.outcome == "waiting"'),
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _requests(
        "a wait lasts as long as the claim would",
        "until=later(event.at, payload.wait_s)",
        "until=later(event.at, payload.ttl_s)",
        "projections/test_claims::test_rule_4_a_wait_lasts_up_to_its_limit_and_not_including_it",
    ),
    _requests(
        "after a grant the next end is not known",
        (
            "    else:\n"
            '        _say(record, event, ask, 2, "refused", verdict.obstacles)\n'
            "    settle(state, event.at, record, event.id)\n"
        ),
        ('    else:\n        _say(record, event, ask, 2, "refused", verdict.obstacles)\n'),
        "projections/test_claims::test_rule_3_a_claim_lasts_up_to_its_end_and_not_including_it",
    ),
    _requests(
        "an accepted grant lapses all the same",
        ('    if claim is not None:\n        claim.accept_by = ""\n'),
        "    if claim is not None:\n",
        "projections/test_claims::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up",
    ),
    _requests(
        "accepting takes another session out of the queue",
        "if ask is None or ask.session != event.actor:",
        "if ask is None:",
        "projections/test_losing::test_rule_8_nobody_takes_another_out_of_the_queue",
    ),
    _requests(
        "who accepts too early stays in the queue",
        '            leave_queue(state, state.waits[ask.id], event.at, 8, "withdrawn", record, event.id)\n',
        "            pass\n",
        "projections/test_losing::test_rule_8_who_takes_up_what_it_was_not_granted_yet_waits_no_longer",
    ),
    _requests(
        "who holds it by another claim is told that it is lost",
        '        if verdict.outcome == "renewed":  #',
        "        if False:  #",
        "projections/test_losing::test_rule_8_what_a_claim_of_its_own_covers_is_not_lost",
    ),
    _requests(
        "a grant that is accepted too late is not told to be lost",
        ("            lose(state, event, ask, verdict.obstacles, record)\n    settle"),
        ("            pass\n    settle"),
        "projections/test_losing::test_rule_8_who_takes_up_what_it_was_not_granted_yet_waits_no_longer",
    ),
    _requests(
        "accepting wakes nobody and sets no end",
        (
            "            lose(state, event, ask, verdict.obstacles, record)\n"
            "    settle(state, event.at, record, event.id)\n"
        ),
        "            lose(state, event, ask, verdict.obstacles, record)\n",
        "projections/test_losing::test_rule_8_who_takes_up_what_it_was_not_granted_yet_waits_no_longer",
    ),
    _requests(
        "renewing does nothing",
        ("        renew(claim, event.at, payload.ttl_s)\n        _say(record, event, claim, 3"),
        "        _say(record, event, claim, 3",
        "projections/test_claims::test_rule_3_renewing_never_shortens_and_moves_the_end",
    ),
    _requests(
        "a renewal does not set the next end",
        (
            '        _say(record, event, claim, 3, "renewed", (claim.id,))\n'
            "        settle(state, event.at, record, event.id)\n"
        ),
        '        _say(record, event, claim, 3, "renewed", (claim.id,))\n',
        "projections/test_claims::test_rule_3_renewing_never_shortens_and_moves_the_end",
    ),
    _requests(
        "anyone withdraws a wait",
        "elif wait is not None and is_own(wait, event.actor, payload.agent):",
        "elif wait is not None:",
        "projections/test_claims::test_rule_4_a_wait_is_withdrawn_by_its_session_alone_and_makes_room",
    ),
    _requests(
        "a release wakes no waiter",
        (
            '        leave_queue(state, wait, event.at, 4, "withdrawn", record, event.id)\n'
            "    settle(state, event.at, record, event.id)\n"
        ),
        '        leave_queue(state, wait, event.at, 4, "withdrawn", record, event.id)\n',
        "projections/test_claims::test_rule_2_nobody_overtakes_who_waits_and_nobody_waits_for_who_came_later",
    ),
    _requests(
        "a broken claim stands",
        '    end(state, claim, event.at, 3, "broken", record, event.id)\n',
        "",
        "projections/test_claims::test_rule_3_a_broken_claim_is_gone_and_its_holder_is_told_by_whom_and_why",
    ),
    _requests(
        "an imported session is told that its claim was broken",
        "if claim.session != event.actor and not claim.imported:",
        "if claim.session != event.actor:",
        "projections/test_imports::test_its_claims_stand_in_each_others_way_and_nobody_there_is_told_anything",
    ),
    _requests(
        "who breaks its own claim is told",
        "if claim.session != event.actor and not claim.imported:",
        "if not claim.imported:",
        "projections/test_claims::test_rule_3_a_broken_claim_is_gone_and_its_holder_is_told_by_whom_and_why",
    ),
    _requests(
        "the holder is not told that its claim was broken",
        ("        state.sessions[claim.session].notices.append(notice)\n    settle"),
        ("        del notice\n    settle"),
        "projections/test_claims::test_rule_3_a_broken_claim_is_gone_and_its_holder_is_told_by_whom_and_why",
    ),
    _requests(
        "breaking a claim wakes no waiter",
        (".notices.append(notice)\n    settle(state, event.at, record, event.id)\n"),
        ".notices.append(notice)\n",
        "projections/test_claims::test_rule_3_a_broken_claim_is_gone_and_its_holder_is_told_by_whom_and_why",
    ),
    _requests(
        "anyone's word counts on a claim",
        "return claim if claim is not None and is_own(claim, event.actor, payload.agent) else None",
        "return claim",
        "projections/test_claims::test_rule_3_renewing_never_shortens_and_moves_the_end",
    ),
    _requests(
        "a subagent acts on another's claim",
        'return ask.session == session and agent in ("", ask.agent)',
        "return ask.session == session",
        "projections/test_claims::test_rule_3_only_the_holder_or_its_session_acts_on_a_claim",
    ),
    _requests(
        "a session cannot act on its subagents' claims",
        'return ask.session == session and agent in ("", ask.agent)',
        "return ask.session == session and agent == ask.agent",
        "projections/test_claims::test_rule_3_only_the_holder_or_its_session_acts_on_a_claim",
    ),
    _requests(
        "who hands over to itself loses it in words",
        ("    if payload.to != event.actor:\n        why"),
        ("    if True:\n        why"),
        "projections/test_claims::test_rule_5_who_hands_over_to_itself_has_lost_nothing",
    ),
    _requests(
        "the giver is not told that a handover was void",
        "_tell(state, event.actor, Notice(",
        '_tell(state, "", Notice(',
        "projections/test_claims::test_rule_5_a_handover_is_void_to_one_who_is_not_here_or_where_something_else_is_in_the_way",
    ),
    _requests(
        "an imported session is told of handovers",
        'if session in state.sessions and state.sessions[session].status != "imported":',
        "if session in state.sessions:",
        "projections/test_imports::test_nothing_can_be_handed_to_one_and_none_is_continued",
    ),
    _requests(
        "who is told of a void handover is sent to one who has nothing",
        'event.actor if claim else "", why)',
        "event.actor, why)",
        "projections/test_losing::test_rule_8_whom_a_void_handover_names_is_told_who_has_it_still_if_the_giver_has",
    ),
    _resources(
        "a**/b leaves out the slash",
        'if pattern.startswith("**/", i) and (i == 0 or pattern[i - 1] == "/"):',
        'if pattern.startswith("**/", i):',
        "projections/test_resources::test_files_apart",
    ),
    _resources(
        "**/ matches no empty run of folders",
        "        return [i + 1, i + 3]\n",
        "        return [i + 1]\n",
        "projections/test_resources::test_overlapping_files",
    ),
    _resources(
        "* matches across folders",
        'kind == _DEEP or (kind == _RUN and letter != "/")',
        "kind in (_DEEP, _RUN)",
        "projections/test_resources::test_files_apart",
    ),
    _resources(
        "? matches a slash",
        'if kind == letter or (kind == _ONE and letter != "/"):',
        "if kind in (letter, _ONE):",
        "projections/test_resources::test_files_apart",
    ),
    _resources(
        "what meets a pattern is covered by it",
        "return not is_pattern(inner) and _patterns_meet(outer, inner)",
        "return _patterns_meet(outer, inner)",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _resources(
        "a folder by a pattern covers only what begins with its letters",
        'if outer.endswith("/") and not is_pattern(outer[:-1]):',
        'if outer.endswith("/"):',
        "projections/test_resources::test_covering",
    ),
    _resources(
        "src/ covers source/",
        "return inner.startswith(outer)",
        "return inner.startswith(outer[:-1])",
        "projections/test_resources::test_covering",
    ),
    _resources(
        "files/ is a file too",
        "return resource.startswith(_FILE)",
        'return resource.startswith("file")',
        "projections/test_resources::test_only_files_are_patterns",
    ),
    _resources(
        "two equal resources that are no files do not overlap",
        "    if a == b:\n        return True\n    if not (_pattern[a] or _pattern[b]):",
        "    if not (_pattern[a] or _pattern[b]):",
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _resources(
        "a trailing slash means nothing below",
        'pattern += _DEEP if pattern.endswith("/") else ""',
        'pattern += ""',
        "projections/test_claims::test_rule_5_a_handover_makes_room_for_who_waited_for_the_giver_alone",
    ),
)
