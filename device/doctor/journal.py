"""The services' log: which words of journalctl show it."""

from __future__ import annotations

import shutil
from pathlib import Path

from device.doctor.scene import PROGRAM_PATH
from device.errors import TranquilloError

BOOTED = "/run/systemd/system"  # there while systemd runs the machine, sd_booted(3)


class NoJournal(TranquilloError, RuntimeError):
    """This machine has no journal that could be shown."""


def journal_words(service: str, *, since: str = "", follow: bool = False, lines: int = 0) -> tuple[str, ...]:
    """Return the words of journalctl for one service, or for all of the unit.

    Args:
        service: the name of one, or empty for all.
        since: as journalctl takes it, such as `-1h` or `today`; empty: from the first line on.
        follow: go on as lines arrive.
        lines: the newest so many; 0 is all.
    """
    units = [f"tranquillo-{service}.service"] if service else ["tranquillo*"]
    return ("journalctl", "--no-pager", "--quiet", "--output=short-iso", "--no-hostname",
            *(f"--unit={unit}" for unit in units), *([f"--since={since}"] if since else []),
            *(["--follow"] if follow else []), *([f"--lines={lines}"] if lines else []))


def find_journalctl() -> str:
    """Return journalctl's path.

    Raises:
        NoJournal: systemd does not run this machine, or journalctl is not installed.
    """
    found = shutil.which("journalctl", path=PROGRAM_PATH)
    if found is None or not Path(BOOTED).is_dir():
        raise NoJournal("systemd does not run this machine, so there is no journal; at a desk the logs are "
                        "on the terminal of `tranquillo up`, and under out/logs after `tranquillo run`")
    return found
