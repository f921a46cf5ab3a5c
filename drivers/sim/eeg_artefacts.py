"""What spoils an EEG: blinks, a clenched jaw, movement of head and wires, mains, a dead amplifier.

Sizes are those of OpenBCI's own sample recording (OpenBCI_GUI, "blinks, jaw clench, alpha"; eight
channels, eyes and jaw at known times), measured within 1 to 40 Hz: blinks 315 to 365 uV from peak to
peak at the forehead, a clenched jaw 160 to 330 uV, movement of the head 330 to 935 uV; its mains (20 to
100 Hz) is 70 to 380 uV RMS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.sim.bursts import Burst, Bursts
from drivers.sim.eeg import BLINK_SHARE, CHANNELS, RATE_HZ
from drivers.sim.faults import Faults
from drivers.sim.mains import hum_over

BLINK_UV = (310.0, 370.0)
_BLINKS = (0.8, (0.25, 0.4))  # chosen: nearly every second, where people at rest blink 17 times a minute

JAW_UV = 45.0  # RMS over all frequencies up to 125 Hz, at the nearest electrode
_JAW = (0.3, (1.0, 3.0))  # chosen
_JAW_SHARE = np.array([0.7, 0.7, 0.8, 0.8, 1.0, 1.0, 0.5, 0.5])  # chosen: the muscles lie at the temples

SWAY_UV = (330.0, 935.0)  # from peak to peak
_SWAY_HZ = (0.5, 4.0)  # chosen
_SWAYS = (0.5, (1.0, 3.0))  # chosen

HUM_EEG_UV = 350.0  # peak, 250 RMS
_HUM_SHARE = np.array([0.8, 1.0, 0.5, 0.4, 0.7, 0.7, 0.7, 0.7])  # electrodes differ, or it would cancel

_Signal = NDArray[np.float64]


class EegArtefacts:
    """Adds what is active to stretches of EEG.

    Args:
        seed: of everything that is drawn.
        faults: `eeg_blinks`, `eeg_jaw`, `eeg_motion`, `eeg_flat`; `hum_50hz` and `hum_60hz` are the
            converter's too.
    """

    def __init__(self, seed: int, faults: Faults) -> None:
        self._seed = seed
        self._faults = faults
        self._bursts = {"eeg_blinks": Bursts(seed, 21, *_BLINKS), "eeg_jaw": Bursts(seed, 22, *_JAW),
                        "eeg_motion": Bursts(seed, 23, *_SWAYS)}

    def spoil(self, start_s: float, microvolts: _Signal, rate_hz: float) -> _Signal:
        """Return samples (n, 8) in microvolts, the first at `start_s` of the world, with all that is active.

        A fault begins and ends with a stretch; the headset asks for stretches of at most 40 ms.
        """
        if len(microvolts) == 0:
            return microvolts
        if self._faults.active("eeg_flat", start_s):
            return np.zeros_like(microvolts)
        times = start_s + np.arange(len(microvolts)) / rate_hz
        spoiled: _Signal = microvolts + HUM_EEG_UV * hum_over(self._faults, times)[:, None] * _HUM_SHARE
        for kind, bursts in self._bursts.items():
            if not self._faults.active(kind, start_s):
                continue
            for burst in sorted({*bursts.at(float(times[0])), *bursts.at(float(times[-1]))}):
                spoiled = spoiled + self._shape(kind, burst, times)
        return spoiled

    def _shape(self, kind: str, burst: Burst, times: _Signal) -> _Signal:
        """Return what one burst adds, (n, 8)."""
        phase = (times - burst.start_s) / burst.length_s
        swell = np.where((phase >= 0.0) & (phase < 1.0), np.sin(np.pi * phase) ** 2, 0.0)
        if kind == "eeg_blinks":
            return np.asarray(_between(BLINK_UV, burst.draws[0]) * swell[:, None] * BLINK_SHARE)
        if kind == "eeg_jaw":
            return np.asarray(JAW_UV * np.sqrt(swell)[:, None] * self._muscle(times) * _JAW_SHARE)
        turns = _between(_SWAY_HZ, burst.draws[1]) * (times - burst.start_s) + burst.draws[2]
        gains = np.random.default_rng((self._seed, 25, int(burst.start_s))).uniform(-1.0, 1.0, CHANNELS)
        gains[np.abs(gains).argmax()] = 1.0  # one electrode at least takes all of it
        wave = 0.5 * _between(SWAY_UV, burst.draws[0]) * swell * np.sin(2.0 * np.pi * turns)
        return np.asarray(wave[:, None] * gains)

    def _muscle(self, times: _Signal) -> _Signal:
        """Return white noise of unit size, (n, 8); a fixed function of the time to a sample."""
        samples = np.floor(times * RATE_HZ + 1e-6).astype(np.int64)
        first, last = int(samples[0]) // RATE_HZ, int(samples[-1]) // RATE_HZ
        noise = np.concatenate([
            np.random.default_rng((self._seed, 24, second)).standard_normal((RATE_HZ, CHANNELS))
            for second in range(first, last + 1)])
        chosen: _Signal = noise[samples - first * RATE_HZ]
        return chosen


def _between(ends: tuple[float, float], share: float) -> float:
    """Return the point between two ends, 0 the first and 1 the second."""
    return ends[0] + share * (ends[1] - ends[0])
