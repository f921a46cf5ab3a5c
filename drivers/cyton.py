"""OpenBCI Cyton through its USB dongle: eight channels at 250 Hz in microvolts.

Commands and replies are those of the OpenBCI documentation, "Cyton Board SDK": `s` stop, `v` soft reset
(reply ends in `$$$`), `d` default channel settings, `b` begin. When the board is off or out of reach the
dongle answers `Failure: Communications timeout ...` itself. Frames: `drivers.cyton_frames`; times:
`drivers.cyton_timeline`.
"""

from __future__ import annotations

import re
import termios
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from drivers.adc import Timer
from drivers.cyton_frames import FrameFinder, decode
from drivers.cyton_timeline import RATE_HZ, Timeline
from drivers.errors import DeviceLost
from drivers.serial_port import Serial

__all__ = ["RATE_HZ", "Cyton", "CytonSamples"]

RESTART_AFTER_S = 1.0  # silence after which the stream is restarted, once
LOST_AFTER_S = 3.0  # silence after which the headset is given up
_END = b"$$$"
_FAILURE = b"Failure"
_ATTEMPTS = 3
_REPLY_S = 1.0  # a soft reset answers within a few hundred milliseconds
_SETTLE_S = 0.1  # frames under way when the stream is stopped
_POLL_S = 0.01
_RUNS_MAX = 256  # a reader that falls further behind loses the oldest; they count as lost

_T = TypeVar("_T")


class CytonSamples(NamedTuple):
    """Consecutive samples: monotonic time of the first, (n, 8) microvolts, samples lost before them.

    A channel at the converter's rail (an electrode that touches nobody) is NaN. Offsets of the
    electrodes, up to tens of millivolts, are still in.
    """

    start_s: float
    microvolts: NDArray[np.float64]
    lost: int


class Cyton:
    """An opened headset that streams.

    Opening waits, through the timer, at most about 4 s; reading never waits.

    Args:
        port: an open serial port at 115200 baud; it belongs to the driver from now on.
        timer: paces the waits and dates arrivals.

    Raises:
        DeviceLost: nothing answers, the board is off, or the port is gone; the port is closed then.
    """

    def __init__(self, port: Serial, timer: Timer) -> None:
        self._port = port
        self._timer = timer
        self._finder = FrameFinder()
        self._timeline = Timeline()
        self._ready: deque[CytonSamples] = deque()
        self._restarted = False
        try:
            self.firmware = self._handshake()
        except DeviceLost:
            port.close()
            raise
        self._heard_s = timer.monotonic()

    @property
    def silent_s(self) -> float:
        """Seconds since the last sample was received, or since the opening if there was none."""
        return self._timer.monotonic() - self._heard_s

    def read(self) -> CytonSamples | None:
        """Return the next unbroken run of samples, or None if none has arrived; never waits.

        Call it again until it returns None to have everything. A stream silent for 1 s is restarted
        once.

        Raises:
            DeviceLost: the stream was silent for 3 s, or the dongle is gone.
        """
        frames = self._finder.feed(self._guard(self._waiting_bytes))
        if frames:
            now_s = self._timer.monotonic()
            self._heard_s, self._restarted = now_s, False
            microvolts = decode(frames)
            for run in self._timeline.place([frame.counter for frame in frames], now_s):
                self._keep(CytonSamples(run.start_s, microvolts[run.first : run.stop], run.lost))
        elif not self._ready:
            self._mind_silence()
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        """Stop the stream, as far as the dongle still listens, and release the port."""
        try:
            self._port.write(b"s")
        except OSError:
            pass  # the dongle is gone, so nothing streams to us
        finally:
            self._port.close()

    def _handshake(self) -> str:
        """Bring the board to its defaults, start the stream, and return the firmware's version."""
        self._send(b"s")
        self._timer.sleep(_SETTLE_S)
        self._guard(self._port.reset_input_buffer)
        greeting = b""
        for _ in range(_ATTEMPTS):
            self._send(b"v")
            greeting = self._reply()
            if greeting:
                break
        if not greeting:
            raise DeviceLost("nothing on the headset's serial port answers; check that headset.port names "
                             "the OpenBCI dongle and that its switch is at GPIO6")
        self._refuse_failure(greeting)
        if b"OpenBCI" not in greeting:
            raise DeviceLost("what answers on the headset's serial port is no OpenBCI board; set "
                             "headset.port to the dongle")
        self._send(b"d")
        self._refuse_failure(self._reply())
        self._send(b"b")
        version = re.search(rb"Firmware: (\S+)", greeting)
        return version.group(1).decode("ascii", "replace") if version else "v1"

    def _refuse_failure(self, reply: bytes) -> None:
        """Raise if the dongle says that it cannot reach the board."""
        if _FAILURE in reply:
            raise DeviceLost("the headset's dongle is there but its board does not answer; slide the "
                             "board's switch to PC and check its battery")

    def _reply(self) -> bytes:
        """Return what the board says up to `$$$`, or nothing if it says nothing whole in time."""
        said = b""
        deadline_s = self._timer.monotonic() + _REPLY_S
        while _END not in said:
            if self._timer.monotonic() >= deadline_s:
                return b""
            chunk = self._guard(self._waiting_bytes)
            said += chunk
            if not chunk:
                self._timer.sleep(_POLL_S)
        return said

    def _mind_silence(self) -> None:
        """Restart a silent stream once, then give the headset up."""
        silent_s = self.silent_s
        if silent_s >= LOST_AFTER_S:
            raise DeviceLost(f"the headset has sent nothing for {silent_s:.0f} s; check that its board is on "
                             "and its battery charged")
        if silent_s >= RESTART_AFTER_S and not self._restarted:
            self._restarted = True
            self._send(b"s")
            self._guard(self._port.reset_input_buffer)
            self._finder.reset()
            self._timeline.restart()
            self._send(b"b")

    def _keep(self, samples: CytonSamples) -> None:
        """Queue a run; of a full queue the oldest goes, and its samples count as lost."""
        if len(self._ready) >= _RUNS_MAX:
            oldest = self._ready.popleft()
            after = self._ready.popleft()
            lost = oldest.lost + len(oldest.microvolts) + after.lost
            self._ready.appendleft(after._replace(lost=lost))
        self._ready.append(samples)

    def _waiting_bytes(self) -> bytes:
        """Return what has arrived, without waiting."""
        waiting = self._port.in_waiting
        return self._port.read(waiting) if waiting else b""

    def _send(self, command: bytes) -> None:
        """Write a command."""
        self._guard(lambda: self._port.write(command))

    def _guard(self, action: Callable[[], _T]) -> _T:
        """Do something with the port.

        Raises:
            DeviceLost: the port is gone (pyserial raises OSErrors, and termios its own error on flushing).
        """
        try:
            return action()
        except (OSError, termios.error) as error:
            raise DeviceLost(f"the headset's dongle is gone ({error}); plug it in again") from error
