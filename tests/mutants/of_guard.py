"""Mutants of the guard: what it answers, and when its index says it."""

from tests.mutants.mutant import Mutant, in_file

_guard = in_file("coord/guard.py", "tests")
_indexing = in_file("coord/indexing.py", "tests")
_json = in_file("coord/plainjson.py", "tests")
_guarding = in_file("coord/guarding.py", "tests")
_DENIED = "coord/test_guard::test_another_session_is_denied_and_told_who_until_when_what_for_and_what_to_do"
_INDEX = "coord/test_guard::test_an_index_that_is_not_whole_or_not_up_to_date_is_not_used"
_RULES = "coord/test_guard::test_both_ways_give_one_answer_and_it_is_what_the_rules_say"
_FIRST = "coord/test_guard::test_the_first_write_claims_the_file_and_the_next_one_only_asks_the_index"
_TELLS = "coord/test_guard::test_the_index_is_not_asked_where_it_does_not_tell_of_this"
_WAITS = "coord/test_guard::test_who_waits_for_a_file_may_not_write_it_and_goes_before_those_who_come_later"

MUTANTS: tuple[Mutant, ...] = (
    _guard("nobody is denied", "[row for row in rows if conflict(row, ask)]", "[]", _DENIED),
    _guard("everybody is denied", "[row for row in rows if conflict(row, ask)]", "rows", _RULES),
    _guard("who waits may write", "if not own.waiting and own_covers(own, ask):", "if own_covers(own, ask):", _WAITS),
    _guard(
        "a claim is never renewed by a write",
        'return ("claim" if half_over else "allow"), []',
        'return "allow", []',
        "coord/test_guard::test_a_claim_that_ran_out_stands_in_nobodys_way_and_a_late_write_renews_it",
    ),
    _guard(
        "each write renews the claim", 'return ("claim" if half_over else "allow"), []', 'return "claim", []', _FIRST
    ),
    _guard(
        "the dead are in the way",
        "    found = [row for row in found if lives(row.session)]\n",
        "",
        "coord/test_guard::test_nobody_is_denied_for_the_dead",
    ),
    _guard("the conversation of a dead client writes", "    if not lives(session):", "    if False:", _TELLS),
    _guard(
        "what has ended by itself still holds",
        'now >= index["due"] or ',
        "",
        "coord/test_guard::test_a_claim_that_ran_out_stands_in_nobodys_way_and_a_late_write_renews_it",
    ),
    _guard("an index of other code is used", 'index["code"] != fingerprint() or ', "", _TELLS),
    _guard("an index of another machine is used", 'tuple(index["here"]) != here() or ', "", _TELLS),
    _guard("what was written since is not noticed", ' or lengths_in(log) != index["journals"]', "", _INDEX),
    _guard("that something was archived is not noticed", "changed_at(os.path.join(log, ENDED))", "0", _TELLS),
    _guard(
        "an index that is not whole is used",
        "return loads(data[_DIGEST:]) if whole else None",
        "return loads(data[_DIGEST:])",
        _INDEX,
    ),
    _guard(
        "a guard that fails is in the way",
        "        said = ALLOWED, f",
        "        said = DENIED, f",
        "coord/test_guard::test_what_is_no_input_lets_the_write_go_on",
    ),
    _guarding("a write claims nothing", '        if word == "claim":\n', "        if False:\n", _FIRST),
    _guarding(
        "the long way leaves the index as it was",
        "        moment.outdated = True",
        "        moment.outdated = False",
        _INDEX,
    ),
    _guarding(
        "a write claims the file everywhere",
        "                worktree=write.worktree,\n",
        "",
        "coord/test_guard::test_what_is_written_in_one_worktree_is_free_in_another_unless_claimed_by_name",
    ),
    _guarding(
        "subagents write as their session",
        "                agent=write.agent,\n",
        "",
        "coord/test_guard::test_subagents_of_one_session_are_kept_apart",
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
