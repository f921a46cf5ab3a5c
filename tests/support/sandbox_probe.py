"""Runs inside a service's sandbox, with its user and its rights, and tells what it was able to do as JSON.

Needs nothing but Python: it runs under Debian's own as well, without a sandbox, to show what it can do there.
Arguments: the broker's address, its port, another port, and the process id of somebody else.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

WRITABLE = (
    "/etc", "/usr", "/opt/tranquillo", "/opt/tranquillo/current", "/var", "/var/lib", "/var/lib/tranquillo",
    "/var/lib/tranquillo/conductor", "/var/lib/tranquillo/telemetry", "/var/log", "/root", "/home", "/boot",
    "/run", "/run/tranquillo", "/run/systemd", "/tmp", "/var/tmp", "/dev/shm",  # noqa: S108 - looked at, not used
)
READABLE = (
    "/etc/tranquillo/tranquillo.toml", "/etc/tranquillo/pki/unit.key", "/etc/tranquillo/pki/outcome.key",
    "/etc/tranquillo/pki/unit.crt", "/var/lib/tranquillo/telemetry/outbox.sqlite", "/etc/shadow",
    "/root/.ssh/authorized_keys", "/proc/1/environ",
)
LISTED = ("/var/lib/tranquillo/conductor", "/var/lib/tranquillo/telemetry", "/root", "/home")
NULL_DEVICE = os.makedev(1, 3)
CLONE_NEWUSER = 0x10000000


def attempt(work: Callable[[], object]) -> str:
    """Return `ok`, or the name of what stopped it."""
    try:
        work()
    except OSError as error:
        return type(error).__name__
    return "ok"


def write(folder: str) -> None:
    """Make a file and remove it."""
    handle, path = tempfile.mkstemp(dir=folder)
    os.close(handle)
    Path(path).unlink()


def connect(address: str, port: int) -> None:
    """Connect by TCP."""
    socket.create_connection((address, port), timeout=3).close()


def interfaces() -> list[str]:
    """Return the names of the network interfaces; none where even the question is refused."""
    try:
        return [name for _, name in socket.if_nameindex()]
    except OSError:
        return []


def make_device() -> None:
    """Make a device node in the private /tmp."""
    path = Path(tempfile.gettempdir(), "null")
    os.mknod(path, 0o600 | 0o020000, NULL_DEVICE)
    path.unlink()


def unshare() -> None:
    """Make a user namespace, from which the kernel's rarely used parts can be reached."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")


def write_and_execute() -> None:
    """Map memory that can be written and executed."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def become_real_time() -> None:
    """Ask for a real-time priority."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def status() -> dict[str, str]:
    """Return what the kernel says of this process's rights."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: value.strip() for name, value in pairs
            if name in {"CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"}}


def main() -> None:
    """Try everything."""
    address, port, other, somebody = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    json.dump({
        "uid": os.getuid(),
        "connect": {"broker": attempt(lambda: connect(address, port)),
                    "other": attempt(lambda: connect(address, other))},
        "inet_socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
        "packet_socket": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
        "interfaces": interfaces(),
        "write": {folder: attempt(lambda folder=folder: write(folder)) for folder in WRITABLE},
        "read": {path: attempt(lambda path=path: Path(path).read_bytes()) for path in READABLE},
        "list": {path: attempt(lambda path=path: list(Path(path).iterdir())) for path in LISTED},
        "signal": attempt(lambda: os.kill(somebody, 0)),
        "sees": Path(f"/proc/{somebody}").exists(),
        "device": attempt(make_device),
        "unshare": attempt(unshare),
        "write_and_execute": attempt(write_and_execute),
        "real_time": attempt(become_real_time),
        "root_again": attempt(lambda: os.setuid(0)),
        "policy": os.sched_getscheduler(0),
        "status": status(),
    }, sys.stdout)


if __name__ == "__main__":
    main()
