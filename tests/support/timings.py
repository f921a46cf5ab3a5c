"""What a run of the system tests measured, in one file for docs/evidence.md."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "out" / "system.json"


def record(name: str, value: float) -> None:
    """Write one figure down; workers share the file."""
    PATH.parent.mkdir(exist_ok=True)
    with PATH.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        figures = json.loads(text) if text else {}
        figures[name] = round(value, 2)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(figures, indent=2, sort_keys=True) + "\n")


def forget() -> None:
    """Begin anew."""
    PATH.unlink(missing_ok=True)


def table() -> str:
    """Return everything written down, a line each."""
    if not PATH.exists():
        return ""
    figures = json.loads(PATH.read_text(encoding="utf-8"))
    return "\n".join(f"{name:<52}{value:>10}" for name, value in figures.items())
