"""A JACK server without a sound card: real time for the player on a machine that cannot make a sound."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from device.errors import TranquilloError

RATE_HZ = 44_100
REALTIME_PRIORITY = 70  # its clients' sound threads get 5 less
START_S = 10
STOP_S = 20.0
SERVER_VARIABLE = "JACK_DEFAULT_SERVER"  # of JACK's own client library


class JackMissing(TranquilloError, RuntimeError):
    """The machine has no JACK server, or it does not start."""


class JackServer:
    """One server with a name of its own on JACK's dummy driver, which keeps time like a sound card.

    Args:
        name: clients find it by the environment variable JACK_DEFAULT_SERVER.
        log: file that its words are appended to.
        frames: length of a period, which the player's `frames` has to be.
        realtime: run the sound threads, the clients' as well, at real-time priority, as the unit does;
            the user must be allowed to.
    """

    def __init__(self, name: str, log: Path, *, frames: int = 512, realtime: bool = False) -> None:
        self.name = name
        self.log = log
        self._frames = frames
        self._priority = ["-R", "-P", str(REALTIME_PRIORITY)] if realtime else ["-r"]
        self._words = log.open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until clients can connect.

        Raises:
            JackMissing: it is not installed or did not start.
        """
        if shutil.which("jackd") is None:
            raise JackMissing("jackd is not installed; install the Debian package jackd2")
        self._process = subprocess.Popen(  # noqa: S603 - fixed words
            ["jackd", "-n", self.name, *self._priority,  # noqa: S607
             "-d", "dummy", "-r", str(RATE_HZ), "-p", str(self._frames)],
            stdout=self._words, stderr=self._words)
        waited = subprocess.run(  # noqa: S603 - fixed words
            ["jack_wait", "-s", self.name, "-w", "-t", str(START_S)],  # noqa: S607
            check=False, timeout=2 * START_S, stdout=self._words, stderr=self._words)
        if waited.returncode != 0:
            raise JackMissing(f"jackd did not start; see {self.log}")

    def send(self, number: signal.Signals) -> None:
        """Send the server a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def missed_deadlines(self) -> int:
        """Return how many times the server has said that a client was late (an xrun)."""
        return sum("xrun" in line.lower() for line in self.log.read_text(errors="replace").splitlines())

    def close(self) -> None:
        """Leave no trace: JACK's registry holds eight names, and only an orderly end gives one back."""
        if self._process is not None:
            if self._process.poll() is not None:
                self.start()  # takes the killed server's place
            self.send(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(STOP_S)
        self._words.close()


@contextlib.contextmanager
def running(name: str, log: Path, *, frames: int, realtime: bool) -> Iterator[JackServer]:
    """Give a server that runs, and end it.

    Raises:
        JackMissing: it is not installed or did not start.
    """
    server = JackServer(name, log, frames=frames, realtime=realtime)
    try:
        server.start()
        yield server
    finally:
        server.close()
