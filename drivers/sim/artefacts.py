"""What spoils the signals between the body and the converter: motion, saturation, dead sensors, mains.

All of it is a function of the seed and of the time, and is there only while a fault of its kind is
(`drivers.sim.faults`). Sizes are against what these sensors show of a person: skin 2 to 20 uS, a pulse of
0.5 V. Movement of the electrodes, bridging by sweat or gel, and mains are the artefacts that Boucsein
(2012, Electrodermal Activity) and Kleckner et al. (2018, IEEE Trans Biomed Eng 65:1460)
describe; those of a pulse sensor are described by Allen (2007, Physiol Meas 28:R1). Where neither gives a
size it is marked as chosen.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivers.sim.body import Body, BodyTruth, Heard
from drivers.sim.bursts import Burst, Bursts
from drivers.sim.eeg_artefacts import EegArtefacts
from drivers.sim.faults import Faults
from drivers.sim.recording import RAILS_V

# An electrode that slides or is pressed: contact area times exp(-1.2 to 0.4), so 30 to 150 %. Chosen.
SLIDE_LOG = (-1.2, 0.4)
_SLIDE_RAMP_S = 0.3  # chosen: down and up again
_SLIDES = (0.5, (0.5, 3.0))  # chosen: every other second, for half a second to three

# Sweat or gel that joins the electrodes: far above the 60 uS that Kleckner allows, below a short. Chosen.
BRIDGE_US = (65.0, 90.0)
_BRIDGE_HZ = 0.2

# A finger that moves under the sensor: up to three times the pulse, within its band. Chosen.
KNOCK_V = (0.2, 1.5)
_KNOCK_HZ = (0.5, 5.0)
_KNOCKS = (0.5, (1.0, 4.0))

# A finger that taps along: as regular as people tap, with a spread of 3 % of the interval (Repp 2005,
# Psychonomic Bulletin & Review 12:969, gives 2 to 5 %).
TAP_HZ = 2.0
TAP_V = 0.8  # chosen
_TAP_SPREAD = 0.03
_TAP_SD_S = 0.06  # chosen: about the width of a systolic wave

# Light that falls on the sensor pushes the wave against the upper rail and lets go. Chosen.
GLARE_V = 2.5
_GLARE_HZ = 0.15

# The displacement current into a body near mains is of the order of 0.1 to 1 uA (Huhta and Webster 1973,
# IEEE Trans Biomed Eng 20:91); 0.5 uA over the 40 kOhm of skin beside the reference resistor are 20 mV.
HUM_GSR_V = 0.020  # peak
HUM_PPG_V = 0.100  # peak; chosen, a pulse sensor with a broken ground

# A processor or bus that is busy elsewhere: nearly every second transfers wait. Chosen.
STALL_S = (0.02, 0.30)
_STALLS = (0.9, STALL_S)


class DisturbedBody:
    """A body as the sensors get to feel it; `drivers.sim.body.Body` around another one.

    Args:
        body: whose signals are spoiled.
        faults: when, and how.
        seed: of everything that is drawn.
        start_s: the world's start, from which faults count.
    """

    def __init__(self, body: Body, faults: Faults, *, seed: int, start_s: float) -> None:
        self._body = body
        self._faults = faults
        self._start_s = start_s
        self._slides = Bursts(seed, 11, *_SLIDES)
        self._knocks = Bursts(seed, 12, *_KNOCKS)
        self._seed = seed
        self._scalp = EegArtefacts(seed, faults)
        self._held: dict[str, float] = {}

    def skin_us(self, at_s: float) -> float:
        """Return conductance between the electrodes in microsiemens, NaN without contact."""
        elapsed_s = at_s - self._start_s
        skin_us = self._hold("gsr_flat", elapsed_s, self._body.skin_us(at_s))
        if self._faults.active("gsr_motion", elapsed_s):
            skin_us *= math.exp(sum(_slide(burst, elapsed_s) for burst in self._slides.at(elapsed_s)))
        if self._faults.active("gsr_saturated", elapsed_s):
            skin_us += _between(BRIDGE_US, 0.5 + 0.5 * math.sin(2.0 * math.pi * _BRIDGE_HZ * elapsed_s))
        return skin_us

    def pulse_v(self, at_s: float) -> float:
        """Return the pulse sensor's output in volts, cut at its rails while disturbed, NaN off the finger."""
        elapsed_s = at_s - self._start_s
        quiet_v = self._hold("ppg_flat", elapsed_s, self._body.pulse_v(at_s))
        volts = quiet_v
        if self._faults.active("ppg_motion", elapsed_s):
            volts += sum(_knock(burst, elapsed_s) for burst in self._knocks.at(elapsed_s))
        if self._faults.active("ppg_tapping", elapsed_s):
            volts += self._taps(elapsed_s)
        if self._faults.active("ppg_saturated", elapsed_s):
            volts += GLARE_V * (0.5 - 0.5 * math.cos(2.0 * math.pi * _GLARE_HZ * elapsed_s))
        if volts == quiet_v or math.isnan(volts):
            return quiet_v
        return min(RAILS_V[1], max(RAILS_V[0], volts))

    def skin_c(self, at_s: float) -> float:
        """Return skin temperature in degrees Celsius, undisturbed."""
        return self._body.skin_c(at_s)

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return consecutive EEG samples (count, 8) in microvolts."""
        microvolts = self._body.eeg_uv(start_s, count, rate_hz)
        return self._scalp.spoil(start_s - self._start_s, microvolts, rate_hz)

    def hear(self, at_s: float, heard: Heard | None) -> None:
        """Let the body hear this from now on."""
        self._body.hear(at_s, heard)

    def truth(self, at_s: float) -> BodyTruth:
        """Return what the sensors ought to show, disturbed or not."""
        return self._body.truth(at_s)

    def _hold(self, kind: str, elapsed_s: float, value: float) -> float:
        """Return the value that a fault of this kind began with while it lasts, else the present one."""
        if not self._faults.active(kind, elapsed_s):
            self._held.pop(kind, None)
            return value
        return self._held.setdefault(kind, value)

    def _taps(self, elapsed_s: float) -> float:
        """Return the volts of the tap that is nearest."""
        nearest = max(0, round(elapsed_s * TAP_HZ))
        spread = np.random.default_rng((self._seed, 13, nearest)).normal()
        tap_s = (nearest + _TAP_SPREAD * float(spread)) / TAP_HZ
        return TAP_V * math.exp(-0.5 * ((elapsed_s - tap_s) / _TAP_SD_S) ** 2)


class Stalls:
    """Times at which a bus transfer has to wait; samples that are due meanwhile are never read."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._bursts = Bursts(seed, 14, *_STALLS)

    def left_s(self, elapsed_s: float) -> float:
        """Return for how many seconds a transfer that begins now is held up, 0 if it is not."""
        if not self._faults.active("samples_dropped", elapsed_s):
            return 0.0
        return max((stall.start_s + stall.length_s - elapsed_s for stall in self._bursts.at(elapsed_s)),
                   default=0.0)


def _slide(burst: Burst, elapsed_s: float) -> float:
    """Return the logarithm of the contact area that a sliding electrode has left."""
    since_s = elapsed_s - burst.start_s
    edge = min(since_s, burst.length_s - since_s) / _SLIDE_RAMP_S
    return _between(SLIDE_LOG, burst.draws[0]) * min(1.0, edge)


def _knock(burst: Burst, elapsed_s: float) -> float:
    """Return the volts that a movement of the finger adds: two waves that swell and fade."""
    since_s = elapsed_s - burst.start_s
    first, second = (math.sin(2.0 * math.pi * (_between(_KNOCK_HZ, draw) * since_s + draw))
                     for draw in burst.draws[1:3])
    swell = math.sin(math.pi * burst.phase(elapsed_s)) ** 2
    return _between(KNOCK_V, burst.draws[0]) * swell * 0.5 * (first + second)


def _between(ends: tuple[float, float], share: float) -> float:
    """Return the point between two ends, 0 the first and 1 the second."""
    return ends[0] + share * (ends[1] - ends[0])
