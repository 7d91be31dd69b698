"""Checks of an installation: the shared folder, its settings and scripts, Python, and whether agents find `coord`.

An agent's commands run in shells that do not read the startup files of interactive shells. What such a shell would find
is concluded from the present PATH and from the text of the startup files, which are not run. (Clients that run commands
in a login shell are checked in `clients`, by running one.)
"""

import os
import sys
from collections.abc import Iterator, Mapping

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited, shell_quoted
from coord.platform.executable import find_program, this_program
from coord.platform.git.repository import CONFIG, FOLDER
from coord.render.format import plural
from coord.workspace.template import template_files
from eventlog.local.files import read_regular

_LOGIN_FILES = (".profile", ".bash_profile", ".bash_login", ".zshenv", ".zprofile", "/etc/environment", "/etc/profile")
_INTERACTIVE_FILES = (".bashrc", ".zshrc", ".config/fish/config.fish")
_OLDEST_PYTHON = (3, 11)


def missing_folder(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a missing shared folder."""
    if subject.workspace is None:
        steps = (
            RepairStep("if a repository has one, change to it, or name it with --root", "coord doctor --root FOLDER"),
            RepairStep("otherwise create it, once per repository", "coord init"),
        )
        yield DoctorFinding("serious", f"there is no {FOLDER}/ here", subject.missing, steps)


def unreadable_config(subject: Subject) -> Iterator[DoctorFinding]:
    """Find settings that are invalid. Commands that write to the log fail then."""
    if subject.config_error:
        path = subject.path(CONFIG)
        steps = (
            RepairStep("correct it; a missing setting has its default", f"cat {path}"),
            RepairStep("or rename it, and use the defaults", f"mv {path} {path}.orig"),
        )
        what = f"the settings in {CONFIG} are invalid, so no command can write to the log"
        yield DoctorFinding("serious", what, subject.config_error, steps)


def scripts(subject: Subject) -> Iterator[DoctorFinding]:
    """Find scripts of the shared folder that are missing, not executable or changed."""
    missing, not_executable, changed = [], [], []
    for file in template_files():
        path = os.path.join(subject.folder.folder, file.name)
        if not file.name.startswith("scripts/"):
            continue
        try:
            differs = read_regular(path, 1 << 20) != file.content
        except OSError:
            missing.append(file.name)
            continue
        if not os.access(path, os.X_OK) or not os.stat(path).st_mode & 0o100:
            not_executable.append(file.name)
        if differs:
            changed.append(file.name)
    if missing:
        step = RepairStep("restore them; nothing else is changed", "coord init")
        what = f"{plural(len(missing), 'script')} missing or not readable"
        yield DoctorFinding("warning", what, _calls_fail(missing), (step,))
    if not_executable:
        step = RepairStep("make them executable", f"chmod +x {subject.path('scripts')}/*.sh")
        what = f"{plural(len(not_executable), 'script')} not executable"
        yield DoctorFinding("warning", what, _calls_fail(not_executable), (step,))
    if changed:
        step = RepairStep(
            "if nobody changed them on purpose, replace them; each old one is kept as NAME.orig", "coord init --force"
        )
        evidence = f"{join_limited(changed)}: someone changed them, or another version wrote them"
        what = f"{plural(len(changed), 'script')} different from those of this version"
        yield DoctorFinding("note", what, evidence, (step,))


def _calls_fail(scripts: list[str]) -> str:
    return f"{join_limited(scripts)}: agents that call {'it' if len(scripts) == 1 else 'one of them'} get an error"


def on_path(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a `coord` that agents do not find, or another one that they find first."""
    env, ours = subject.system.env, this_program()
    first = find_program(env)
    folder = os.path.dirname(first or ours)
    link = RepairStep("or add a link in a folder that most shells have on PATH", link_command(ours))
    if not first:
        steps: tuple[RepairStep, ...] = (
            RepairStep("in a clone of coord, install it for all shells", "uv tool install ."),
            link,
            RepairStep(
                "or add its folder to PATH, for this shell and what it starts",
                f'export PATH="{os.path.dirname(ours)}:$PATH"',
            ),
        )
        evidence = f"{ours} is not on PATH, so the command `coord` fails"
        yield DoctorFinding("warning", "agents and scripts do not find coord", evidence, steps)
    elif os.path.realpath(first) != os.path.realpath(ours):
        steps = (
            RepairStep("list all that are installed", "type -a coord"),
            RepairStep("see their versions", f"{shell_quoted(first)} --version; {shell_quoted(ours)} --version"),
            RepairStep("remove the one that you do not want, or put the folder of the other first on PATH"),
        )
        evidence = f"agents run {first}, which is first on PATH; this is {ours}"
        yield DoctorFinding("warning", "another coord is found first", evidence, steps)
    elif reason := path_problem(folder, env.get("HOME", ""), _startup_files(env.get("HOME", ""))):
        steps = (RepairStep("in a clone of coord, install it for all shells", "uv tool install ."), link)
        yield DoctorFinding("note", "an agent that is started elsewhere may not find coord", reason, steps)


def _startup_files(home: str) -> dict[str, str]:
    """Return the texts of the startup files that can set PATH, by name."""
    texts: dict[str, str] = {}
    for name in (*_LOGIN_FILES, *_INTERACTIVE_FILES):
        try:
            with open(os.path.join(home or "/", name), encoding="utf-8", errors="replace") as file:
                texts[name] = file.read(1 << 20)
        except OSError:
            continue
    return texts


def path_problem(folder: str, home: str, texts: Mapping[str, str]) -> str:
    """Return why a non-interactive shell may not find programs in `folder`; empty if nothing indicates that.

    `texts` has the startup files that can set PATH, by name.
    """
    forms = [folder]
    if home and folder.startswith(home + os.sep):
        forms += [f"{short}{folder[len(home) :]}" for short in ("~", "$HOME", "${HOME}")]

    def named(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if any(form in texts.get(name, "") for form in forms)]

    if named(_LOGIN_FILES):
        return ""
    if interactive := named(_INTERACTIVE_FILES):
        return f"{folder} is added to PATH by ~/{interactive[0]}, which only interactive shells read"
    if is_virtual(folder):
        return f"{folder} belongs to a virtual environment, so it is on PATH only while that is active"
    return ""


def is_virtual(folder: str) -> bool:
    """Return whether a folder of programs belongs to a virtual environment."""
    return os.path.isfile(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))


def link_command(program: str) -> str:
    """Return the shell command that links a program into a folder that most shells have on PATH."""
    return f"mkdir -p ~/.local/bin && ln -s {shell_quoted(program)} ~/.local/bin/coord"


def python_version(_: Subject) -> Iterator[DoctorFinding]:
    """Find a Python version that is too old."""
    if reason := too_old(sys.version_info[:2]):
        steps = (RepairStep("in a clone of coord, install it with a newer Python", "uv tool install --python 3.12 ."),)
        yield DoctorFinding("serious", "this Python is too old", reason, steps)


def too_old(version: tuple[int, int]) -> str:
    """Return why a version of Python is too old; empty if it is not."""
    if version >= _OLDEST_PYTHON:
        return ""
    return f"it is {version[0]}.{version[1]}; coord needs {_OLDEST_PYTHON[0]}.{_OLDEST_PYTHON[1]} or newer"
