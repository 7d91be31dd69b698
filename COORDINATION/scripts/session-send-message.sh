#!/bin/sh
# Send a message to others: session-send-message.sh broadcast|<session id> subject [message]
command -v coord >/dev/null || { echo "coord is not installed, or not on PATH: see COORDINATION/QUICK_START.md" >&2; exit 127; }
exec coord send "$@"
