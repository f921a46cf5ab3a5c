"""Programs of the system, and files that survive a pulled plug."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMMAND_S = 120.0


class Refused(Exception):
    """Nothing was changed, or what was changed was taken back; the text says why and what to do."""

    exit_code = 1


class Busy(Refused):
    """A patient listens."""

    exit_code = 75  # EX_TEMPFAIL: try again later


def run(*words: str | Path, seconds: float = COMMAND_S, check: bool = True
        ) -> subprocess.CompletedProcess[str]:
    """Run a program and return how it ended.

    Raises:
        Refused: it failed and `check` is set, or it did not end in time.
    """
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                              timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{words[0]} did not end within {seconds:g} s") from error
    if check and done.returncode:
        raise Refused((done.stderr.strip() or done.stdout.strip() or f"{words[0]} failed")[-2000:])
    return done


def flush(path: Path) -> None:
    """Bring a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: Path, data: bytes, mode: int = 0o644, group: int = 0) -> None:
    """Replace a file in one step that survives a power cut: the old or the new one, whole."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), 0, group)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    flush(path.parent)


def point(link: Path, target: str) -> None:
    """Make a link name another target in one step that survives a power cut."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    flush(link.parent)


def remove(path: Path) -> None:
    """Remove a file and bring that to the disk; its absence is fine."""
    path.unlink(missing_ok=True)
    flush(path.parent)
