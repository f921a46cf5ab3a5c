"""A guest under User-mode Linux: this machine's files, one disk of its own, killed like a power cut.

What the guest has not flushed to its disk when it is killed is lost, as on a card whose plug is pulled:
its page cache dies with it. What it has flushed stays in the disk's image.
"""

from __future__ import annotations

import json
import os
import selectors
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

# Root is this machine's, read-only; only the disk (ubda) keeps anything. Python as PID 1 never ends.
INIT = """#!/bin/sh
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs run /run && mount -t tmpfs tmp /tmp
ip link set lo up
e2fsck -f -p /dev/ubda >/tmp/fsck.log 2>&1
echo '{{"event": "fsck", "code": '$?'}}'
mount -t ext4 -o {options} /dev/ubda /mnt
cd {repository} && exec {program}
"""
LINUX = "linux.uml"
MEMORY = "1024M"
DISK_BYTES = 48 * 1024 * 1024


def make_disk(path: Path) -> None:
    """Make an empty ext4 image."""
    with path.open("wb") as image:
        image.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True, timeout=60)


class Guest:
    """One boot. Its program talks in lines of JSON with an `event` each.

    Args:
        folder: for the init script and the log.
        disk: an ext4 image, the only thing that outlives the boot.
        program: what runs as PID 1, found on this machine.
        repository: its working directory.
        options: of the mount of the disk at /mnt.
    """

    def __init__(self, folder: Path, disk: Path, program: list[str], repository: Path,
                 options: str = "noatime") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / "init"
        script.write_text(INIT.format(
            options=options, repository=shlex.quote(str(repository)), program=shlex.join(program)),
            encoding="utf-8")
        script.chmod(0o755)
        self.events: list[dict[str, Any]] = []
        self._log = folder / "console.log"
        self._rest = b""
        self._read_events = 0
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", LINUX, f"mem={MEMORY}", "root=/dev/root", "rootfstype=hostfs",
             "rootflags=/", "ro", f"ubd0={disk}", f"init={script}", f"uml_dir={folder}/", "quiet",
             "con=null", "con0=fd:0,fd:1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)

    def until(self, seconds: float, *events: str) -> dict[str, Any]:
        """Return the next event of any of these names; those before it count as read."""
        deadline = time.monotonic() + seconds
        while True:
            while self._read_events < len(self.events):
                self._read_events += 1
                if (found := self.events[self._read_events - 1])["event"] in events:
                    return found
            left = deadline - time.monotonic()
            assert left > 0, f"no event of {events} within {seconds:g} s; the guest said:\n{self.log()}"
            self._read(left)

    def listen(self, seconds: float) -> None:
        """Take in what is said in that time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def cut_power(self) -> None:
        """Kill the guest at once, then take in what it had still said."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._take(self._process.stdout.read())
        self._process.stdout.close()

    def close(self) -> None:
        """End the guest if it still runs."""
        if self._process.poll() is None:
            self.cut_power()

    def log(self) -> str:
        """Return the end of what the guest said."""
        return self._log.read_text(errors="replace")[-4000:] if self._log.exists() else ""

    def _read(self, seconds: float) -> None:
        """Take in one piece of output, or nothing within that time."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if selector.select(seconds):
                piece = os.read(self._process.stdout.fileno(), 65536)
                assert piece, f"the guest has ended:\n{self.log()}"
                self._take(piece)

    def _take(self, piece: bytes) -> None:
        """Split output into lines, keep the events; a line that was cut off says nothing."""
        with self._log.open("ab") as log:
            log.write(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.events.append(json.loads(line))
