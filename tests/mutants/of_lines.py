"""Mutants of how a line is written and read, and of the forms of the vocabulary."""

from tests.mutants.mutant import Mutant, in_file

_codec = in_file("eventlog/codec.py", "tests/eventlog")
_events = in_file("eventlog/events.py", "tests/eventlog")
_STRICT = "test_codec::test_what_parsers_quietly_accept_is_damage"
_KEPT = "test_codec::test_what_is_not_understood_is_kept_as_unknown"
_ALTERED = "test_damage::test_no_altered_byte_passes_and_an_altered_line_fails_alone"
_LARGEST = "test_codec::test_the_largest_number_is_kept_exactly"
_INSTANT = "test_events::test_what_is_no_instant"

MUTANTS: tuple[Mutant, ...] = (
    _codec(
        "a hash does not chain to the one before",
        "blake2b(previous + body",
        "blake2b(body",
        "test_codec::test_the_hash_is_blake2b_of_the_previous_hash_and_the_body",
    ),
    _codec(
        "the hash of a line is not checked",
        "or chain(previous, body_of(line)) != digest",
        "",
        _ALTERED,
    ),
    _codec(
        "the frame of a hash is not checked",
        "or line[-_TAIL:] != MARK + digest + b'\"}' ",
        "",
        _ALTERED,
    ),
    _codec(
        "a line of another version is taken for one of ours",
        "        if event.v != VERSION:",
        "        if False:",
        "test_codec::test_a_line_of_another_version_is_kept_as_unknown",
    ),
    _codec(
        "a line that we would write otherwise is not looked at strictly",
        "        _check_strictly(line)\n",
        "        pass\n",
        _STRICT,
    ),
    _codec(
        "what was imported is not looked at strictly",
        " or event.imported:",
        ":",
        "test_codec::test_the_fields_of_an_import_are_read_as_strictly",
    ),
    _codec(
        "any text is a time",
        "    if not is_instant(event.at):",
        "    if False:",
        _STRICT,
    ),
    _codec(
        "a key may stand twice",
        "        if len(seen) != len(items):",
        "        if False:",
        _STRICT,
    ),
    _codec(
        "a number may be too large for others",
        "        if abs(int(text)) > BIGGEST_INT:",
        "        if False:",
        _STRICT,
    ),
    _codec(
        "the largest number is too large",
        "abs(int(text)) > BIGGEST_INT",
        "abs(int(text)) >= BIGGEST_INT",
        _LARGEST,
    ),
    _codec(
        "a line has no greatest length",
        "    if len(body) > MAX_LINE - _TAIL:",
        "    if False:",
        "test_codec::test_what_cannot_be_a_line_is_not_written",
    ),
    _codec(
        "a line may be a little longer than the longest",
        "    if len(body) > MAX_LINE - _TAIL:",
        "    if len(body) > MAX_LINE:",
        "test_codec::test_a_line_of_the_greatest_length_is_written_and_none_that_is_longer",
    ),
    _codec(
        "who brought an event that is not understood is forgotten",
        "            imported=seen.imported,\n",
        "",
        "test_codec::test_what_is_not_understood_says_why_and_who_brought_it",
    ),
    _codec(
        "an event that is not understood is dropped",
        "        event = _unknown(line, str(error))",
        "        raise Damaged(str(error)) from None",
        _KEPT,
    ),
    _codec(
        "what is nested too deeply is an error of ours",
        'DecodeError, UnicodeDecodeError, RecursionError) as error:\n        raise Damaged(f"it is not JSON',
        'DecodeError, UnicodeDecodeError) as error:\n        raise Damaged(f"it is not JSON',
        _STRICT,
    ),
    _codec(
        "bytes that are no text are an error of ours",
        'DecodeError, UnicodeDecodeError, RecursionError) as error:\n        raise Damaged(f"it is not JSON',
        'DecodeError, RecursionError) as error:\n        raise Damaged(f"it is not JSON',
        _STRICT,
    ),
    _codec(
        "bytes that are no text in an event that is not understood are an error of ours",
        'DecodeError, UnicodeDecodeError, RecursionError) as error:\n        raise Damaged(f"it is not an event',
        'DecodeError, RecursionError) as error:\n        raise Damaged(f"it is not an event',
        _STRICT,
    ),
    _events(
        "a time may be longer",
        "len(text) != 27 or ",
        "",
        _INSTANT,
    ),
    _events(
        "a time may have any signs between its numbers",
        ' or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] + text[26] != "--T::.Z"',
        "",
        _INSTANT,
    ),
    _events(
        "a day that the calendar has not is a day",
        "    except ValueError:\n        return False",
        "    except ValueError:\n        return True",
        _STRICT,
    ),
    _events(
        "time begins again where the calendar ends",
        "return NEVER if micros > 0",
        "return NEVER if micros < 0",
        "test_events::test_time_stands_still_where_the_calendar_ends",
    ),
    _events(
        "a part of a microsecond is cut off",
        "round(seconds * 1_000_000)",
        "int(seconds * 1_000_000)",
        "test_events::test_later_is_to_the_microsecond",
    ),
    _events(
        "a name may end in a line break",
        r'_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"',
        r'_PLAIN = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]*$"',
        _KEPT,
    ),
    _events(
        "a name may have control characters",
        r'_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"',
        r'_PLAIN = r"^[^\n\u2028\u2029]*\Z"',
        _KEPT,
    ),
    _events(
        "a name may have line separators",
        r'_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"',
        r'_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*\Z"',
        _KEPT,
    ),
    _events(
        "a resource may have control characters",
        r"+/[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z",
        r"+/[^\u2028\u2029]+\Z",
        _KEPT,
    ),
    _events(
        "a resource may have no name",
        r"+/[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z",
        r"+/?[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z",
        _KEPT,
    ),
    _events(
        "a claim may last for less than a minute",
        "SHORTEST_TTL_S, LONGEST_TTL_S = MINUTE_S",
        "SHORTEST_TTL_S, LONGEST_TTL_S = MINUTE_S - 1",
        _KEPT,
    ),
    _events(
        "a claim may last for more than a week",
        "MINUTE_S, 7 * DAY_S",
        "MINUTE_S, 7 * DAY_S + 1",
        _KEPT,
    ),
    _events(
        "a percentage may be more than everything",
        "Meta(ge=0, le=100)",
        "Meta(ge=0, le=101)",
        _KEPT,
    ),
    _events(
        "the name of an event may have the number 0",
        "/[1-9][0-9]*",
        "/[0-9]+",
        _KEPT,
    ),
    _events(
        "the id of a session may have capitals",
        '_SESSION = r"[a-z0-9]',
        '_SESSION = r"[A-Za-z0-9]',
        _KEPT,
    ),
    _events(
        "events are counted from 0",
        "n: Annotated[int, Meta(ge=1,",
        "n: Annotated[int, Meta(ge=0,",
        "test_events::test_an_event_with_no_number_is_not_understood",
    ),
    _events(
        "what was imported was done by its journal",
        "self.imported.acted_as or self.session if self.imported else self.session",
        "self.session",
        "test_events::test_who_acted_is_who_it_was_imported_as",
    ),
    _events(
        "the order of events is not by time first",
        "return (self.at, self.session, self.n)",
        "return (self.session, self.n, self.at)",
        "test_events::test_the_key_of_an_event_is_its_place_in_the_order",
    ),
    _codec(
        "the hashes of many lines are not looked at",
        """        if line != body + MARK + previous + b'"}':\n            return None\n""",
        "",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "the numbers of many lines are not looked at",
        "[event.n for event in events] == list(range(n + 1, n + 1 + len(events)))",
        "True",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "the sessions of many lines are not looked at",
        "{event.session for event in events} <= {session}",
        "True",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "the versions of many lines are not looked at",
        "{event.v for event in events} <= {VERSION}",
        "True",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "the order of many lines is not looked at",
        "all(map(lt, [at, *times], times))",
        "True",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "the times of many lines are not looked at",
        "        and are_instants([event.at for event in events])\n",
        "",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "what was imported is not looked at strictly where many are tried",
        "        and not any(event.imported for event in events)",
        "        and True",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _codec(
        "what would be read as something else is written",
        "[decode(line[:-1]) for line in lines] != events:",
        "False:",
        "test_writer::test_what_would_be_read_as_something_else_is_not_written",
    ),
    _codec(
        "what needs a closer look is written without it",
        " == events and _are_plain(events)",
        " == events",
        "test_writer::test_what_would_be_read_as_something_else_is_not_written",
    ),
    _codec(
        "lines that are written together are all chained to the same",
        "line, previous = seal(event, previous)",
        "line, _ = seal(event, previous)",
        "test_writer::test_events_that_are_written_at_once_stand_as_if_they_were_written_one_by_one",
    ),
)
