#!/bin/sh
# Release claimed work: session-release.sh type name
command -v coord >/dev/null || { echo "coord is not installed, or not on PATH: see COORDINATION/QUICK_START.md" >&2; exit 127; }
exec coord release "$@"
