"""Mutants of the account of a history: what is new, the lives of sessions, what was done, and what differs."""

from tests.mutants.mutant import Mutant, in_file

_spans = in_file("projections/spans.py", "tests")
_workers = in_file("projections/workers.py", "tests")
_facts = in_file("projections/facts.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _spans(
        "what time alone ended at the very moment counts as after it",
        "return lambda at, cause: cause in new if cause else at > since.at",
        "return lambda at, cause: cause in new if cause else at >= since.at",
        "projections/test_spans::test_what_time_alone_ended_at_the_very_moment_had_ended_by_then",
    ),
    _spans(
        "what does not count is in the account",
        (
            "            if not counts(state, event):\n"
            "                fold(state, [event], decisions.append)\n"
            "                continue\n"
        ),
        "",
        "projections/test_spans::test_what_does_not_count_is_not_in_the_account",
    ),
    _spans(
        "what was handed over is still the giver's subagent's",
        'agent="" if said.rule == 5 else terms.agent',
        "agent=terms.agent",
        "projections/test_spans::test_what_is_handed_over_is_the_new_holders_and_keeps_what_it_is_for",
    ),
    _spans(
        "a wait that was granted goes on in the picture",
        ("            if said.claim in open_spans:\n                close(said)\n"),
        "",
        "projections/test_report::test_the_longest_wait_comes_first_and_says_behind_whom_and_how_it_ended",
    ),
    _spans(
        "a session that lives again is one life",
        "if life is None or (life.end and heard and not over):",
        "if life is None:",
        "projections/test_spans::test_a_session_that_ended_and_says_another_word_has_one_life_and_one_that_starts_again_has_two",
    ),
    _spans(
        "each word of an ended session is a life",
        "if life is None or (life.end and heard and not over):",
        "if life is None or (life.end and heard):",
        "projections/test_spans::test_a_session_that_ended_and_says_another_word_has_one_life_and_one_that_starts_again_has_two",
    ),
    _spans(
        "the last word of an imported session is its first",
        'if over and (not life.end or session.status == "imported"):',
        "if over and not life.end:",
        "projections/test_spans::test_each_word_of_an_imported_session_may_be_its_last",
    ),
    _spans(
        "nothing is heard of a session after its beginning",
        ("        if heard:\n            life = replace(life, last_at=event.at)\n"),
        "",
        "projections/test_spans::test_a_session_that_ended_and_says_another_word_has_one_life_and_one_that_starts_again_has_two",
    ),
    _workers(
        "what is half done is done",
        "if isinstance(said, SessionHeartbeat) and said.percent == 100:",
        "if isinstance(said, SessionHeartbeat) and said.percent:",
        "projections/test_report::test_finished_is_what_it_summed_up_completed_released_and_handed_over",
    ),
    _workers(
        "what expired was given up on purpose",
        'if event and span.how == "released":',
        "if event and span.how:",
        "projections/test_report::test_finished_is_what_it_summed_up_completed_released_and_handed_over",
    ),
    _workers(
        "who has ended has still a next step",
        'session.doing.next_action if session.status != "ended" else ""',
        "session.doing.next_action",
        "projections/test_report::test_finished_is_what_it_summed_up_completed_released_and_handed_over",
    ),
    _workers(
        "before its death and after it, a session did one thing",
        "same = found and not anew and",
        "same = found and",
        "projections/test_report::test_one_that_lives_after_all_is_told_to_know_of_its_death_or_not",
    ),
    _facts(
        "what came back is a difference",
        "    return {key: (old, new) for key, (old, new) in whole.items() if old != new}",
        "    return whole",
        "property/test_facts::test_differences_that_follow_each_other_are_one",
    ),
    _facts(
        "what is empty is a fact",
        "        if value := getattr(thing, field):\n",
        "        if (value := getattr(thing, field)) is not None:\n",
        "projections/test_spans::test_what_is_empty_is_no_fact",
    ),
)
