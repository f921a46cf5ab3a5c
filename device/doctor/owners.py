"""Who holds a part now: its service, or nobody. A part is never opened a second time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from device.doctor.scene import Scene
from device.messages import Service

BUSY = frozenset({"active", "activating", "deactivating", "reloading"})  # of systemd's ActiveState


class Owner(StrEnum):
    """Who holds what belongs to a service."""

    SERVICE = "service"
    NOBODY = "nobody"
    UNKNOWN = "unknown"  # this user may not look


@contextlib.contextmanager
def borrowed(scene: Scene, service: Service) -> Iterator[Owner]:
    """Take a stopped service's place for a moment; one that runs, or is about to, keeps it.

    A service that is started meanwhile is told that another runs, and systemd tries again.
    """
    if scene.units.get(service, {}).get("ActiveState") in BUSY:
        yield Owner.SERVICE
        return
    with locked(Path(scene.settings.run_dir), service) as owner:
        yield owner


@contextlib.contextmanager
def locked(run_dir: Path, service: Service) -> Iterator[Owner]:
    """Hold the lock that a service's process holds while it runs, if nobody does."""
    try:
        lock = (run_dir / f"{service}.lock").open("rb")
    except FileNotFoundError:
        yield Owner.NOBODY  # it has not run since the machine started
        return
    except OSError:
        yield Owner.UNKNOWN
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Owner.SERVICE
            return
        yield Owner.NOBODY


def owner_of(run_dir: Path, service: Service) -> Owner:
    """Return who holds a service's parts at this moment."""
    with locked(run_dir, service) as owner:
        return owner
