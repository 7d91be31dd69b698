"""`coord remote`: join a remote, so that several machines share one history."""

import os
import stat
import sys

from coord.cli.commands.machines._exchange import exchanged_text, failed, opened, run_exchange
from coord.cli.parser import argument, command, option
from coord.engine.run import Run
from coord.engine.sync.exchange.status import read_status
from coord.engine.sync.record import JoinedRemote, join, joined_remote, kind_of, leave
from coord.errors import refused, usage_error
from coord.render.format import line
from eventlog.errors import LogError
from eventlog.remotes.remote import RemoteAway

_USAGE = "Write: coord remote add git [NAME], coord remote add nats://HOST:4222/STREAM, or coord remote add /FOLDER"


@command("remote", acts=False)
@argument("words", metavar="[ACTION] [REMOTE]", nargs=-1, suggestions=("show", "add", "remove"))
@option("--creds", metavar="FILE", help="For NATS: the file with the credentials. It must be outside the repository.")
@option("--yes", is_flag=True, help="Join the remote that config.toml names without asking.")
def remote(run: Run, words: tuple[str, ...], creds: str | None, yes: bool) -> None:
    """Join a remote, so that the sessions of several machines share one history.

    ACTION is show, add or remove. REMOTE is `git NAME` (a git remote of this repository, by default origin),
    `nats://HOST:4222/STREAM`, or the path of a shared folder. Without REMOTE, `add` joins the one that config.toml
    names, after asking.

    What is in the log is published, and what is there comes in. From then on, claims are agreed on with the other
    machines. In a shared folder they stay provisional.

    \b
    Examples:
      coord remote add git origin
      coord remote add nats://build.example:4222/team --creds ~/.config/coord/team.creds
      coord remote show
      coord remote remove
    """
    action, *rest = words or ("show",)
    if action == "show" and not rest:
        _show(run)
    elif action == "remove" and not rest:
        _remove(run)
    elif action == "add":
        _add(run, _wanted(run, rest, yes=yes), _checked_credentials(run, creds))
    else:
        raise usage_error(f"{' '.join(words)!r} is not a use of `coord remote`. {_USAGE}.")


def _wanted(run: Run, words: list[str], *, yes: bool) -> str:
    """Return the remote to join, as it is recorded. Raises CoordError (1 or 2)."""
    if not words:
        named = run.config.remote
        if not named:
            raise usage_error(f"the remote is missing, and config.toml names none. {_USAGE}.")
        _confirm(run, named, yes=yes)
        words = named.split(maxsplit=1) if named.startswith("git ") else [named]
    if words[0] == "git" and len(words) <= 2:
        url = f"git {words[1] if len(words) == 2 else 'origin'}"
    elif len(words) == 1:
        url = words[0] if "://" in words[0] else os.path.join(run.system.cwd, os.path.expanduser(words[0]))
        if "://" not in words[0] and not os.path.isdir(url):
            raise usage_error(f"there is no folder {line(url)}. {_USAGE}.")
    else:
        raise usage_error(f"too many words. {_USAGE}.")
    if "@" in url.partition("://")[2].partition("/")[0] and url.startswith("nats"):
        raise usage_error("a password does not belong into the address. Use --creds FILE, or COORD_NATS_PASSWORD.")
    kind_of(url)
    return url


def _confirm(run: Run, named: str, *, yes: bool) -> None:
    if yes:
        return
    if not run.system.has_terminal() or run.json:
        raise refused(
            f"config.toml names the remote {line(named)}. Everyone who can write to it can act as any session. "
            "Nothing was joined. To join it: coord remote add --yes"
        )
    sys.stderr.write(f"config.toml names the remote {line(named)}. Whoever can write to it can act as any session.\n")
    sys.stderr.write("Join it on this machine? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise refused("Nothing was joined.")


def _checked_credentials(run: Run, creds: str | None) -> str:
    """Return the path of the credentials. Raises CoordError (2) if others can read them."""
    if creds is None:
        return ""
    path = os.path.realpath(os.path.join(run.system.cwd, os.path.expanduser(creds)))
    try:
        status = os.stat(path)
    except OSError as error:
        raise usage_error(f"{line(path)} cannot be read: {error.strerror}. Nothing was joined.") from None
    if not stat.S_ISREG(status.st_mode):
        raise usage_error(f"{line(path)} is not a file. Nothing was joined.")
    if os.name == "posix" and status.st_mode & 0o077:
        raise usage_error(f"others can read {line(path)}. Nothing was joined. To correct this: chmod 600 {line(path)}")
    if os.path.commonpath([path, os.path.realpath(run.workspace.root)]) == os.path.realpath(run.workspace.root):
        raise usage_error(f"{line(path)} is in the repository. Keep it elsewhere, such as in ~/.config/coord/.")
    return path


def _add(run: Run, url: str, credentials: str) -> None:
    before = joined_remote(run.system, run.workspace)
    if before and before.url != url:
        raise refused(f"this folder has joined {line(before.url)}. To leave it first: coord remote remove")
    wanted = JoinedRemote(url, run.system.here.machine, run.workspace.recorded, credentials)
    with opened(run, wanted) as exchange:
        try:
            done = run_exchange(exchange)
        except (LogError, OSError) as error:
            raise failed(error, "Nothing was joined") from None
        agrees = exchange.remote.agrees
    join(run.system, run.workspace, url, credentials)
    _start_link(run)
    text = f"✅ Joined {line(url)}\n{exchanged_text(done)}"
    if not agrees:
        text += "\nA shared folder cannot compare and swap, so claims stay provisional there."
    run.say(text, {"remote": url, "agrees": agrees, **done.as_document()})


def _start_link(run: Run) -> None:
    from coord.engine.sync.link.start import ensure_link

    snapshot = run.read_state()
    if any(one.live and one.machine == run.system.here.machine for one in snapshot.state.sessions.values()):
        ensure_link(run.system, run.workspace)


def _show(run: Run) -> None:
    joined = joined_remote(run.system, run.workspace)
    if joined is None:
        named = run.config.remote
        hint = f" config.toml names {line(named)}; to join it: coord remote add" if named else ""
        run.say(f"No remote is joined on this machine.{hint}", {"remote": "", "named": named})
        return
    status = read_status(run.workspace)
    from coord.render.board.link import link_lines

    run.say(
        "\n".join([f"Joined {line(joined.url)}", *link_lines(status, {}, run.read_state().now)]),
        {"remote": joined.url, "credentials": joined.credentials, **status_document(status)},
    )


def status_document(status: object) -> dict[str, object]:
    """Return what is known of a remote as a JSON document."""
    import msgspec

    found = dict(msgspec.to_builtins(status))
    del found["sizes"]
    return found


def _remove(run: Run) -> None:
    joined = joined_remote(run.system, run.workspace)
    if joined is None:
        raise refused("no remote is joined on this machine.")
    try:
        from coord.engine.sync.link.start import stop_link

        stop_link(run.workspace)
    except RemoteAway:
        pass  # it does not run
    leave(run.workspace)
    text = f"✅ Left {line(joined.url)}. The journals of other machines stay in the log."
    run.say(text, {"remote": "", "left": joined.url})
