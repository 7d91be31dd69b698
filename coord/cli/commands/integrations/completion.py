"""`coord completion`: print the script with which a shell completes command lines of coord."""

from coord.cli.completion.scripts import SCRIPTS
from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.console.output import print_text
from coord.render.format import line

_LOADING = {
    "bash": 'eval "$(coord completion bash)"',
    "zsh": "source <(coord completion zsh)",
    "fish": "coord completion fish | source",
}


@command("completion", acts=False)
@argument("shell", suggestions=tuple(SCRIPTS))
def completion(run: Run, shell: str) -> None:
    """Print the completion script for a SHELL: bash, zsh or fish.

    Put one of the last three lines into the shell's startup file: ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.
    Then Tab completes commands, options, resources, sessions and messages, and otherwise files.

    \b
    Examples:
      coord completion bash > ~/.local/share/bash-completion/completions/coord
      eval "$(coord completion bash)"
      source <(coord completion zsh)
      coord completion fish | source
    """
    if shell not in SCRIPTS:
        raise usage_error(f"'{line(shell, 40)}' is not a shell with completion. Choose one of {', '.join(SCRIPTS)}.")
    if run.json:
        run.say("", {"shell": shell, "load": _LOADING[shell], "script": SCRIPTS[shell]})
    else:
        print_text(SCRIPTS[shell])
