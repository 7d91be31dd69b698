"""Mutants of reading a journal: what counts, what is damage, what was rewound, what takes no more."""

from tests.mutants.mutant import Mutant, in_file

_journal = in_file("eventlog/journal.py", "tests/eventlog")
_scanning = in_file("eventlog/scanning.py", "tests/eventlog")
_REWOUND = "test_closed::test_reading_on_sees_that_a_journal_was_cut_back_or_rewritten"
_CLOSED = "test_reading::test_a_journal_is_closed_for_each_of_these_reasons"
_INSERTED = "test_damage::test_an_inserted_line_is_seen_and_takes_no_other_with_it"

MUTANTS: tuple[Mutant, ...] = (
    _scanning(
        "a tear counts as a line",
        "    pieces.pop()  # what is no whole line\n",
        "    pieces = [piece for piece in pieces if piece]\n",
        "test_journal::test_a_whole_line_that_lacks_its_newline_is_completed",
    ),
    _scanning(
        "a tear after a damaged line counts as a line",
        "    return reader.events, reader.position(start.size + offset",
        "    if data[offset:]:\n        reader.line(data[offset:], start.size + offset)\n"
        "    return reader.events, reader.position(start.size + offset",
        "test_blocks::test_lines_that_are_tried_together_give_what_they_give_one_by_one",
    ),
    _scanning(
        "the line of another session counts",
        "        if event.session != self.session:",
        "        if False:",
        "test_damage::test_lines_of_another_session_are_not_of_this_journal",
    ),
    _scanning(
        "a number may come again",
        "event.n <= self.n or ",
        "",
        "test_reading::test_after_damage_numbers_still_rise",
    ),
    _scanning(
        "a time may stand still",
        "event.at <= self.at or gap",
        "event.at < self.at or gap",
        "test_damage::test_a_time_that_does_not_rise_is_damage",
    ),
    _scanning(
        "a time may go back",
        "event.at <= self.at or gap",
        "gap",
        "test_damage::test_a_time_that_does_not_rise_is_damage",
    ),
    _scanning(
        "a number may be missing",
        "event.at <= self.at or gap:",
        "event.at <= self.at:",
        "test_reading::test_a_number_may_be_missing_after_damage_only",
    ),
    _scanning(
        "no number may be missing after damage",
        " and not (self.damage or self.start.damage)",
        "",
        "test_reading::test_a_number_may_be_missing_after_damage_only",
    ),
    _scanning(
        "no number may be missing after damage that was read before",
        " and not (self.damage or self.start.damage)",
        " and not self.damage",
        "test_reading::test_a_number_may_be_missing_after_damage_only",
    ),
    _scanning(
        "a line may follow any line before it",
        "(stored_hash(line),)",
        "(*self.hashes, stored_hash(line))",
        "test_reading::test_a_line_follows_the_last_one_only",
    ),
    _scanning(
        "what may follow a damaged line is not guessed",
        "(self.hashes[0], *self.guesses(part))",
        "self.hashes",
        "test_damage::test_no_altered_byte_passes_and_an_altered_line_fails_alone",
    ),
    _scanning(
        "what followed the last good line is forgotten at a damaged one",
        "(self.hashes[0], *self.guesses(part))",
        "tuple(self.guesses(part))",
        _INSERTED,
    ),
    _scanning(
        "changed line ends lose their lines",
        '        if line.endswith(b"\\r"):',
        "        if False:",
        "test_damage::test_changed_line_ends_lose_nothing_and_are_one_finding",
    ),
    _scanning(
        "every changed line end is told",
        "            return  # a file whose every",
        "            pass  # a file whose every",
        "test_damage::test_changed_line_ends_lose_nothing_and_are_one_finding",
    ),
    _scanning(
        "lines whose newline was changed are lost",
        "for piece in (*SEALED.finditer(line), None):",
        "for piece in (None,):",
        "test_damage::test_no_altered_byte_passes_and_an_altered_line_fails_alone",
    ),
    _scanning(
        "a byte order mark loses the first line",
        "if start.size == 0 and data.startswith(_BOM):",
        "if False:",
        "test_damage::test_a_byte_order_mark_loses_nothing_and_is_a_finding",
    ),
    _scanning(
        "a byte order mark in the middle is none",
        "if start.size == 0 and data.startswith(_BOM):",
        "if data.startswith(_BOM):",
        "test_reading::test_a_byte_order_mark_is_one_at_the_beginning_only",
    ),
    _scanning(
        "what is too short for a line is followed",
        "len(line) < _SHORTEST or ",
        "",
        "test_reading::test_what_no_line_can_be_left_of_does_not_come_between_a_damaged_line_and_the_next",
    ),
    _scanning(
        "what is nothing like a line is followed",
        " or not (line.startswith(_HEAD) or MARK in line or line.endswith(_END))",
        "",
        "test_reading::test_what_no_line_can_be_left_of_does_not_come_between_a_damaged_line_and_the_next",
    ),
    _scanning(
        "a line whose beginning was changed is not followed",
        "(line.startswith(_HEAD) or MARK in line or line.endswith(_END))",
        "line.startswith(_HEAD)",
        "test_reading::test_a_line_of_which_one_end_or_its_mark_is_left_is_followed",
    ),
    _scanning(
        "a line of which only the mark is left is not followed",
        "MARK in line or line.endswith(_END)",
        "line.endswith(_END)",
        "test_reading::test_a_line_of_which_one_end_or_its_mark_is_left_is_followed",
    ),
    _scanning(
        "every place of damage is kept",
        "        if known > MOST_DAMAGE:",
        "        if False:",
        "test_reading::test_so_many_places_of_damage_are_named_and_that_there_are_more",
    ),
    _scanning(
        "that there is more damage is not told",
        "        if known == MOST_DAMAGE:",
        "        if False:",
        "test_reading::test_so_many_places_of_damage_are_named_and_that_there_are_more",
    ),
    _scanning(
        "damage that was read before is forgotten",
        "damage=start.damage + tuple(self.damage)",
        "damage=tuple(self.damage)",
        "test_reading::test_what_was_found_stays_found",
    ),
    _scanning(
        "a rewind that was seen before is forgotten",
        "damage=start.damage + tuple(self.damage),\n            rewound=start.rewound",
        'damage=start.damage + tuple(self.damage),\n            rewound=""',
        "test_reading::test_what_was_found_stays_found",
    ),
    _scanning(
        "whose journal it is is forgotten",
        "    return start.machine, start.folder",
        '    return "", ""',
        "test_reading::test_what_was_found_stays_found",
    ),
    _scanning(
        "what is compared is of the last part only",
        "last=(start.last + last)[-LAST:]",
        "last=last[-LAST:]",
        "test_reading::test_what_was_found_stays_found",
    ),
    _journal(
        "a journal that was archived meanwhile is not found",
        "        if os.path.lexists(here):\n            raise\n",
        "        raise\n",
        "test_ended::test_a_path_that_vanished_is_looked_for_among_the_ended",
    ),
    _journal(
        "a journal that cannot be read is looked for elsewhere",
        "        if os.path.lexists(here):\n            raise\n",
        "        pass\n",
        "test_ended::test_a_journal_that_cannot_be_read_is_not_looked_for_elsewhere",
    ),
    _journal(
        "what is no regular file is a journal",
        "if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:",
        "if status.st_size <= MOST_BYTES:",
        "test_reading::test_a_pipe_is_no_journal_and_makes_nobody_wait",
    ),
    _journal(
        "a journal of any size is read",
        "if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:",
        "if stat.S_ISREG(status.st_mode):",
        "test_reading::test_a_journal_that_is_too_large_is_not_read",
    ),
    _journal(
        "what is no journal stays open",
        "    os.close(fd)\n    if stat.S_ISREG",
        "    if stat.S_ISREG",
        "test_reading::test_a_pipe_is_no_journal_and_makes_nobody_wait",
    ),
    _journal(
        "a link is followed to read",
        "os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)",
        "os.open(path, os.O_RDONLY | os.O_NONBLOCK | BINARY)",
        "test_closed::test_what_is_no_regular_file_is_neither_read_nor_written",
    ),
    _journal(
        "reading on does not look at what was read",
        "rewound = file.read(len(last)) != last",
        "rewound = file.read(len(last)) is None",
        _REWOUND,
    ),
    _journal(
        "a rewound journal is read from its middle",
        "            if rewound:\n                file.seek(0)\n",
        "",
        _REWOUND,
    ),
    _journal(
        "writing does not look at what was read",
        "return file.read(len(last)) != last",
        "return file.read(len(last)) is None",
        _CLOSED,
    ),
    _journal(
        "lines that lie in two pieces are lost",
        "(rest + piece).rpartition",
        "piece.rpartition",
        "test_ended::test_changed_line_ends_are_one_finding_in_however_many_pieces",
    ),
    _journal(
        "the name of an event leads out of the log",
        "not is_session_id(session) or ",
        "",
        "test_reading::test_no_name_of_an_event_leads_out_of_the_log",
    ),
    _journal(
        "the number of an event may be written in several ways",
        " or not re.fullmatch(_NUMBER, number)",
        " or not number.isdigit()",
        "test_reading::test_no_name_of_an_event_leads_out_of_the_log",
    ),
    _journal(
        "what begins like a session's id is one",
        " and _IN_NAMES.issuperset(text)",
        "",
        "test_history::test_a_name_that_no_session_has_is_named_and_stops_nobody_else",
    ),
    _journal(
        "a damaged journal takes more",
        "    if position.damage:\n        first",
        "    if False:\n        first",
        _CLOSED,
    ),
    _journal(
        "a rewound journal takes more",
        "    if position.rewound:\n        return",
        "    if False:\n        return",
        _CLOSED,
    ),
    _journal(
        "an archived journal takes more",
        "    if position.ended:\n        return",
        "    if False:\n        return",
        _CLOSED,
    ),
    _journal("a full journal takes more", "    if position.size >= FULL_BYTES:", "    if False:", _CLOSED),
    _journal(
        "a journal takes more after a failed sync",
        "    if os.path.lexists(os.path.join(folder, session + SUFFIX + SEAL_SUFFIX)):",
        "    if False:",
        _CLOSED,
    ),
    _journal(
        "a changed journal takes more",
        "        if is_other_at(path, position.size, position.last):",
        "        if False:",
        _CLOSED,
    ),
)
