"""Sound output: one interface over a sound card (ALSA), a JACK server, and a file, all through pyo.

A real-time back-end calls pyo from its own thread. The file back-end computes the same buffers when
the clock asks for them, so a manual clock renders faster than real time and always the same bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from drivers.errors import DeviceLost

Backend = Literal["alsa", "jack", "file"]
BeforeBuffer = Callable[[float], None]

CHANNELS = 2
GLOBAL_SEED = 1  # pyo's own random generators repeat from here; musical randomness is seeded elsewhere
STALL_S = 1.0  # a position that stands still for longer means a dead back-end
STALL_STEP_S = 0.25  # time counted per call at most, so that a suspended process does not blame the card
FILE_BOUND_S = 2.0  # audio computed by one call at most; the rest follows in the next calls
CLOSE_BOUND_S = 3.0  # stop() and shutdown() of pyo can hang for ever on a dead back-end
JACK_CLIENT = "tranquillo"
ALSA_CONFIG = Path("/usr/share/alsa/alsa.conf")  # of Debian's libasound2-data


class AudioSettings(NamedTuple):
    """How to open the output; `device` is a part of its name, `record` a WAV path or empty."""

    backend: Backend
    device: str
    rate_hz: int
    frames: int
    record: str


class AudioOut(Protocol):
    """An opened and running pyo server."""

    backend: Backend
    server: Any
    rate_hz: int
    frames: int

    def position_samples(self) -> int:
        """Return how many samples (per channel) the back-end has consumed."""

    def pump(self, at_s: float, before_buffer: BeforeBuffer) -> None:
        """Bring the sound up to a monotonic time; call `before_buffer` with the time about to be heard.

        Raises:
            DeviceLost: the back-end has stopped consuming samples.
        """

    def close(self) -> None:
        """Finish the recording and release the output within `CLOSE_BOUND_S`."""


class StallCheck:
    """Tells when a position has stood still for too long against a monotonic clock."""

    def __init__(self, limit_s: float = STALL_S) -> None:
        self._limit_s = limit_s
        self._position = -1
        self._last_s: float | None = None
        self._still_s = 0.0

    def stalled(self, at_s: float, position: int) -> bool:
        """Take in one look at the position; each call counts `STALL_STEP_S` of standstill at most."""
        elapsed_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        if position != self._position:
            self._position = position
            self._still_s = 0.0
        else:
            self._still_s += min(elapsed_s, STALL_STEP_S)
        return self._still_s > self._limit_s


class RealTimeOut:
    """A sound card or a JACK server that takes buffers at its own pace."""

    def __init__(self, backend: Backend, server: Any, settings: AudioSettings) -> None:  # noqa: ANN401 - pyo
        self.backend: Backend = backend
        self.server = server
        self.rate_hz = settings.rate_hz
        self.frames = settings.frames
        self._recording = bool(settings.record)
        self._stall = StallCheck()
        self._lost = False
        self._closed = False

    def position_samples(self) -> int:
        """Return how many samples pyo has handed over."""
        return int(self.server.getCurrentTimeInSamples())

    def pump(self, at_s: float, before_buffer: BeforeBuffer) -> None:
        """Check that the back-end is alive; what starts within one buffer is asked for now.

        Called every 20 ms at 512 frames, a sound then begins between 12 ms before and 20 ms after its time:
        one buffer of the wait for the next call and for the next buffer is taken off beforehand.

        Raises:
            DeviceLost: pyo was shut out, or the position has stood still for `STALL_S`.
        """
        if self._stall.stalled(at_s, self.position_samples()) or not self.server.getIsStarted():
            self._lost = True
            raise DeviceLost(f"the {self.backend} sound back-end stopped taking sound; check its cable and "
                             "server, the player restarts by itself")
        before_buffer(at_s + self.frames / self.rate_hz)

    def close(self) -> None:
        """Finish the recording, then stop; a dead back-end is left as it is, because stop() hangs on it.

        An alarm of the operating system ends the process if pyo does not come back.
        """
        if self._closed:
            return
        self._closed = True
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, CLOSE_BOUND_S)
        if self._recording:
            self.server.recstop()
        if self._lost:
            # One reference too many: no destructor of pyo may run, it would hang. The alarm stays armed.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.server))
            return
        self.server.stop()
        self.server.shutdown()
        signal.setitimer(signal.ITIMER_REAL, 0)


class FileOut:
    """Computes buffers when the clock asks; what is heard is what is recorded."""

    backend: Backend = "file"

    def __init__(self, server: Any, settings: AudioSettings) -> None:  # noqa: ANN401 - pyo
        self.server = server
        self.rate_hz = settings.rate_hz
        self.frames = settings.frames
        self._recording = bool(settings.record)
        self._buffers = 0
        self._start_s: float | None = None
        self._closed = False

    def position_samples(self) -> int:
        """Return how many samples have been computed."""
        return self._buffers * self.frames

    def pump(self, at_s: float, before_buffer: BeforeBuffer) -> None:
        """Compute the buffers due by `at_s`, `FILE_BOUND_S` of them at most; the first call sets time 0."""
        if self._start_s is None:
            self._start_s = at_s
        due = int((at_s - self._start_s) * self.rate_hz / self.frames)
        bound = self._buffers + int(FILE_BOUND_S * self.rate_hz / self.frames)
        while self._buffers < min(due, bound):
            before_buffer(self._start_s + (self._buffers + 0.5) * self.frames / self.rate_hz)
            self.server.process()
            self._buffers += 1

    def close(self) -> None:
        """Finish the recording and release pyo."""
        if self._closed:
            return
        self._closed = True
        if self._recording:
            self.server.recstop()
        self.server.stop()
        self.server.shutdown()


def open_audio(settings: AudioSettings) -> AudioOut:
    """Open and start the configured back-end, recording its output if asked to.

    Raises:
        DeviceLost: there is no such device or server now, or the recording cannot be written; the text
            lists the devices that exist.
    """
    _check_record(settings.record)
    os.environ["JACK_NO_START_SERVER"] = "1"  # libjack would start a server of its own
    with _without_library_chatter():
        server = _boot(settings)
    server.setGlobalSeed(GLOBAL_SEED)
    if settings.record:
        server.recordOptions(-1, settings.record, 0, 0)  # no limit, WAV, 16 bit
        server.recstart(settings.record)
    server.start()
    if settings.backend == "file":
        return FileOut(server, settings)
    return RealTimeOut(settings.backend, server, settings)


def _import_pyo() -> Any:  # noqa: ANN401 - pyo has no types
    """Import pyo without the advertisements for GUI toolkits that it prints."""
    os.environ["PYO_GUI_WX"] = "0"  # read by pyo when it is imported
    with _without_library_chatter():
        import pyo
    return pyo


def _boot(settings: AudioSettings) -> Any:  # noqa: ANN401 - pyo has no types
    """Return a booted pyo server, or raise DeviceLost before pyo can crash."""
    pyo = _import_pyo()
    kinds = {"alsa": "portaudio", "jack": "jack", "file": "manual"}
    server = pyo.Server(
        sr=settings.rate_hz, nchnls=CHANNELS, buffersize=settings.frames, duplex=0,
        audio=kinds[settings.backend], jackname=JACK_CLIENT, verbosity=1)
    server.deactivateMidi()
    if settings.backend == "alsa":
        if not _alsa_is_configured():
            raise DeviceLost(f"ALSA has no configuration ({ALSA_CONFIG} is missing); install the Debian "
                             "package libasound2-data")
        server.setOutputDevice(choose_device(settings.device, *pyo.pa_get_output_devices()))
    server.boot()
    if not server.getIsBooted():
        what = "no JACK server is running; start jackd" if settings.backend == "jack" else (
            f"the sound device matching {settings.device!r} is busy or refuses {settings.rate_hz} Hz stereo; "
            "stop what else uses it, or set player.rate_hz")
        raise DeviceLost(what)
    return server


def output_names() -> list[str]:
    """Return the names of this machine's sound outputs as PortAudio lists them; empty without any."""
    if not _alsa_is_configured():
        return []
    pyo = _import_pyo()
    with _without_library_chatter():
        names, _ = pyo.pa_get_output_devices()
    return list(names)


