"""A simulated OpenBCI Cyton and its dongle, at the level of bytes on the serial line.

The board understands the commands of the OpenBCI documentation, "Cyton Board SDK", that a driver
needs: `s b v d D`, channels off and on (`1` to `8`, `!` to `*`) and channel settings (`x ... X`). Streaming,
it sends a 33-byte frame every 4 ms of the timer's time. `SimulatedCyton` has the shape of
`serial.Serial`; `CytonPty` puts it behind a real serial device.
"""

from __future__ import annotations

import errno

import numpy as np
from numpy.typing import NDArray

from drivers.adc import Timer
from drivers.sim.body import Body
from drivers.sim.cyton_pty import CytonPty
from drivers.sim.faults import Faults

__all__ = ["CytonPty", "SimulatedCyton"]

RATE_HZ = 250
CHANNELS = 8
OFFSET_UV = 30_000.0  # chosen; an OpenBCI recording shows electrode offsets of up to 60 mV
LOST_BYTE_SHARE = 0.002  # chosen: damages about one frame in fifteen while bytes are being lost

_FRAME_BYTES = 33
_GRAIN = 10  # frames made at once; fixed by their number, so that faults do not depend on the reader
_HELD_FRAMES = 60 * RATE_HZ  # what nobody reads for a minute is lost, as in a real buffer but later
_REFERENCE_UV = 4.5e6
_GAINS = (1, 2, 4, 6, 8, 12, 24)
_COUNTS_MAX, _COUNTS_MIN = 2**23 - 1, -(2**23)
_GREETING = (b"OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\nLIS3DH Device ID: 0x33\n"
             b"Firmware: v3.1.2\n$$$")
_UNREACHABLE = b"Failure: Communications timeout - Device failed to poll Host$$$"
_OFF, _ON = b"12345678", b"!@#$%^&*"
_SETTING_BYTES = 9


class _NoFaults:
    """A world in which nothing goes wrong."""

    def active(self, kind: str, at_s: float) -> bool:
        """Return no."""
        del kind, at_s
        return False


