#!/bin/sh
# Claim work: session-claim.sh type name [hours, default 4]
command -v coord >/dev/null || { echo "coord is not installed, or not on PATH: see COORDINATION/QUICK_START.md" >&2; exit 127; }
exec coord claim "$@"
