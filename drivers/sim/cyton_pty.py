"""The simulated Cyton behind a real serial device: a pseudo-terminal, so that the real driver opens it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import tty
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.sim.cyton import SimulatedCyton

_PERIOD_S = 0.008  # two frames at a time
_BACKLOG_BYTES = 4096  # what the line holds when nobody reads; what comes after is lost, as on a tty
_JOIN_S = 2.0


class CytonPty:
    """Serves a simulated Cyton on a pty.

    `path` is a link that stays the same for the life of this object; while the dongle is unplugged it
    leads nowhere, and a port that was open reports a hang-up. A thread moves the bytes, unless
    `threaded` is false: then call `step` every few milliseconds.
    """

    def __init__(self, cyton: SimulatedCyton, *, threaded: bool = True) -> None:
        self._cyton = cyton
        self._folder = tempfile.TemporaryDirectory(prefix="cyton-")
        Path(self._folder.name).chmod(0o710)  # the group may follow the link
        self.path = Path(self._folder.name) / "ttyCyton"
        self._ends: tuple[int, int] | None = None
        self._backlog = b""
        self._stop = threading.Event()
        self._plug()
        self._thread = threading.Thread(target=self._serve, name="cyton-pty", daemon=True)
        if threaded:
            self._thread.start()

    def step(self) -> None:
        """Move what is due in both directions, and follow the dongle in and out of its socket."""
        if self._cyton.unplugged:
            self._unplug()
            return
        if self._ends is None:
            self._plug()
        ends = self._ends
        if ends is None:
            return
        try:
            self._move(ends[0])
        except OSError:
            # The dongle was pulled between the question and the move; the next step sees it.
            if not self._cyton.unplugged:
                raise

    def close(self) -> None:
        """Stop, and take the device away."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self._unplug()
        self._folder.cleanup()

    def _serve(self) -> None:
        """Step until closed."""
        while not self._stop.wait(_PERIOD_S):
            self.step()

    def _plug(self) -> None:
        """Make the device appear."""
        board, computer = os.openpty()
        # The computer's end stays open here too, so that the device outlives whoever closes it.
        tty.setraw(computer)
        os.fchmod(computer, 0o666)  # its reader may be another user; nobody's EEG
        os.set_blocking(board, False)
        self._ends = (board, computer)
        self._backlog = b""
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(computer))

    def _unplug(self) -> None:
        """Make the device go away; closing the board's end hangs the other one up."""
        if self._ends is None:
            return
        self.path.unlink(missing_ok=True)
        for end in self._ends:
            os.close(end)
        self._ends = None

    def _move(self, board: int) -> None:
        """Hand commands to the board, and its bytes to the line."""
        with contextlib.suppress(BlockingIOError):  # no command
            self._cyton.write(os.read(board, _BACKLOG_BYTES))
        self._backlog += self._cyton.read(self._cyton.in_waiting)
        with contextlib.suppress(BlockingIOError):  # the line is full
            self._backlog = self._backlog[os.write(board, self._backlog) :]
        self._backlog = self._backlog[:_BACKLOG_BYTES]