class SimulatedCyton:
    """Board and dongle in the shape of `serial.Serial`; reads return at once with what is there.

    The board is kept across `close`, as a real one is: whoever uses the port next finds it as it was.
    Faults: `cyton_unplugged` raises OSError from everything; `cyton_silent` takes the board's power, the
    dongle stays; `cyton_lost_bytes` drops single bytes; `lead_off` runs all inputs into the rail. Where
    the body gives NaN the input is at the rail too.

    Args:
        body: whom the electrodes touch.
        timer: paces the frames.
        seed: of electrode offsets and lost bytes.
        faults: what goes wrong when.
        start_s: the world's start, from which faults count; the timer's present value if None.
    """

    def __init__(
        self, body: Body, timer: Timer, *, seed: int = 0, faults: Faults | None = None,
        start_s: float | None = None,
    ) -> None:
        self._body = body
        self._timer = timer
        self._faults: Faults = faults or _NoFaults()
        self._start_s = timer.monotonic() if start_s is None else start_s
        self._rng = np.random.default_rng(seed)
        self._offset_uv = self._rng.uniform(-OFFSET_UV, OFFSET_UV, CHANNELS)
        self._gain = np.full(CHANNELS, 24.0)
        self._on = np.ones(CHANNELS, dtype=bool)
        self._out = bytearray()
        self._command = b""
        self._began_s: float | None = None
        self._sent = 0
        self.powered = True
        self.timeout: float | None = 0.0

    @property
    def unplugged(self) -> bool:
        """Whether the dongle is out of its socket now."""
        return self._fault("cyton_unplugged", self._timer.monotonic())

    @property
    def in_waiting(self) -> int:
        """Number of bytes that can be read at once.

        Raises:
            OSError: the dongle is unplugged.
        """
        self._live()
        return len(self._out)

    def read(self, size: int = 1) -> bytes:
        """Return up to `size` bytes of what is there.

        Raises:
            OSError: the dongle is unplugged.
        """
        self._live()
        data = bytes(self._out[:size])
        del self._out[:size]
        return data

    def write(self, data: bytes) -> int:
        """Take commands.

        Raises:
            OSError: the dongle is unplugged.
        """
        self._live()
        if not self._reachable(self._timer.monotonic()):
            self._out += _UNREACHABLE
            return len(data)
        self._command += data
        while self._command and (taken := self._obey(self._command)):
            self._command = self._command[taken:]
        return len(data)

    def reset_input_buffer(self) -> None:
        """Forget what nobody has read.

        Raises:
            OSError: the dongle is unplugged.
        """
        self._live()
        self._out.clear()

    def close(self) -> None:
        """Let go of the port; the board goes on as it was."""
        self._out.clear()

    def _obey(self, commands: bytes) -> int:
        """Carry out the first command and return its length, 0 if the rest of it is still to come."""
        command = commands[:1]
        if command == b"x":
            return self._set_channel(commands)
        if command == b"b" and self._began_s is None:
            # The firmware starts its counter anew with the stream.
            self._began_s, self._sent = self._timer.monotonic(), 0
        elif command == b"s":
            self._began_s = None
        elif command == b"v":
            self._began_s = None
            self._defaults()
            self._say(_GREETING)
        elif command == b"d":
            self._defaults()
            self._say(b"updating channel settings to default$$$")
        elif command == b"D":
            self._say(b"060110$$$")
        elif command in _OFF:
            self._on[_OFF.index(command)] = False
        elif command in _ON:
            self._on[_ON.index(command)] = True
        return 1

    def _set_channel(self, commands: bytes) -> int:
        """Carry out `x CHANNEL POWER_DOWN GAIN INPUT BIAS SRB2 SRB1 X`."""
        end = commands.find(b"X")
        if 0 <= end < _SETTING_BYTES - 1:
            self._say(b"Failure: too few chars$$$")
            return end + 1
        if len(commands) < _SETTING_BYTES:
            return 0
        setting = commands[:_SETTING_BYTES]
        if setting[-1:] != b"X":
            self._say(b"Failure: 9th char not X$$$")
        elif setting[1:2] in _OFF and setting[2:3] in b"01" and setting[3:4] in b"0123456":
            channel = _OFF.index(setting[1:2])
            self._on[channel] = setting[2:3] == b"0"
            self._gain[channel] = _GAINS[int(setting[3:4])]
            self._say(b"Success: Channel set for %d$$$" % (channel + 1))
        else:
            self._say(b"Failure: Err: too many chars$$$")
        return _SETTING_BYTES

    def _defaults(self) -> None:
        """Turn all channels on at gain 24."""
        self._gain[:] = 24.0
        self._on[:] = True

    def _say(self, text: bytes) -> None:
        """Answer, unless streaming: the board is silent then."""
        if self._began_s is None:
            self._out += text

    def _fault(self, kind: str, at_s: float) -> bool:
        """Tell whether a fault is active at a monotonic time."""
        return self._faults.active(kind, at_s - self._start_s)

    def _reachable(self, at_s: float) -> bool:
        """Tell whether the board has power."""
        return self.powered and not self._fault("cyton_silent", at_s)

    def _live(self) -> None:
        """Send the frames that are due, and notice an unplugged dongle."""
        now_s = self._timer.monotonic()
        if self._began_s is not None:
            due = int((now_s - self._began_s) * RATE_HZ + 1e-6) + 1
            if due - self._sent > _HELD_FRAMES:
                self._sent = (due - _HELD_FRAMES) // _GRAIN * _GRAIN
            while self._began_s is not None and self._sent < due:
                self._send(min(due, (self._sent // _GRAIN + 1) * _GRAIN))
        if self._fault("cyton_unplugged", now_s):
            self._out.clear()
            raise OSError(errno.EIO, "Input/output error")

    def _send(self, until: int) -> None:
        """Send the frames up to that number, all within one grain."""
        began_s = self._began_s or 0.0
        grain_s = began_s + self._sent // _GRAIN * _GRAIN / RATE_HZ
        if not self._reachable(grain_s):
            self._began_s = None  # a board that lost its power does not stream when it comes back
            return
        numbers = np.arange(self._sent, until)
        microvolts = self._body.eeg_uv(began_s + self._sent / RATE_HZ, len(numbers), RATE_HZ)
        frames = self._frames(numbers, microvolts, off=self._fault("lead_off", grain_s))
        self._sent = until
        if self._fault("cyton_lost_bytes", grain_s):
            flat = frames.reshape(-1)
            self._out += flat[self._rng.random(len(flat)) >= LOST_BYTE_SHARE].tobytes()
        else:
            self._out += frames.tobytes()
        del self._out[: max(0, len(self._out) - _HELD_FRAMES * _FRAME_BYTES)]

    def _frames(
        self, numbers: NDArray[np.int64], microvolts: NDArray[np.float64], *, off: bool
    ) -> NDArray[np.uint8]:
        """Return frames as (n, 33) bytes."""
        counts = (microvolts + self._offset_uv) * self._gain * (_COUNTS_MAX / _REFERENCE_UV)
        counts = np.where(np.isnan(counts) | off, _COUNTS_MIN, counts)
        counts = np.where(self._on, np.clip(np.rint(counts), _COUNTS_MIN, _COUNTS_MAX), 0)
        frames = np.zeros((len(numbers), _FRAME_BYTES), np.uint8)
        frames[:, 0] = 0xA0
        frames[:, 1] = numbers % 256
        words = counts.astype(">i4").view(np.uint8).reshape(len(numbers), CHANNELS, 4)
        frames[:, 2:26] = words[..., 1:].reshape(len(numbers), -1)
        frames[:, 32] = 0xC0
        return frames
