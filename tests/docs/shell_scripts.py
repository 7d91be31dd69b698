"""Write a folder of the shell version into COORDINATION/, for the page on moving from the shell scripts:
`python -m tests.docs.shell_scripts`.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.shell_folders import Predecessor, local

BEGIN = datetime(2025, 11, 15, 17, 54, 11, tzinfo=UTC)


def leave(folder: Path) -> None:
    """Write the files of two sessions that worked for an hour, and one truncated file."""
    old = Predecessor(folder)

    def after(minutes: float) -> datetime:
        return BEGIN + timedelta(minutes=minutes)

    first, second = old.session(BEGIN), old.session(after(1))
    old.claim(after(2), first, "droplet", "church-guidance")
    old.heartbeat(after(5), first, "church-guidance", "25%")
    old.message(after(20), second, "consensus", "One template for all three?", "Email templates")
    specs = "my-droplet is ready for BUILD\n- next: the landing page\n- then: the intake form"
    old.message(after(31), first, "broadcast", specs, "SPECS complete")
    old.heartbeat(after(50), first, "church-guidance", "80%")
    old.raw(f"messages/broadcast/{local(after(55))}-{second}.json", b"")
    old.raw("sessions/REGISTRY.json", b'{"registry_version": "1.0", "sessions": []}\n')
    old.raw("scripts/session-start.sh", b"#!/bin/bash\n# Register this session\n")


if __name__ == "__main__":
    leave(Path("COORDINATION"))
