"""The folder of releases, and what is in force."""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from system import Refused, point, remove

NAME = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$")


def installed_ns(release: Path) -> int:
    """Return when a release was completed."""
    return (release / "manifest.json").stat().st_mtime_ns


class Releases:
    """The folder of releases and what is in force.

    Args:
        root: `/opt/tranquillo`.
        units: `/etc/systemd/system`.
    """

    def __init__(self, root: Path, units: Path) -> None:
        self.root = root
        self.units = units
        self.folder = root / "releases"
        self.pending = root / "pending"

    def path(self, name: str) -> Path:
        """Return a complete release's folder.

        Raises:
            Refused: there is none of this name.
        """
        folder = self.folder / name
        if not NAME.match(name) or not (folder / "manifest.json").is_file():
            raise Refused(f"no release {name!r} on this unit; there are: {', '.join(self.names()) or 'none'}")
        return folder

    def names(self) -> list[str]:
        """Return the complete releases, the oldest installation first."""
        found = [path.parent for path in self.folder.glob("*/manifest.json")]
        return [path.name for path in sorted(found, key=installed_ns)]

    def linked(self, name: str) -> str:
        """Return which release `current` or `former` names; empty without."""
        try:
            target = Path((self.root / name).readlink())
        except OSError:
            return ""
        return target.name if (self.folder / target.name / "manifest.json").is_file() else ""

    def switch(self, name: str) -> None:
        """Put a release in force; the services still run what they ran."""
        point(self.root / "current", f"releases/{name}")

    def configuration(self, name: str) -> Path:
        """Return the file that a release runs with; absent until it was activated once."""
        return self.folder / name / "tranquillo.toml"

    def trial(self) -> dict[str, Any] | None:
        """Return what `pending` says; None when nothing is under trial."""
        try:
            said = json.loads(self.pending.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return said if isinstance(said, dict) else None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run of this tool out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Refused("another tranquillo-release runs on this unit; wait for it") from error
            yield


def prune(releases: Releases, keep: int) -> str:
    """Remove all but the newest releases; never the one in force nor the one before it."""
    under_trial = releases.trial() or {}
    spared = {releases.linked("current"), releases.linked("former"), under_trial.get("former", "")}
    names = releases.names()
    gone = [name for name in names[: max(0, len(names) - keep)] if name not in spared]
    for name in gone:
        remove(releases.folder / name / "manifest.json")  # from here on it is no release
        shutil.rmtree(releases.folder / name)
    return f"removed {', '.join(gone)}" if gone else ""
