#!/bin/sh
# Show all sessions and claims: session-status.sh
command -v coord >/dev/null || { echo "coord is not installed, or not on PATH: see COORDINATION/QUICK_START.md" >&2; exit 127; }
exec coord status "$@"
