"""The simulated patient's EEG: eight channels of 1/f background, alpha, beta and blinks.

Each second is laid out as a spectrum, turned into two seconds of signal and cross-faded with its
neighbours by a sine window, whose squares add up to one, so the power stays even. Every second
depends on the seed, its number and the arousal alone, so any stretch can be asked for at any rate.

Alpha (8 to 13 Hz, largest at the back) falls and beta (13 to 30 Hz) rises with arousal: the classic
picture of arousal; sizes are chosen to give the tens of microvolts of an adult scalp EEG. Blinks come
17 times a minute as at rest (Bentivoglio et al. 1997, Movement Disorders).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivers.sim.track import Track

RATE_HZ = 250  # the Cyton's own, so that a board that starts on a whole second gets exact samples
CHANNELS = 8  # Fp1, Fp2, C3, C4, P7, P8, O1, O2: the Cyton's default montage

_BACK = np.array([0.35, 0.35, 0.6, 0.6, 0.85, 0.85, 1.0, 1.0])  # chosen: how alpha spreads
BLINK_SHARE = np.array([1.0, 0.95, 0.12, 0.12, 0.04, 0.04, 0.02, 0.02])  # chosen
_COMMON = 0.5  # chosen: share of power that all channels have in common (volume conduction)
_BACKGROUND_UV = 7.0  # chosen, RMS from slowest to fastest
_SLOWEST_HZ, _FASTEST_HZ = 0.5, 45.0
_ALPHA_UV, _ALPHA_FLOOR_UV = 16.0, 2.0  # chosen, RMS at the back, times (1 - arousal)
_ALPHA_HZ, _ALPHA_SD_HZ = 10.0, 0.8
_BETA_UV, _BETA_FLOOR_UV = 4.5, 1.2  # chosen, RMS, times arousal
_BETA_HZ, _BETA_SD_HZ = 20.0, 4.0
_BLINKS_PER_S = 17.0 / 60.0
_BLINK_S = 0.35  # chosen: 0.1 to 0.4 s is usual
_BLINK_UV = (80.0, 160.0)  # chosen


class Scalp:
    """EEG as a function of time and of the arousal track."""

    _KEPT = 8

    def __init__(self, seed: int, arousal: Track) -> None:
        self._seed = seed
        self._arousal = arousal
        frequencies = np.fft.rfftfreq(2 * RATE_HZ, 1.0 / RATE_HZ)
        rng = np.random.default_rng((seed, 0))
        self._alpha_hz = _ALPHA_HZ + 0.5 * float(np.clip(rng.normal(), -1.5, 1.5))
        slope = np.where(frequencies >= _SLOWEST_HZ, 1.0 / np.maximum(frequencies, _SLOWEST_HZ), 0.0)
        self._background = _unit(slope / (1.0 + (frequencies / _FASTEST_HZ) ** 8))
        self._alpha = _unit(np.exp(-0.5 * ((frequencies - self._alpha_hz) / _ALPHA_SD_HZ) ** 2))
        self._beta = _unit(np.exp(-0.5 * ((frequencies - _BETA_HZ) / _BETA_SD_HZ) ** 2))
        self._window = np.sin(np.pi * np.arange(2 * RATE_HZ + 1) / (2 * RATE_HZ))[:, None]
        self._seconds: dict[int, NDArray[np.float64]] = {}
        self._grains: dict[int, NDArray[np.float64]] = {}

    def microvolts(self, start_s: float, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return `count` samples (count, 8) in microvolts from an elapsed time on.

        Between the 250 Hz samples lie straight lines, which cost at worst 7 % of the amplitude at
        30 Hz; NaN before time 0. Arousal must be known to the whole second after the last sample.
        """
        times = (start_s + np.arange(count) / rate_hz) * RATE_HZ
        born = np.maximum(times, 0.0)
        first = int(born[0]) // RATE_HZ
        last = int(born[-1]) // RATE_HZ
        parts = [self._second(index) for index in range(first, last + 1)]
        grid = np.concatenate([*(part[:-1] for part in parts), parts[-1][-1:]])
        place = born - first * RATE_HZ
        below = np.minimum(place.astype(np.int64), len(grid) - 2)
        share = (place - below)[:, None]
        samples: NDArray[np.float64] = grid[below] * (1.0 - share) + grid[below + 1] * share
        samples[times < 0.0] = np.nan
        return samples

    def _second(self, index: int) -> NDArray[np.float64]:
        """Return one second and the first sample of the next, (251, 8)."""
        if index not in self._seconds:
            signal = self._grain(index)[RATE_HZ:] + self._grain(index + 1)[: RATE_HZ + 1]
            signal += self._blinks(index)
            _keep(self._seconds, index, signal, self._KEPT)
        return self._seconds[index]

    def _grain(self, index: int) -> NDArray[np.float64]:
        """Return the two windowed seconds around a whole second, (501, 8)."""
        if index not in self._grains:
            arousal = self._arousal.second(index)
            rng = np.random.default_rng((self._seed, 1, index))
            alpha_uv = _ALPHA_FLOOR_UV + _ALPHA_UV * (1.0 - arousal)
            beta_uv = _BETA_FLOOR_UV + _BETA_UV * arousal
            power = (_BACKGROUND_UV**2 * self._background[:, None]
                     + alpha_uv**2 * self._alpha[:, None] * _BACK**2
                     + beta_uv**2 * self._beta[:, None])
            draws = rng.standard_normal((2, len(power), CHANNELS + 1))
            mixed = math.sqrt(_COMMON) * draws[..., :1] + math.sqrt(1.0 - _COMMON) * draws[..., 1:]
            spectrum = RATE_HZ * np.sqrt(power) * (mixed[0] + 1j * mixed[1])
            signal = np.fft.irfft(spectrum, 2 * RATE_HZ, axis=0)
            _keep(self._grains, index, np.concatenate([signal, signal[:1]]) * self._window, self._KEPT)
        return self._grains[index]

    def _blinks(self, index: int) -> NDArray[np.float64]:
        """Return what the eyelids add to one second, (251, 8)."""
        times = index + np.arange(RATE_HZ + 1) / RATE_HZ
        total = np.zeros(RATE_HZ + 1)
        for second in (index - 1, index):
            rng = np.random.default_rng((self._seed, 2, max(0, second)))
            for _ in range(rng.poisson(_BLINKS_PER_S) if second >= 0 else 0):
                phase = (times - second - rng.random()) / _BLINK_S
                height = rng.uniform(*_BLINK_UV)
                total += np.where((phase > 0) & (phase < 1), height * np.sin(np.pi * phase) ** 2, 0.0)
        spread: NDArray[np.float64] = total[:, None] * BLINK_SHARE
        return spread


def _unit(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale a power spectrum so that its bins add up to one."""
    return shape / float(shape.sum())


def _keep(
    store: dict[int, NDArray[np.float64]], index: int, value: NDArray[np.float64], limit: int
) -> None:
    """Remember a value; the oldest goes when the store is full."""
    store[index] = value
    if len(store) > limit:
        del store[min(store)]
