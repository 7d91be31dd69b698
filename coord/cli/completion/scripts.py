"""The completion scripts of bash, zsh and fish. Each asks `coord` at every Tab, and inserts only what it can quote.

If the answer is empty, the shell completes files.
"""

_BASH = r"""# Completion of coord in bash. To load it: eval "$(coord completion bash)"
_coord_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == */ ]] && type compopt &>/dev/null && compopt -o nospace
        COMPREPLY+=("$line")
    done < <(_COORD_COMPLETE=bash_line command coord -- "${COMP_LINE:0:$COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nosort -o bashdefault -o default -F _coord_completion coord 2>/dev/null ||
    complete -o bashdefault -o default -F _coord_completion coord
"""

_ZSH = r"""#compdef coord
# Completion of coord in zsh. To load it: source <(coord completion zsh)
_coord() {
    local answer value
    local -a values shown folders
    for answer in "${(@f)$(_COORD_COMPLETE=zsh_words command coord -- \
            "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        value=${answer%%$'\t'*}
        if [[ $value == */ ]]; then
            folders+=("$value")
        elif [[ -n $value ]]; then
            values+=("$value")
            shown+=("$value${${answer#*$'\t'}:+  -- ${answer#*$'\t'}}")
        fi
    done
    if (( ! $#values && ! $#folders )); then
        _files
        return
    fi
    (( $#values )) && compadd -V coord -l -d shown -a -- values
    (( $#folders )) && compadd -V coord-folders -S '' -a -- folders
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _coord "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _coord coord
fi
"""

_FISH = r"""# Completion of coord in fish. To load it: coord completion fish | source
function __coord_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines (env _COORD_COMPLETE=fish_words coord -- $words "$current" 2>/dev/null)
    if test (count $lines) -eq 0
        __fish_complete_path "$current"
    else
        printf '%s\n' $lines
    end
end
complete -c coord -e
complete -c coord -f -k -a '(__coord_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""The script of each shell."""
