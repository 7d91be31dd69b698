"""Mutants of who acts, of processes and machines, of the shared folder, and of waiting."""

from tests.mutants.mutant import Mutant, in_file

_identity = in_file("coord/identity.py", "tests")
_names = in_file("coord/names.py", "tests")
_anchors = in_file("coord/anchors.py", "tests")
_processes = in_file("coord/processes.py", "tests")
_world = in_file("coord/world.py", "tests")
_folder = in_file("coord/folder.py", "tests")
_waiting = in_file("coord/waiting.py", "tests")
_machine = in_file("coord/machine.py", "tests")
_repository = in_file("coord/repository.py", "tests")

MUTANTS: tuple[Mutant, ...] = (
    _identity(
        "an ended session is named and acts",
        '    if session.status in ("ended", "imported"):',
        '    if session.status == "imported":',
        "coord/test_transaction::test_a_conversation_whose_session_ended_begins_again_and_any_other_does_not",
    ),
    _identity(
        "one acts as a session that was imported",
        '    if session.status in ("ended", "imported"):',
        '    if session.status == "ended":',
        "coord/test_import::test_an_imported_session_is_never_live",
    ),
    _identity(
        "a session that is over is found by its shell",
        "        if session.live and session.anchor:\n",
        "        if session.anchor:\n",
        "coord/test_transaction::test_a_conversation_whose_session_ended_begins_again_and_any_other_does_not",
    ),
    _identity(
        "the walk goes on above a client",
        ("        if client_of(process):\n            return None\n"),
        "",
        "coord/test_identity_clients::test_a_clients_process_is_the_anchor_and_the_walk_stops_there",
    ),
    _identity(
        "of two sessions on one shell the first acts",
        (
            "            sessions = [s for s in sessions if not s.client_session] or sessions\n"
            "        if len(sessions) > 1:\n"
        ),
        ("            sessions = [s for s in sessions if not s.client_session] or sessions\n        if False:\n"),
        "coord/test_identity_sources::test_two_sessions_on_one_shell_are_an_error_that_lists_both",
    ),
    _identity(
        "a conversation on a shell makes the shell's own session ambiguous",
        "            sessions = [s for s in sessions if not s.client_session] or sessions\n",
        "            pass\n",
        "coord/test_identity_clients::test_two_conversations_in_one_shell_are_two_sessions_and_the_shell_a_third",
    ),
    _identity(
        "of two clients' variables the first counts",
        ("    if len(candidates) < 2:\n        return candidates[0] if candidates else None\n"),
        ("    if candidates:\n        return candidates[0]\n    return None\n"),
        "coord/test_identity_clients::test_of_several_clients_the_nearest_ancestor_decides",
    ),
    _identity(
        "a --session that names nobody falls through",
        ('    if explicit:\n        return _named(state, explicit, "--session")\n'),
        ('    if explicit in state.sessions:\n        return _named(state, explicit, "--session")\n'),
        "coord/test_identity_sources::test_a_source_that_names_nobody_is_an_error_that_lists_the_live_ones",
    ),
    _identity(
        "a COORD_SESSION that names nobody falls through",
        '    if wanted := world.env.get("COORD_SESSION", ""):\n',
        '    if (wanted := world.env.get("COORD_SESSION", "")) in state.sessions:\n',
        "coord/test_identity_sources::test_a_source_that_names_nobody_is_an_error_that_lists_the_live_ones",
    ),
    _names(
        "of several that a beginning means the first is taken",
        "ids = sorted({state.follow(name) for name in found})",
        "ids = sorted(found)[:1]",
        "coord/test_identity_sources::test_a_prefix_of_several_is_refused_and_names_them",
    ),
    _names(
        "an imported conversation is found",
        ' in wanted and session.status != "imported":',
        " in wanted:",
        "coord/test_identity_going_on::test_an_imported_conversation_is_nobodys",
    ),
    _anchors(
        "a client's process is no anchor",
        ("    if found := nearest_client(above):\n        return found[1]\n"),
        "",
        "coord/test_anchors::test_the_anchor_is",
    ),
    _anchors(
        "a multiplexer is an anchor",
        ("        if process.command in _NEVER:\n            continue\n"),
        "",
        "coord/test_anchors::test_the_anchor_is",
    ),
    _anchors(
        "a script is an anchor",
        "if _is_shell(process) and (leads or not runs_script(process)):",
        "if _is_shell(process):",
        "coord/test_anchors::test_the_anchor_is",
    ),
    _anchors(
        "init is an anchor",
        "        if leads and process.pid != 1:\n",
        "        if leads:\n",
        "coord/test_anchors::test_the_anchor_is",
    ),
    _anchors(
        "sudo is an anchor",
        "if together and together[-1].command in _WRAPPERS:",
        "if False:",
        "coord/test_anchors::test_the_anchor_is",
    ),
    _anchors(
        "an anchor of a boot that nobody knows",
        ("    if not here.boot:\n        return None\n"),
        "",
        "coord/test_anchors::test_a_process_of_a_boot_that_nobody_knows_is_no_anchor",
    ),
    _anchors(
        "an anchor without its start time",
        "return Anchor(here.machine, here.boot, process.pid, process.start_ticks, here.pid_namespace)",
        "return Anchor(here.machine, here.boot, process.pid, 0, here.pid_namespace)",
        "coord/test_anchors::test_a_process_of_a_boot_that_nobody_knows_is_no_anchor",
    ),
    _processes(
        "a zombie lives",
        'return "zombie" if state in "ZX" else start_ticks',
        "return start_ticks",
        "coord/test_processes::test_a_process_that_ended_is_a_zombie_and_then_free",
    ),
    _processes(
        "a process that may not be looked at is gone",
        'return "unknown" if exists(pid) else "free"',
        'return "free"',
        "coord/test_processes::test_a_process_that_may_not_be_looked_at_is_not_gone",
    ),
    _processes(
        "a free pid is never free",
        ("    except ProcessLookupError:\n        return False\n"),
        ("    except ProcessLookupError:\n        return True\n"),
        "coord/test_processes::test_a_process_that_ended_is_a_zombie_and_then_free",
    ),
    _machine(
        "a name with a parenthesis is cut",
        'text.rfind(b")")',
        'text.find(b")")',
        "coord/test_processes::test_a_name_with_blanks_and_parentheses_is_read_whole",
    ),
    _machine(
        "without a namespace a pid is trusted",
        '            boot = ""  # without',
        "            pass  # without",
        "coord/test_anchors::test_where_the_pid_namespace_cannot_be_told_no_process_is_known_again",
    ),
    _machine(
        "a machine that was copied is the same machine",
        '        secret = f"{raw}\\n{os.uname().nodename}"',
        "        secret = raw",
        "coord/test_identity_going_on::test_a_copy_of_a_machine_by_another_name_is_another_machine",
    ),
    _folder(
        "links lead out of the folder",
        ("        if os.path.islink(path):\n            raise no_log("),
        ("        if False:\n            raise no_log("),
        "faults/test_security::test_a_folder_that_is_a_link_is_refused_in_words",
    ),
    _folder(
        "log/ended may be a link",
        '(os.path.join(folder, name) for name in ("log", os.path.join("log", "ended"), "scripts"))',
        '(os.path.join(folder, name) for name in ("log", "scripts"))',
        "faults/test_security::test_a_folder_that_is_a_link_is_refused_in_words",
    ),
    _repository(
        "outside the repository a folder is found too",
        "        if repository and folder == repository.main:\n            return\n",
        "",
        "coord/test_folder::test_inside_a_repository_nothing_outside_it_counts_and_elsewhere_the_nearest_upwards",
    ),
    _repository(
        "a folder whose name begins like the repository's is inside it",
        "if path == folder or path.startswith(folder.rstrip(os.sep) + os.sep):",
        "if path.startswith(folder):",
        "coord/test_folder::test_a_folder_whose_name_begins_like_the_repositorys_is_outside_it",
    ),
    _repository(
        "a file of another repository is one of ours",
        "        if other and other.common == repository.common:\n",
        "        if other:\n",
        "coord/test_folder::test_a_file_of_another_repository_is_outside_and_one_of_another_worktree_is_the_same",
    ),
    _waiting(
        "a wait does not end by a signal",
        ("        if caught:\n            raise Interrupted(caught[0])\n"),
        "",
        "coord/test_wait_for::test_a_signal_that_comes_while_it_looks_ends_the_wait_without_a_pause",
    ),
    _waiting(
        "a signal that came before the pause is waited out",
        ("        if not caught:\n            pause("),
        ("        if True:\n            pause("),
        "coord/test_wait_for::test_a_signal_that_comes_while_it_looks_ends_the_wait_without_a_pause",
    ),
    _waiting(
        "the next known instant is not awaited",
        "min(LOOK_EVERY_S, max(0.001, seconds_between(wall(), due)))",
        "LOOK_EVERY_S",
        "coord/test_wait_for::test_it_pauses_until_the_answer_may_change",
    ),
    _waiting(
        "signals stay caught after a wait",
        ("        for number, handler in before.items():\n            signal.signal(number, handler)\n"),
        "        pass\n",
        "coord/test_wait_for::test_signals_are_caught_for_as_long_as_one_waits",
    ),
)
