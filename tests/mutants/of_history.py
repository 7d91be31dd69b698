"""Mutants of the order of all journals: what comes first, what is missed, what is held back."""

from tests.mutants.mutant import Mutant, in_file

_history = in_file("eventlog/history.py", "tests/eventlog")
_bar = in_file("eventlog/history.py", "tests")
_scanning = in_file("eventlog/scanning.py", "tests/eventlog")
_HELD = "test_history::test_what_another_machine_puts_too_far_ahead_is_held_back_and_not_lost"
_OWN = "test_history::test_the_readers_clock_never_filters_what_its_own_machine_wrote"
_GONE = "test_history::test_a_journal_that_is_gone_is_told_once_and_takes_no_more"

MUTANTS: tuple[Mutant, ...] = (
    _history(
        "at one instant the order is that of arrival",
        'attrgetter("at", "session", "n")',
        'attrgetter("at")',
        "test_history::test_the_order_is_by_time_then_session_then_number",
    ),
    _history(
        "the order is not by time first",
        'attrgetter("at", "session", "n")',
        'attrgetter("session", "n")',
        "test_history::test_the_order_is_by_time_then_session_then_number",
    ),
    _history(
        "an event counts as often as it comes",
        "sorted(unique.values(), key=by_order)",
        "sorted([*unique.values(), *list(unique.values())[:1]], key=by_order)",
        "test_history::test_the_order_is_by_time_then_session_then_number",
    ),
    _history(
        "news are not in order",
        "sorted(events, key=_by_time)",
        "events",
        "test_history::test_news_is_what_was_not_read_before_and_comes_in_order",
    ),
    _history(
        "a clock that went back hides what its own machine wrote",
        "return max(later(wall, HORIZON_S), ours, accepted)",
        "return max(later(wall, HORIZON_S), accepted)",
        _OWN,
    ),
    _history(
        "a clock that went back hides what was accepted",
        "return max(later(wall, HORIZON_S), ours, accepted)",
        "return max(later(wall, HORIZON_S), ours)",
        "test_reading::test_what_was_accepted_before_the_clock_went_back_stays",
    ),
    _history(
        "no other clock may be ahead",
        "later(wall, HORIZON_S)",
        "wall",
        _HELD,
    ),
    _bar(
        "another machine's own times raise the bar",
        "if position.machine == machine)",
        "if True)",
        "faults/test_verify::test_times_that_are_held_back_are_told",
    ),
    _history(
        "nothing is held back",
        "if block.events and block.events[-1].at > horizon and block.end.machine != self.machine:",
        "if False:",
        _HELD,
    ),
    _history(
        "what is just at the bar is held back",
        "block.events[-1].at > horizon and",
        "block.events[-1].at >= horizon and",
        _HELD,
    ),
    _scanning(
        "what is held back is lost",
        "        self.events, self.end = scan(self.session, self.data, self.start)\n\n",
        "        self.events = self.events[:count]\n\n",
        _HELD,
    ),
    _history(
        "what is held back counts",
        "                block.drop_after(horizon)\n",
        "                pass\n",
        _HELD,
    ),
    _history(
        "what was held back once stays told",
        "        self.held_back = {}\n        accepted",
        "        accepted",
        _HELD,
    ),
    _history(
        "holding back forgets that a journal was rewound",
        "Position(rewound=start.rewound or lost)\n            block",
        "Position()\n            block",
        "test_reading::test_holding_back_keeps_that_a_journal_was_rewound",
    ),
    _history(
        "any file is a journal",
        " if entry.name.endswith(SUFFIX)}",
        "}",
        "test_reading::test_only_journals_are_journals",
    ),
    _history(
        "any name is a session's",
        "if not is_session_id(name)}",
        "if False}",
        "test_history::test_a_name_that_no_session_has_is_named_and_stops_nobody_else",
    ),
    _history(
        "a journal that stands in both places is not told",
        "for name in here & ended if",
        "for name in () if",
        "test_ended::test_of_a_journal_that_stands_in_both_places_the_one_in_the_log_counts",
    ),
    _history(
        "a journal that is gone is not missed",
        "if name not in present and position.size and not position.rewound",
        "if False",
        _GONE,
    ),
    _history(
        "a journal that is gone is told each time",
        "name not in present and position.size and not position.rewound",
        "name not in present and (position.size or position.rewound)",
        _GONE,
    ),
    _history(
        "a journal in which nothing was read is missed",
        "name not in present and position.size and not position.rewound",
        "name not in present and not position.rewound",
        "test_reading::test_an_empty_journal_that_is_gone_is_not_missed",
    ),
    _history(
        "an archived journal is looked at each time",
        "return bool(position and position.ended)",
        "return False",
        "test_ended::test_an_archived_journal_that_was_read_costs_nothing_more",
    ),
    _history(
        "a journal that was put back among the living is not looked at",
        "self._sizes[name] and not position.ended",
        "self._sizes[name]",
        "test_ended::test_an_archived_journal_takes_no_more",
    ),
    _history(
        "a journal is not looked at again",
        "0 < position.size == self._sizes[name]",
        "0 < position.size",
        "test_history::test_news_is_what_was_not_read_before_and_comes_in_order",
    ),
    _history(
        "that a journal was archived is not noted",
        "replace(block.end, ended=ended)",
        "block.end",
        "test_ended::test_an_archived_journal_takes_no_more",
    ),
    _history(
        "a rewound journal is not told",
        "Position(rewound=start.rewound or lost)",
        "Position(rewound=start.rewound)",
        "test_history::test_a_journal_that_was_cut_back_is_read_from_its_beginning_and_takes_no_more",
    ),
    _history(
        "the first rewind is forgotten at the second",
        "Position(rewound=start.rewound or lost)",
        "Position(rewound=lost)",
        "test_reading::test_of_two_rewinds_the_first_is_told",
    ),
    _history(
        "a journal that cannot be read stops all",
        "            except (OSError, LogError) as error:\n                self.problems",
        "            except BlockingIOError as error:\n                self.problems",
        "test_history::test_what_is_no_regular_file_is_named_and_stops_nobody_else",
    ),
    _history(
        "pieces come in the order of the journals",
        "bound = ends[0][0] if ends else NEVER",
        "bound = NEVER",
        "test_blocks::test_a_history_in_pieces_is_the_history_and_each_piece_leads_to_the_next",
    ),
    _history(
        "a horizon that was too near is not drawn again",
        "        if any(at <= horizon for at in self.held_back.values()):",
        "        if False:",
        "test_blocks::test_a_history_in_pieces_is_the_history_and_each_piece_leads_to_the_next",
    ),
    _scanning(
        "a piece that was taken leads to its end",
        "                self.start = after(self.start, taken, end - begin, last)",
        "                self.start = self.end",
        "test_blocks::test_a_history_in_pieces_is_the_history_and_each_piece_leads_to_the_next",
    ),
    _scanning(
        "a damaged piece that was taken leads to its beginning",
        "                self.start = scan(self.session, self.data[begin:end], self.start)[1]",
        "                pass",
        "test_blocks::test_a_history_in_pieces_is_the_history_and_each_piece_leads_to_the_next",
    ),
    _scanning(
        "of clean lines a rewind is forgotten",
        '        last=(start.last + last + b"\\n")[-LAST:],\n        rewound=start.rewound,\n',
        '        last=(start.last + last + b"\\n")[-LAST:],\n',
        "test_reading::test_holding_back_keeps_that_a_journal_was_rewound",
    ),
)
