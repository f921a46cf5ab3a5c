"""One body behind all simulated parts of one machine."""

from __future__ import annotations

import math
import random
import threading
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from drivers.adc import Timer
from drivers.errors import DeviceConfigError
from drivers.gsr import DividerGsr, Gsr
from drivers.sim.ads1115 import SimulatedAds1115, SimulatedI2c
from drivers.sim.artefacts import HUM_GSR_V, HUM_PPG_V, DisturbedBody, Stalls
from drivers.sim.body import Body, BodyTruth, Heard
from drivers.sim.faults import FaultWindow, Kind, Schedule
from drivers.sim.mains import hum
from drivers.sim.mcp3008 import SimulatedMcp3008
from drivers.sim.wires import LocalWires
from drivers.thermistor import Thermistor

if TYPE_CHECKING:
    from gpiozero.pins import Factory

    from drivers.sim.cyton import SimulatedCyton

NOISE_V = 40e-6  # RMS at the converter's input: a third of an ADS1115 count at gain 1
MID_RAIL_V = 1.65  # where a pulse sensor rests that sees no skin
PPG_ROOM_NOISE_V = 0.02  # and how far room light moves it, RMS


class Circuits(NamedTuple):
    """What is soldered where: converter channels, their circuits, addresses and BCM lines."""

    gsr_channel: int = 0
    gsr: Gsr = DividerGsr(0.5, 47_000.0)
    ppg_channel: int = 1
    temperature_channel: int | None = None
    thermistor: Thermistor = Thermistor(3.3, 10_000.0, 10_000.0, 3_950.0)
    i2c_address: int = 0x48
    reference_v: float = 3.3
    button: int = 17
    red: int = 22
    green: int = 27
    blue: int = 24


