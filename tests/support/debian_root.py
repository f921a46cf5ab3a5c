"""A minimal Debian 12 as a folder: made once by mmdebstrap, kept under the hash of what is in it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE = "bookworm"
BASE = ("systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "iproute2", "ca-certificates")
MAKE_S = 300.0


def cache_folder() -> Path:
    """Return where what is slow to make is kept between runs; outside the checkout, safe to delete."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "tranquillo-system"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_run() -> Path:
    """Return a new folder for one run's machines; what runs that were killed have left is removed."""
    for left in cache_folder().glob("run-*"):
        with contextlib.suppress(OSError), (left / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
    return Path(tempfile.mkdtemp(prefix="run-", dir=cache_folder()))


def debian_root(extra: tuple[str, ...] = ()) -> Path:
    """Return a folder with Debian's minimal system, systemd, sshd and these packages; never write to it."""
    packages = tuple(sorted({*BASE, *extra}))
    name = hashlib.sha256(" ".join((SUITE, *packages)).encode()).hexdigest()[:16]
    folder = cache_folder() / f"root-{name}"
    with (cache_folder() / f"root-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(folder, packages)
    return folder


def _make(folder: Path, packages: tuple[str, ...]) -> None:
    """Run mmdebstrap; the folder appears whole or not at all."""
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(packages)}",
               SUITE, str(fresh)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAKE_S)
    assert done.returncode == 0, f"mmdebstrap failed:\n{done.stderr[-2000:]}"
    fresh.rename(folder)
