"""Mutants of what is checked, brought in and shown."""

from tests.mutants.mutant import Mutant, in_file

_verifying = in_file("coord/verifying.py", "tests")
_importing = in_file("coord/importing.py", "tests")
_recovery = in_file("coord/recovery.py", "tests")
_text = in_file("coord/text.py", "tests")
_words = in_file("coord/words.py", "tests")
_views = in_file("coord/views.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _verifying(
        "a fold that the journals do not give is fine",
        '        return self.checkpoint != "different" and all(',
        "        return all(",
        "faults/test_verify::test_a_fold_that_the_journals_do_not_give_is_told",
    ),
    _verifying(
        "damage is fine",
        "        return not (self.damage or self.rewound or self.problem)",
        "        return not (self.rewound or self.problem)",
        "faults/test_verify::test_the_place_and_what_to_do_are_said",
    ),
    _verifying(
        "a rewind is fine",
        "        return not (self.damage or self.rewound or self.problem)",
        "        return not (self.damage or self.problem)",
        "faults/test_verify::test_what_the_checkpoint_saw_must_be_there",
    ),
    _verifying(
        "a journal that cannot be read is fine",
        "        return not (self.damage or self.rewound or self.problem)",
        "        return not (self.damage or self.rewound)",
        "faults/test_verify::test_what_is_no_journal_is_named",
    ),
    _verifying(
        "a journal that is shorter than the checkpoint saw is fine",
        "    elif seen and position.size < seen.size:\n",
        "    elif False:\n",
        "faults/test_verify::test_what_the_checkpoint_saw_must_be_there",
    ),
    _verifying(
        "another journal of the same length is fine",
        "    elif seen and read.other:\n",
        "    elif False:\n",
        "faults/test_verify::test_what_the_checkpoint_saw_must_be_there",
    ),
    _verifying(
        "a rewind that was found before is forgotten",
        "    if seen and seen.rewound:\n",
        "    if False:\n",
        "faults/test_verify::test_a_rewind_that_was_found_before_is_still_told",
    ),
    _verifying(
        "a journal that is gone is fine",
        "        if saved.seen[name].size:\n",
        "        if False:\n",
        "faults/test_verify::test_a_journal_that_is_gone_is_named",
    ),
    _verifying(
        "times that are held back are not told",
        "    if position.at > horizon and position.machine != world.here.machine:",
        "    if False:",
        "faults/test_verify::test_times_that_are_held_back_are_told",
    ),
    _verifying(
        "the checkpoint is compared with what came after it",
        "fold(state, [event for event in news.events if event.n <= upto.get(event.session, 0)])",
        "fold(state, news.events)",
        "faults/test_verify::test_a_checkpoint_is_compared_where_it_stopped",
    ),
    _verifying(
        "a journal that goes meanwhile makes the checkpoint another",
        "    if any(history.positions.get(name, Position()).n < n for name, n in upto.items()):",
        "    if False:",
        "faults/test_verify::test_what_is_archived_meanwhile_is_whole",
    ),
    _verifying(
        "a clock that steps back makes an end of it",
        "world.here.machine, wall, accepted)",
        "world.here.machine, world.wall(), accepted)",
        "faults/test_verify::test_a_clock_that_steps_back_meanwhile_is_read_once",
    ),
    _verifying(
        "a log that goes meanwhile makes an end of it",
        '    except LogError:\n        return "not compared"',
        '    except BlockingIOError:\n        return "not compared"',
        "faults/test_verify::test_a_log_that_cannot_be_read_a_second_time_is_not_compared",
    ),
    _verifying(
        "the fold is not compared",
        'return "same" if _image(as_of(state, moment)) == _image(as_of(folded.state, moment)) else "different"',
        'return "same"',
        "faults/test_verify::test_a_fold_that_the_journals_do_not_give_is_told",
    ),
    _verifying(
        "the order of a fold is not compared",
        'msgspec.msgpack.encode(state, order="deterministic"), list(state.waits), list(state.claims)',
        'msgspec.msgpack.encode(state, order="deterministic"), [], []',
        "coord/test_verifying::test_the_order_of_the_claims_counts",
    ),
    _verifying(
        "a damaged fold is taken for one of other code",
        'return "damaged" if saved.of_this_code else "other code"',
        'return "other code"',
        "coord/test_verifying::test_a_fold_that_cannot_be_read_is_damaged_unless_it_is_of_other_code",
    ),
    _importing(
        "files are brought in twice",
        "if (file.path, file.digest) not in known]",
        "if True]",
        "coord/test_bringing_in::test_a_file_is_brought_in_once_whatever_else_comes",
    ),
    _importing(
        "times that are still to come are brought in",
        "                if said.at > present.now:\n",
        "                if False:\n",
        "coord/test_bringing_in::test_what_is_of_one_instant_follows_each_other_and_what_is_still_to_come_is_left",
    ),
    _importing(
        "a link that was put there just now is read",
        "os.O_RDONLY | NOFOLLOW | BINARY)",
        "os.O_RDONLY | BINARY)",
        "coord/test_bringing_in::test_only_a_regular_file_that_is_not_too_long_is_read",
    ),
    _importing(
        "what is no regular file is read",
        "            if not stat.S_ISREG(status.st_mode):\n",
        "            if False:\n",
        "coord/test_bringing_in::test_only_a_regular_file_that_is_not_too_long_is_read",
    ),
    _importing(
        "a file that is too long is brought in",
        "    if len(data) > _MOST_BYTES:\n",
        "    if False:\n",
        "coord/test_bringing_in::test_only_a_regular_file_that_is_not_too_long_is_read",
    ),
    _importing(
        "a folder that is a link is followed",
        "        if os.path.islink(path):\n",
        "        if False:\n",
        "coord/test_bringing_in::test_a_link_is_followed_nowhere",
    ),
    _importing(
        "a link is followed",
        ("        if link:\n            reason"),
        ("        if False:\n            reason"),
        "coord/test_bringing_in::test_a_link_is_followed_nowhere",
    ),
    _importing(
        "what a journal would not give back is brought in",
        "        seal_lines([event], NO_HASH)\n",
        "        pass\n",
        "coord/test_bringing_in::test_what_a_journal_would_not_give_back_as_it_is_is_not_written",
    ),
    _importing(
        "two files of one instant have one time",
        "max(said.at, later(at, micros=1)) if at else said.at",
        "said.at",
        "coord/test_bringing_in::test_what_is_of_one_instant_follows_each_other_and_what_is_still_to_come_is_left",
    ),
    _importing(
        "an import is not synced",
        ("            writer.sync()\n        finally:"),
        ("            pass\n        finally:"),
        "coord/test_bringing_in::test_an_import_is_durable_before_it_says_so",
    ),
    _importing(
        "an earlier import that cannot be read is overlooked",
        "            except (OSError, LogError) as error:\n",
        ("            except (OSError, LogError) as error:\n                continue\n"),
        "coord/test_bringing_in::test_where_it_cannot_be_told_what_was_brought_in_nothing_is",
    ),
    _recovery(
        "a key that stands twice is JSON",
        "        if len(found) != len(items):\n",
        "        if False:\n",
        "coord/test_bringing_in::test_json_in_which_a_key_stands_twice_is_not_taken_for_what_it_says",
    ),
    _text(
        "controls are obeyed",
        "        shown = re.sub(_OBEYED, lambda found: ascii(found[0])[1:-1], text)\n",
        "        shown = text\n",
        "coord/test_text::test_what_a_terminal_would_obey_or_hide_is_shown",
    ),
    _text(
        "C1 controls are obeyed",
        '"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad',
        '"[\\x00-\\x08\\x0b-\\x1f\\x7f\\xad',
        "coord/test_text::test_what_a_terminal_would_obey_or_hide_is_shown",
    ),
    _text(
        "bidirectional controls are obeyed",
        "\\u2028-\\u202e",
        "\\u2028-\\u2029",
        "coord/test_text::test_what_a_terminal_would_obey_or_hide_is_shown",
    ),
    _text(
        "tag characters are hidden",
        "\\U000e0000-\\U000e007f]",
        "]",
        "coord/test_text::test_what_a_terminal_would_obey_or_hide_is_shown",
    ),
    _text(
        "markup is obeyed on the board",
        're.sub(_MARKUP, r"\\\\\\1", shown)',
        "shown",
        "coord/test_text::test_in_markdown_nothing_is_markup",
    ),
    _text(
        "HTML is obeyed on the board",
        '    return escaped.replace("<", "&lt;").replace(">", "&gt;")',
        "    return escaped",
        "coord/test_text::test_in_markdown_nothing_is_markup",
    ),
    _text(
        "entities are obeyed on the board",
        're.sub(_ENTITY, "&amp;", re.sub(_MARKUP, r"\\\\\\1", shown))',
        're.sub(_MARKUP, r"\\\\\\1", shown)',
        "coord/test_text::test_in_markdown_nothing_is_markup",
    ),
    _text(
        "a line break in a line",
        're.sub(r"\\s*\\n\\s*", " ⏎ ", text.replace("\\t", " "))',
        "text",
        "coord/test_text::test_a_line_is_one_and_is_cut_where_it_is_too_long",
    ),
    _text(
        "text is not cut",
        'if not limit or len(shown) <= limit else shown[: limit - 1] + "…"',
        "",
        "coord/test_text::test_a_line_is_one_and_is_cut_where_it_is_too_long",
    ),
    _words(
        "evidence that others wrote is obeyed",
        (
            "def _presumed_dead(payload: SessionPresumedDead, names: Names) -> str:\n"
            '    return f"presumes {called(payload.session, names)} dead: {line(payload.evidence, 200)}"'
        ),
        (
            "def _presumed_dead(payload: SessionPresumedDead, names: Names) -> str:\n"
            '    return f"presumes {called(payload.session, names)} dead: {payload.evidence}"'
        ),
        "coord/test_words::test_nothing_that_others_wrote_is_obeyed",
    ),
    _views(
        "of the past the processes of today tell",
        ("    if present.at:\n        return {}\n"),
        "",
        "coord/test_death::test_of_a_past_moment_no_process_tells_anything",
    ),
)
