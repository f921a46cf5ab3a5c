"""What the checks look at: the configuration, the machine's files, its programs, its parts and the bus."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from device.clock import Clock
from device.config import Settings
from device.doctor.heard import Heard
from drivers.open import Parts

PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Answer(NamedTuple):
    """What a program said on standard output, and its exit code."""

    text: str
    code: int


Unit = Mapping[str, str]  # properties of a systemd unit, systemctl(1)
Ask = Callable[[tuple[str, ...], float], Answer | None]


class Scene(NamedTuple):
    """One look at a unit.

    Attributes:
        settings: its configuration.
        root: where /proc, /sys and /etc are found; another folder than / in tests.
        clock: paces what is measured.
        heard: what the services said on the bus just now.
        parts: opens the parts that no service holds.
        ask: runs a program of the system for at most so many seconds; None when it cannot be had.
        units: what systemd says of each service's unit, by service; empty where it does not run.
    """

    settings: Settings
    root: Path
    clock: Clock
    heard: Heard
    parts: Parts
    ask: Ask
    units: Mapping[str, Unit] = MappingProxyType({})

    def close(self) -> None:
        """Release what the parts share."""
        self.parts.close()

    @property
    def run_dir(self) -> Path:
        """Return the folder of sockets and locks."""
        return Path(self.settings.run_dir)

    def path(self, absolute: str | Path) -> Path:
        """Return where a path of the unit is found."""
        return self.root / str(absolute).lstrip("/")

    def text(self, absolute: str | Path) -> str | None:
        """Return a small file's text without its last newline, None when it cannot be read."""
        try:
            return self.path(absolute).read_text(encoding="utf-8", errors="replace").rstrip("\n\0")
        except OSError:
            return None

    def number(self, absolute: str | Path, base: int = 10) -> int | None:
        """Return the first word of a small file as a whole number, None when there is none."""
        words = (self.text(absolute) or "").split()
        try:
            return int(words[0], base) if words else None
        except ValueError:
            return None


def ask_system(words: tuple[str, ...], timeout_s: float) -> Answer | None:
    """Run a program of the system without input, in English; None when absent or not done in time."""
    program = shutil.which(words[0], path=PROGRAM_PATH)
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, never a shell
            [program, *words[1:]], capture_output=True, timeout=timeout_s, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C", "PATH": PROGRAM_PATH})
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Answer(done.stdout.decode("utf-8", "replace"), done.returncode)
