"""What an attempt proves, for every combination of what can be seen."""

import itertools

from coord.admin.prove.attempt import Attempt
from coord.admin.prove.canary import Evidence
from coord.admin.prove.verdict import judge_hook, judge_run

ALL = [
    Evidence(ran=ran, denied=denied, written=written, by_command=by_command, failure=failure)
    for ran, denied, written, by_command in itertools.product((False, True), repeat=4)
    for failure in ("", "1 claude PreToolUse OSError: it is full")
]
ATTEMPTS = [Attempt(), Attempt("it ended with exit code 1", "Log in"), Attempt(denies=True)]


def test_only_a_write_that_a_hook_denied_is_denied() -> None:
    for seen, attempt in itertools.product(ALL, ATTEMPTS):
        denied = judge_run(seen, attempt)[0] == "denied"
        assert denied == (seen.denied and (seen.by_command or not seen.written))


def test_a_written_file_is_never_a_failed_attempt() -> None:
    for seen, attempt in itertools.product(ALL, ATTEMPTS):
        assert (judge_run(seen, attempt)[0] == "not_tried") == (not seen.written and not seen.denied)


def test_a_client_that_was_not_asked_got_no_denial() -> None:
    for seen, attempt in itertools.product(ALL, ATTEMPTS):
        assert (judge_run(seen, attempt)[0] == "not_asked") == (seen.written and not seen.denied)


def test_the_answer_of_a_hook_decides_when_it_is_called() -> None:
    for seen, attempt in itertools.product(ALL, ATTEMPTS):
        result, _ = judge_hook(seen, attempt)
        assert (result == "denied") == attempt.denies
        assert (result == "ignored") == (seen.denied and not attempt.denies)


def test_the_error_of_a_failed_hook_is_shown() -> None:
    seen = Evidence(ran=True, written=True, failure="1 claude PreToolUse OSError: it is full")
    assert judge_run(seen, Attempt())[1].endswith("the hook failed: OSError: it is full")
    assert judge_hook(seen, Attempt())[1].endswith("OSError: it is full")
