"""Mutants of catching up and of the checkpoint."""

from tests.mutants.mutant import Mutant, in_file

_present = in_file("coord/present.py", "tests")
_checkpoint = in_file("coord/checkpoint.py", "tests")
_fingerprint = in_file("coord/fingerprint.py", "tests")
_state = in_file("projections/state.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _present(
        "a full replay forgets what was rewound",
        "{name: Position(rewound=seen.rewound) for name, seen in self._seen.items() if seen.rewound}",
        "{}",
        "coord/test_catching_up::test_what_a_rewritten_journal_said_is_gone_and_it_is_told_and_takes_no_more",
    ),
    _present(
        "what was seen before a full replay is forgotten",
        "self.fresh, self._seen = False, self._seen_now()",
        "self.fresh = False",
        "coord/test_catching_up::test_what_a_rewritten_journal_said_is_gone_and_it_is_told_and_takes_no_more",
    ),
    _present(
        "late events are folded at the end",
        "return first.key if first and not self.state.precedes(first.key) else None",
        "return None",
        "coord/test_catching_up::test_what_comes_late_is_judged_where_it_belongs",
    ),
    _state(
        "what comes late at the very instant of the latest is folded at the end",
        "return self.last < key and self.reached <= key[0]",
        "return self.last < key",
        "coord/test_catching_up::test_what_comes_late_at_the_very_instant_of_the_latest_is_taken_in",
    ),
    _present(
        "a journal that was rewound is read on",
        "        if news.rewound:\n            return NOWHERE\n",
        "",
        "coord/test_catching_up::test_what_is_held_back_again_was_not_rewound",
    ),
    _present(
        "nobody notices that a journal cannot be read",
        "if self._lacks(name)), ",
        "if False), ",
        "faults/test_checkpoint::test_where_nobody_can_tell_what_is_held_nobody_is_granted_anything",
    ),
    _present(
        "a journal that cannot be read now stops everyone, though the fold knows what it said",
        "if not self.fresh and name in self._seen and",
        "if name in self._seen and",
        "faults/test_checkpoint::test_claims_in_a_journal_that_cannot_be_read_now_still_stand",
    ),
    _present(
        "a journal that is shorter than it was is as good as any",
        "if found.size < seen.size and not found.rewound",
        "if False and not found.rewound",
        "coord/test_catching_up::test_what_is_cut_back_while_it_is_held_back_was_rewound",
    ),
    _present(
        "a journal whose events are held back counts as rewound",
        " and name not in self.history.held_back:",
        ":",
        "coord/test_catching_up::test_what_is_held_back_again_was_not_rewound",
    ),
    _present(
        "a look reads each journal once",
        "            if not snapshot:\n                use(news.events)",
        "            if True:\n                use(news.events)",
        "coord/test_consistent_reading::test_an_answer_is_not_seen_without_its_question",
    ),
    _present(
        "a look takes all of its second reading",
        "for event in more.events if event.at <= last[-1].at)",
        "for event in more.events)",
        "coord/test_consistent_reading::test_whatever_is_written_meanwhile_a_look_sees_a_beginning_of_the_history",
    ),
    _present(
        "what is held back was seen shorter",
        "            if name not in self.history.held_back or position.size > before.size:\n",
        "            if True:\n",
        "coord/test_catching_up::test_what_is_cut_back_while_it_is_held_back_was_rewound",
    ),
    _present(
        "a journal that cannot be read was never seen",
        "                most = position if position.size else before\n",
        "                most = position\n",
        "coord/test_catching_up::test_what_is_gone_is_missed_for_ever",
    ),
    _present(
        "who acts is told of damage each time",
        "if again or finding.text not in self._told]",
        "if True]",
        "coord/test_told::test_trouble_with_a_journal_is_told_to_readers_each_time_and_to_actors_once",
    ),
    _present(
        "who looks is told of damage once",
        "if again or finding.text not in self._told]",
        "if finding.text not in self._told]",
        "coord/test_told::test_trouble_with_a_journal_is_told_to_readers_each_time_and_to_actors_once",
    ),
    _present(
        "the present is before the latest event",
        "return self.at or max(self.world.wall(), self.history.latest)",
        "return self.at or self.world.wall()",
        "coord/test_catching_up::test_the_present_is_no_earlier_than_the_latest_event_and_no_earlier_than_the_clock",
    ),
    _checkpoint(
        "the digest of a checkpoint is not checked",
        (
            "        if blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() != data[:_DIGEST]:\n"
            "            return Checkpoint(), None\n"
        ),
        "",
        "faults/test_verify::test_a_checkpoint_that_is_damaged_is_told_and_the_log_is_whole",
    ),
    _checkpoint(
        "a fold of other code is used",
        "if saved.of_this_code else None",
        "if True else None",
        "faults/test_checkpoint::test_where_nobody_can_tell_what_is_held_nobody_is_granted_anything",
    ),
    _checkpoint(
        "a file is written through what stands in its place",
        "os.O_EXCL | NOFOLLOW",
        "os.O_TRUNC",
        "coord/test_files_in_place::test_what_someone_puts_there_at_that_very_moment_is_not_written_to",
    ),
    _checkpoint(
        "what a killed process left is in the way for ever",
        ("        with suppress(FileNotFoundError):\n            os.unlink(temporary)\n        fd"),
        "        fd",
        "coord/test_files_in_place::test_what_a_killed_process_left_is_in_nobodys_way",
    ),
    _checkpoint(
        "a cache folder that is a link is written to",
        ("    _refuse_link(cache)\n    os.makedirs"),
        "    os.makedirs",
        "coord/test_files_in_place::test_a_cache_folder_that_is_a_link_is_neither_written_nor_read",
    ),
    _checkpoint(
        "a cache folder that is a link is read",
        ("        _refuse_link(folder)\n        data"),
        "        data",
        "coord/test_files_in_place::test_a_cache_folder_that_is_a_link_is_neither_written_nor_read",
    ),
    _checkpoint(
        "the board is written in place",
        "        os.replace(temporary, path)\n",
        ("        with open(path, 'wb') as file:\n            file.write(data)\n"),
        "coord/test_files_in_place::test_whoever_has_the_old_one_open_keeps_it_whole",
    ),
    _fingerprint(
        "a change of the code is not seen",
        'parts.append(f"{entry.name}:{status.st_size}:{status.st_mtime_ns}")',
        'parts.append(f"{entry.name}")',
        "coord/test_files_in_place::test_a_change_of_the_fold_is_seen",
    ),
    _checkpoint(
        "rungs of a past that was taken back stay",
        "*(rung for rung in there if rung <= kept)",
        "*there",
        "property/test_checkpoint::test_a_checkpoint_and_what_came_since_give_what_all_of_it_gives",
    ),
    _checkpoint(
        "every rung is kept",
        "if not found or rung // step > found[-1] // step:",
        "if True:",
        "property/test_checkpoint::test_rungs_are_few_and_the_way_from_one_to_the_next_is_short",
    ),
    _present(
        "what a look was ahead of is saved as a rung",
        "            if not snapshot:  # else",
        "            if True:  # else",
        "property/test_checkpoint::test_a_checkpoint_and_what_came_since_give_what_all_of_it_gives",
    ),
    _present(
        "what a rung says of a rewound journal holds",
        "None if anew or late == NOWHERE else",
        "None if late == NOWHERE else",
        "faults/test_checkpoint::test_a_rung_does_not_bring_back_a_journal_that_was_cut_back",
    ),
    _state(
        "a place before the last event is behind it",
        "return self.last < key and self.reached <= key[0]",
        "return self.reached <= key[0]",
        "property/test_checkpoint::test_a_checkpoint_and_what_came_since_give_what_all_of_it_gives",
    ),
)
