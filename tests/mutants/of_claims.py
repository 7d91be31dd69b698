"""Mutants of rules 1 to 4 and 7: who conflicts, what is asked, how long it lasts, who waits, and the tokens."""

from tests.mutants.mutant import Mutant, in_file

_claims = in_file("projections/claims.py", "tests")
_conflicts = in_file("projections/conflicts.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _conflicts(
        "what was imported stands in the way of those who are here",
        "    if a.imported != b.imported:\n        return False\n",
        "",
        "projections/test_imports::test_its_sessions_are_not_live_and_its_claims_stand_in_nobodys_way_and_have_no_token",
    ),
    _conflicts(
        "one shared claim is enough for no conflict",
        'if a.mode == "shared" and b.mode == "shared":',
        'if a.mode == "shared" or b.mode == "shared":',
        "projections/test_claims::test_rule_2_nobody_overtakes_who_waits_and_nobody_waits_for_who_came_later",
    ),
    _conflicts(
        "two shared claims conflict",
        '    if a.mode == "shared" and b.mode == "shared":\n        return False\n',
        "",
        "projections/test_claims::test_rule_2_the_claim_of_another_covers_nothing",
    ),
    _conflicts(
        "a session conflicts with its own subagent",
        "(not a.agent or not b.agent or a.agent == b.agent)",
        "a.agent == b.agent",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _conflicts(
        "two subagents of one session never conflict",
        "    if a.session == b.session and (not a.agent or not b.agent or a.agent == b.agent):",
        "    if a.session == b.session:",
        "projections/test_losing::test_rule_6_the_subagents_of_a_session_make_no_circle",
    ),
    _conflicts(
        "ports in different worktrees do not conflict",
        " and a.worktree != b.worktree and is_file(a.resource) and is_file(b.resource):",
        " and a.worktree != b.worktree:",
        "property/test_conflict::test_rule_1_what_conflicts",
    ),
    _conflicts(
        "a claim that is bound to no worktree conflicts with none that is",
        "if a.worktree and b.worktree and a.worktree != b.worktree",
        "if a.worktree != b.worktree",
        "property/test_conflict::test_rule_1_what_conflicts",
    ),
    _conflicts(
        "file claims of different worktrees conflict",
        "a.worktree and b.worktree and a.worktree != b.worktree and is_file",
        "False and is_file",
        "property/test_conflict::test_rule_1_what_conflicts",
    ),
    _claims(
        "an own claim renews nothing",
        "        if own_covers(own, ask):",
        "        if False:",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _claims(
        "nobody ever waits",
        '"waiting" if wait_s else "refused"',
        '"refused"',
        "projections/test_claims::test_rule_2_who_is_not_granted_waits_if_it_would_and_is_refused_if_not",
    ),
    _claims(
        "everybody waits, asked or not",
        '"waiting" if wait_s else "refused"',
        '"waiting"',
        "projections/test_claims::test_rule_2_who_is_not_granted_waits_if_it_would_and_is_refused_if_not",
    ),
    _conflicts(
        "a subagent's claim covers what another subagent asks",
        "        and own.agent == ask.agent\n",
        "",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _conflicts(
        "a shared claim covers an exclusive request",
        '        and (own.mode == "exclusive" or ask.mode == "shared")\n',
        "",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _conflicts(
        "a claim bound to a worktree covers a request of another",
        '        and own.worktree in ("", ask.worktree)\n',
        "",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _conflicts(
        "anyone's claim covers a request",
        "        own.session == ask.session\n        and (own",
        "        (own",
        "projections/test_board::test_what_a_session_lost_needs_someone_as_long_as_it_is_here_and_has_not_read_it",
    ),
    _conflicts(
        "a part covers the whole",
        "covers(own.resource, ask.resource)",
        "covers(ask.resource, own.resource)",
        "projections/test_claims::test_rule_2_a_request_that_ones_own_claim_covers_renews_it",
    ),
    _claims(
        "those who waited first are passed over",
        "        if conflict(wait, ask):\n",
        "        if False:\n",
        "projections/test_claims::test_rule_2_nobody_overtakes_who_waits_and_nobody_waits_for_who_came_later",
    ),
    _claims(
        "those who asked later stand in the way",
        ("        if wait.id == ask.id:\n            break\n"),
        ("        if wait.id == ask.id:\n            continue\n"),
        "projections/test_claims::test_rule_2_nobody_overtakes_who_waits_and_nobody_waits_for_who_came_later",
    ),
    _claims(
        "two grants of one instant have one token",
        "max(to_micros(at), state.token + 1)",
        "to_micros(at)",
        "projections/test_claims::test_rule_4_whoever_waited_is_granted_at_that_very_instant_in_the_order_of_asking",
    ),
    _claims(
        "a claim lasts until its end and including it (as_of)",
        "while state.due <= to and",
        "while state.due < to and",
        "projections/test_claims::test_rule_3_a_claim_lasts_up_to_its_end_and_not_including_it",
    ),
    _claims(
        "at one instant a claim ends before a wait does",
        (
            "        for wait in [wait for wait in state.waits.values() if wait.until <= at]:\n"
            '            leave_queue(state, wait, at, 4, "timed_out", record)\n'
            "        for claim in [claim for claim in state.claims.values() if claim.ends_at <= at]:"
        ),
        (
            "        for claim in [claim for claim in state.claims.values() if claim.ends_at <= at]:\n"
            "            del state.claims[claim.id]\n"
            "        settle(state, at, record)\n"
            "        for wait in [wait for wait in state.waits.values() if wait.until <= at]:\n"
            '            leave_queue(state, wait, at, 4, "timed_out", record)\n'
            "        for claim in [claim for claim in state.claims.values() if claim.ends_at <= at]:"
        ),
        "projections/test_claims::test_rule_3_the_holder_is_told_of_an_expiry_if_the_claim_was_made_on_purpose",
    ),
    _claims(
        "a lapse is told like an expiry",
        'what == "expired" and not claim.automatic and not claim.imported:',
        "not claim.automatic and not claim.imported:",
        "projections/test_claims::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up",
    ),
    _claims(
        "the end of a hook's claim is told",
        " and not claim.automatic and not claim.imported:",
        " and not claim.imported:",
        "projections/test_claims::test_rule_3_the_holder_is_told_of_an_expiry_if_the_claim_was_made_on_purpose",
    ),
    _claims(
        "the end of an imported claim is told",
        " and not claim.automatic and not claim.imported:",
        " and not claim.automatic:",
        "projections/test_imports::test_its_claims_stand_in_each_others_way_and_nobody_there_is_told_anything",
    ),
    _claims(
        "nobody is told that a claim expired",
        ("                state.sessions[claim.session].notices.append(notice)\n        settle"),
        ("                del notice\n        settle"),
        "projections/test_claims::test_rule_3_the_holder_is_told_of_an_expiry_if_the_claim_was_made_on_purpose",
    ),
    _claims(
        "waiters are granted whatever is in the way",
        "        if not obstacles_of(state, wait):",
        "        if True:",
        "projections/test_claims::test_rule_2_who_is_not_granted_waits_if_it_would_and_is_refused_if_not",
    ),
    _claims(
        "the last in the queue is looked at first",
        ("    for wait in list(state.waits.values()):\n        if not"),
        ("    for wait in reversed(state.waits.values()):\n        if not"),
        "projections/test_claims::test_rule_2_nobody_overtakes_who_waits_and_nobody_waits_for_who_came_later",
    ),
    _claims(
        "only the first in the queue is looked at",
        ("    for wait in list(state.waits.values()):\n        if not"),
        ("    for wait in list(state.waits.values())[:1]:\n        if not"),
        "projections/test_claims::test_rule_4_whoever_waited_is_granted_at_that_very_instant_in_the_order_of_asking",
    ),
    _claims(
        "the end of a wait is not known before it comes",
        " + [wait.until for wait in state.waits.values()]\n",
        "\n",
        "projections/test_claims::test_rule_4_a_wait_lasts_up_to_its_limit_and_not_including_it",
    ),
    _claims(
        "the end of a claim is not known before it comes",
        "ends = [claim.ends_at for claim in state.claims.values()] + ",
        "ends = ",
        "projections/test_claims::test_rule_3_a_claim_lasts_up_to_its_end_and_not_including_it",
    ),
    _claims(
        "a grant to a waiter does not lapse",
        'accept_by=later(at, ACCEPT_S) if to_waiter else "",',
        'accept_by="",',
        "projections/test_claims::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up",
    ),
    _claims(
        "every grant lapses",
        'accept_by=later(at, ACCEPT_S) if to_waiter else "",',
        "accept_by=later(at, ACCEPT_S),",
        "projections/test_board::test_a_session_is_silent_from_its_limit_on_and_a_need_only_if_it_holds_something",
    ),
    _claims(
        "a grant lapses a second late",
        "ACCEPT_S = 60",
        "ACCEPT_S = 61",
        "projections/test_claims::test_rule_4_a_grant_to_a_waiter_lapses_unless_it_is_taken_up",
    ),
    _claims(
        "an imported claim takes a token",
        "token=0 if ask.imported else next_token(state, at)",
        "token=next_token(state, at)",
        "projections/test_imports::test_its_sessions_are_not_live_and_its_claims_stand_in_nobodys_way_and_have_no_token",
    ),
    _claims(
        "renewing can shorten",
        "max(claim.expires_at, later(at, ttl_s))",
        "later(at, ttl_s)",
        "projections/test_claims::test_rule_3_renewing_never_shortens_and_moves_the_end",
    ),
    _claims(
        "a grant that is renewed lapses all the same",
        ('    claim.expires_at = max(claim.expires_at, later(at, ttl_s))\n    claim.accept_by = ""\n'),
        "    claim.expires_at = max(claim.expires_at, later(at, ttl_s))\n",
        "projections/test_claims::test_rule_4_renewing_a_grant_takes_it_up_and_one_told_granted_has_it_at_once",
    ),
)
