"""One table from a configured scheme (`linux:`, `sim:`) to an opened part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class Hardware(Protocol):
    """A source of the ecosystem's own bus objects."""


class Parts:
    """Opens parts by their configured names, on the hardware that the scheme stands for."""

    def __init__(self, providers: Mapping[str, Callable[[], Hardware]]) -> None:
        self._providers = providers


def default_parts(run_dir: Path) -> Parts:
    """Return the table of a real process: Linux devices, and the simulator's socket in `run_dir`."""
    raise NotImplementedError(run_dir)
