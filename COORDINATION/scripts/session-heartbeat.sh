#!/bin/sh
# Report what you are doing: session-heartbeat.sh [action] [target] [phase] [progress%] [next_action]
command -v coord >/dev/null || { echo "coord is not installed, or not on PATH: see COORDINATION/QUICK_START.md" >&2; exit 127; }
exec coord heartbeat "$@"