class World:
    """The simulated machine; implements `drivers.open.Hardware` within this process.

    Args:
        body: whom the electrodes touch.
        timer: the world's time; faults count from its present value.
        circuits: what is soldered where.
        seed: of converter noise and undefined bits.
        faults: what goes wrong when.
    """

    def __init__(
        self, body: Body, timer: Timer, circuits: Circuits, *, seed: int, faults: Schedule | None = None,
    ) -> None:
        self._faults = faults or Schedule()
        self._start_s = timer.monotonic()
        self._body = DisturbedBody(_OneAtATime(body), self._faults, seed=seed, start_s=self._start_s)
        self._stalls = Stalls(self._faults, seed)
        self._timer = timer
        self._circuits = circuits
        self._seed = seed
        self._noise = random.Random(seed)
        self.wires = LocalWires()
        self._ads1115 = SimulatedAds1115(timer, self.volts, self.fault, self._stall_s)
        self._mcp3008 = SimulatedMcp3008(
            timer, self.volts, self.fault, reference_v=circuits.reference_v, rng=random.Random(seed + 1),
            stall_s=self._stall_s)
        self._pins: Factory | None = None
        self._cyton: SimulatedCyton | None = None

    def i2c(self, bus: int) -> SimulatedI2c:  # noqa: ARG002 - the only bus, whatever its number
        """Return the I2C bus with the ADS1115 on it."""
        return SimulatedI2c({self._circuits.i2c_address: self._ads1115})

    def spi(self, bus: int, device: int) -> SimulatedMcp3008:  # noqa: ARG002 - the only device
        """Return the MCP3008."""
        return self._mcp3008

    def pins(self) -> Factory:
        """Return the gpiozero pin factory on this world's wires."""
        if self._pins is None:
            from drivers.sim.pins import WiredFactory

            self._pins = WiredFactory(self.wires)
        return self._pins

    def serial(self, path: str) -> SimulatedCyton:  # noqa: ARG002 - the only serial device
        """Return the Cyton's dongle in the shape of `serial.Serial`; one and the same every time."""
        if self._cyton is None:
            from drivers.sim.cyton import SimulatedCyton

            self._cyton = SimulatedCyton(
                self._body, self._timer, seed=self._seed, faults=self._faults, start_s=self._start_s)
        return self._cyton

    def close(self) -> None:
        """Do nothing: the world stays as it is for whoever opens its parts next."""

    def press(self) -> None:
        """Push the button down."""
        self.wires.ground(self._circuits.button, connected=True)

    def release(self) -> None:
        """Let the button go."""
        self.wires.ground(self._circuits.button, connected=False)

    def light(self) -> tuple[float, float, float]:
        """Return the light's red, green and blue, 0 to 1."""
        lines = self._circuits
        return (self.wires.driven(lines.red), self.wires.driven(lines.green), self.wires.driven(lines.blue))

    def hear(self, heard: Heard | None) -> None:
        """Let the body hear this from now on; None is silence."""
        self._body.hear(self._timer.monotonic(), heard)

    def truth(self) -> BodyTruth:
        """Return what the sensors ought to show now."""
        return self._body.truth(self._timer.monotonic())

    def inject(self, kind: Kind, duration_s: float) -> None:
        """Let a fault begin now.

        Raises:
            DeviceConfigError: there is no such kind.
        """
        if kind not in get_args(Kind):
            raise DeviceConfigError(f"no fault is called {kind!r}; kinds are {', '.join(get_args(Kind))}")
        self._faults.add(FaultWindow(self._timer.monotonic() - self._start_s, duration_s, kind))

    def fault(self, kind: str) -> bool:
        """Tell whether a fault is active now."""
        return self._faults.active(kind, self._timer.monotonic() - self._start_s)

    def volts(self, channel: int, at_s: float) -> float:
        """Return the voltage at a converter input, noise included; an unused one is tied to ground."""
        circuits = self._circuits
        if channel == circuits.ppg_channel:
            volts = self._ppg_v(at_s) + HUM_PPG_V * hum(self._faults, at_s - self._start_s)
        elif channel == circuits.gsr_channel:
            volts = self._gsr_v(at_s) + HUM_GSR_V * hum(self._faults, at_s - self._start_s)
        elif channel == circuits.temperature_channel:
            off = self.fault("temperature_off")
            volts = circuits.thermistor.volts(math.nan if off else self._body.skin_c(at_s))
        else:
            volts = 0.0
        return volts + self._noise.gauss(0.0, NOISE_V)

    def _stall_s(self) -> float:
        """Return for how long a transfer to a converter is held up now."""
        return self._stalls.left_s(self._timer.monotonic() - self._start_s)

    def _gsr_v(self, at_s: float) -> float:
        """Return the GSR circuit's output; electrodes on nobody conduct nothing."""
        if self.fault("gsr_short"):
            return self._circuits.gsr.volts(math.inf)
        skin_us = 0.0 if self.fault("gsr_open") else self._body.skin_us(at_s)
        return self._circuits.gsr.volts(0.0 if math.isnan(skin_us) else skin_us)

    def _ppg_v(self, at_s: float) -> float:
        """Return the pulse sensor's output; on nobody it wanders around mid rail with the room's light."""
        volts = math.nan if self.fault("ppg_off") else self._body.pulse_v(at_s)
        return self._noise.gauss(MID_RAIL_V, PPG_ROOM_NOISE_V) if math.isnan(volts) else volts


class _OneAtATime:
    """A body that several threads may ask, with times that never go back.

    A conversion samples its input half a millisecond before it is read, by when another part may have
    asked for a later time: the body is then asked for that later time again.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._lock = threading.Lock()
        self._last_s = -math.inf

    def skin_us(self, at_s: float) -> float:
        """Return skin conductance in microsiemens."""
        with self._lock:
            return self._body.skin_us(self._order(at_s))

    def pulse_v(self, at_s: float) -> float:
        """Return the pulse sensor's output in volts."""
        with self._lock:
            return self._body.pulse_v(self._order(at_s))

    def skin_c(self, at_s: float) -> float:
        """Return skin temperature in degrees Celsius."""
        with self._lock:
            return self._body.skin_c(self._order(at_s))

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return consecutive EEG samples (count, 8) in microvolts; their times keep their own order."""
        with self._lock:
            return self._body.eeg_uv(start_s, count, rate_hz)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Let the body hear this from now on."""
        with self._lock:
            self._body.hear(self._order(at_s), heard)

    def truth(self, at_s: float) -> BodyTruth:
        """Return what the sensors ought to show."""
        with self._lock:
            return self._body.truth(self._order(at_s))

    def _order(self, at_s: float) -> float:
        """Return the time, or the latest asked for."""
        self._last_s = max(self._last_s, at_s)
        return self._last_s
