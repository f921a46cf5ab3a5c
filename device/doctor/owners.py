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
    run_dir = Path(scene.settings.run_dir)
    if scene.units.get(service, {}).get("ActiveState") in BUSY:
        yield Owner.SERVICE if _may_look(run_dir, service) else Owner.UNKNOWN
        return
    with locked(run_dir, service) as owner:
        yield owner


def _may_look(run_dir: Path, service: Service) -> bool:
    """Tell whether this user may read a service's lock, and so hear it too; without touching the lock."""
    try:
        (run_dir / f"{service}.lock").open("rb").close()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


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