def _alsa_is_configured() -> bool:
    """Tell whether ALSA's own configuration is there; without it PortAudio aborts the whole process."""
    return "ALSA_CONFIG_PATH" in os.environ or ALSA_CONFIG.exists()


def choose_device(wanted: str, names: list[str], numbers: list[int]) -> int:
    """Return PortAudio's number of the first output whose name contains `wanted`, case ignored.

    Raises:
        DeviceLost: there is no output at all, or none with this name; the text lists the names.
    """
    if not names:
        raise DeviceLost("this machine has no sound output; plug in a sound card or enable the jack")
    for name, number in zip(names, numbers, strict=True):
        if wanted.lower() in name.lower():
            return number
    raise DeviceLost(f"no sound output has {wanted!r} in its name; set player.device to a part of one of: "
                     + "; ".join(names))


def _check_record(path: str) -> None:
    """Refuse a recording that cannot be written, which pyo would pass over in silence."""
    if path and not os.access(Path(path).parent, os.W_OK):
        raise DeviceLost(f"cannot write the recording {path}; create its folder or change player.record")


@contextlib.contextmanager
def _without_library_chatter() -> Iterator[None]:
    """Send standard output and error to nowhere, C libraries' included: ALSA prints 130 lines per look."""
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for number in (*saved, nowhere):
            os.close(number)
