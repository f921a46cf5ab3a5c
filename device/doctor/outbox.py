"""How much waits in the telemetry outbox, read beside its one writer and without leaving a trace."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

BUSY_S = 0.3
_WAITING = ("SELECT (SELECT count(*) FROM fleet WHERE sent = 0), "
            "(SELECT count(*) FROM outcomes WHERE sent = 0)")


class Depth(NamedTuple):
    """Letters that the broker has not had, in each stream."""

    fleet: int
    outcomes: int


def outbox_path(state_dir: str) -> Path:
    """Return where the telemetry service keeps its outbox."""
    return Path(state_dir) / "telemetry" / "outbox.sqlite"


def read_depth(path: Path) -> Depth | None:
    """Return what waits; None when the file is absent, damaged, or not for this user.

    Without a write-ahead log nobody has the file open, and it is read as it lies: a reader in WAL mode
    would make files of its own beside it.
    """
    lies_still = not Path(f"{path}-wal").exists()
    address = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if lies_still else ''}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as database:
            fleet, outcomes = database.execute(_WAITING).fetchone()
    except sqlite3.Error:
        return None
    return Depth(int(fleet), int(outcomes))
