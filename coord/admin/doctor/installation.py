"""What can be wrong with an installation: no folder, settings that cannot be understood, scripts, and a `coord` that
agents do not find.

An agent's commands run in shells that read no interactive file. What those would find is told from the PATH that we
have and from the text of the files that set it: none of them is run here. (A login shell is asked itself where a client
is known to take one: see `clients`.)
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
    """Nothing is initialised."""
    if subject.workspace is None:
        steps = (
            RepairStep("go to the repository, or name it", "coord doctor --root FOLDER"),
            RepairStep("set it up, once per repository", "coord init"),
        )
        yield DoctorFinding("serious", f"there is no {FOLDER}/ here", subject.missing, steps)


def unreadable_config(subject: Subject) -> Iterator[DoctorFinding]:
    """Settings that cannot be understood: no command that acts works then."""
    if subject.config_error:
        path = subject.path(CONFIG)
        steps = (
            RepairStep("look at it and correct it; for a line that is absent its default holds", f"cat {path}"),
            RepairStep("or put it aside for the defaults", f"mv {path} {path}.orig"),
        )
        yield DoctorFinding(
            "serious", f"{CONFIG} cannot be understood, so nothing can be recorded", subject.config_error, steps
        )


def scripts(subject: Subject) -> Iterator[DoctorFinding]:
    """The scripts that agents call by their old names."""
    missing, stuck, other = [], [], []
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
            stuck.append(file.name)
        if differs:
            other.append(file.name)
    if missing:
        do = RepairStep("put them back; nothing else is changed", "coord init")
        yield DoctorFinding(
            "warning", f"{plural(len(missing), 'script')} missing or not readable", _called(missing), (do,)
        )
    if stuck:
        do = RepairStep("let them be run", f"chmod +x {subject.path('scripts')}/*.sh")
        yield DoctorFinding("warning", f"{plural(len(stuck), 'script')} not executable", _called(stuck), (do,))
    if other:
        do = RepairStep("if nobody changed them on purpose, take ours; each is kept as NAME.orig", "coord init --force")
        evidence = f"{join_limited(other)}: changed by someone, or of another version"
        yield DoctorFinding("note", f"{plural(len(other), 'script')} not as this version ships them", evidence, (do,))


def _called(scripts: list[str]) -> str:
    return f"{join_limited(scripts)}: {'who calls it' if len(scripts) == 1 else 'who calls one of them'} gets an error"


def on_path(subject: Subject) -> Iterator[DoctorFinding]:
    """Whether an agent that types `coord` gets this one."""
    env, ours = subject.system.env, this_program()
    found = find_program(env)
    folder = os.path.dirname(found or ours)
    link = RepairStep("or put a link to it where most shells look", link_command(ours))
    if not found:
        steps: tuple[RepairStep, ...] = (
            RepairStep("in a clone of coord, install it as a tool, for all shells", "uv tool install ."),
            link,
            RepairStep(
                "or let this shell, and what it starts, find it", f'export PATH="{os.path.dirname(ours)}:$PATH"'
            ),
        )
        yield DoctorFinding(
            "warning", "agents and scripts do not find coord", f"{ours} is not on PATH: `coord` is nothing there", steps
        )
    elif os.path.realpath(found) != os.path.realpath(ours):
        steps = (
            RepairStep("see which there are", "type -a coord"),
            RepairStep("see what they are", f"{shell_quoted(found)} --version; {shell_quoted(ours)} --version"),
            RepairStep("remove the one that you do not want, or put the folder of the other first on PATH"),
        )
        evidence = f"PATH has {found}, which agents run; this is {ours}"
        yield DoctorFinding("warning", "another coord is found first", evidence, steps)
    elif reason := path_problem(folder, env.get("HOME", ""), _texts(env.get("HOME", ""))):
        steps = (RepairStep("in a clone of coord, install it as a tool, for all shells", "uv tool install ."), link)
        yield DoctorFinding("note", "an agent that is started elsewhere may not find coord", reason, steps)


def _texts(home: str) -> dict[str, str]:
    """The files that may set PATH, by name."""
    found: dict[str, str] = {}
    for name in (*_LOGIN_FILES, *_INTERACTIVE_FILES):
        try:
            with open(os.path.join(home or "/", name), encoding="utf-8", errors="replace") as file:
                found[name] = file.read(1 << 20)
        except OSError:
            continue
    return found


def path_problem(folder: str, home: str, texts: Mapping[str, str]) -> str:
    """Why a shell that is no terminal of ours may not find what is in `folder`, as far as one can tell; empty if it
    will. `texts` has the files that set PATH.
    """
    forms = [folder]
    if home and folder.startswith(home + os.sep):
        forms += [f"{short}{folder[len(home) :]}" for short in ("~", "$HOME", "${HOME}")]

    def named(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if any(form in texts.get(name, "") for form in forms)]

    if named(_LOGIN_FILES):
        return ""
    if interactive := named(_INTERACTIVE_FILES):
        return f"{folder} comes into PATH by ~/{interactive[0]}, which only terminals read"
    if is_virtual(folder):
        return f"{folder} is a virtual environment's, on PATH only where that is active"
    return ""


def is_virtual(folder: str) -> bool:
    """Whether a folder of programs is a virtual environment's."""
    return os.path.isfile(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))


def link_command(program: str) -> str:
    """The command that puts a link to a program where most shells look."""
    return f"mkdir -p ~/.local/bin && ln -s {shell_quoted(program)} ~/.local/bin/coord"


def python_version(_: Subject) -> Iterator[DoctorFinding]:
    """A Python that is too old."""
    if reason := too_old(sys.version_info[:2]):
        steps = (RepairStep("in a clone of coord, install it with a newer Python", "uv tool install --python 3.12 ."),)
        yield DoctorFinding("serious", "this Python is too old", reason, steps)


def too_old(version: tuple[int, int]) -> str:
    """Why a version of Python is too old, if it is."""
    if version >= _OLDEST_PYTHON:
        return ""
    return f"{version[0]}.{version[1]}; coord needs {_OLDEST_PYTHON[0]}.{_OLDEST_PYTHON[1]} or newer"
