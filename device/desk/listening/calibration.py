"""Known signals through the same measures: if these figures are wrong, none of the others counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.desk.listening.bounds import Failure
from device.desk.listening.clicks import find_clicks
from device.desk.listening.hearing import Hearing, hear
from device.desk.listening.levels import Levels, measure_levels, measure_loudness
from device.desk.listening.sound import Recording

Floats = NDArray[np.float64]

RATE_HZ = 44_100
SECONDS = 10.0


def sine(hz: float, level_db: float = -20.0, phase: float = 0.0) -> Recording:
    """Return ten seconds of a sine in both channels; the level is that of its peak."""
    return stereo(10 ** (level_db / 20) * np.sin(2 * np.pi * hz * _times() + phase))


def two_sines(hz: float, other_hz: float) -> Recording:
    """Return two sines of -26 dBFS each."""
    return stereo(0.05 * (np.sin(2 * np.pi * hz * _times()) + np.sin(2 * np.pi * other_hz * _times())))


def noise(level_db: float = -30.0) -> Recording:
    """Return white noise of that level."""
    return stereo(10 ** (level_db / 20) * np.random.default_rng(1).standard_normal(_times().size))


def beats(bpm: float) -> Recording:
    """Return decaying tones in a steady pulse, with attacks of 3 ms."""
    apart = _times() % (60.0 / bpm)
    envelope = np.exp(-30.0 * apart) * np.square(np.minimum(1.0, apart / 0.003))
    return stereo(0.2 * np.sin(2 * np.pi * 880.0 * apart) * envelope)


def stepped(step: float) -> Recording:
    """Return a soft chord with one step of that size in the middle of its left channel."""
    tones = sum(np.sin(2 * np.pi * hz * _times() + hz) for hz in (220.0, 277.2, 329.6))
    samples = stereo(0.03 * np.asarray(tones)).samples.copy()
    samples[samples.shape[0] // 2:, 0] += step
    return Recording(samples, RATE_HZ)


def stereo(mono: Floats) -> Recording:
    """Return a row of samples as both channels of a recording."""
    return Recording(np.column_stack([mono, mono]).astype(np.float32), RATE_HZ)


class Check(NamedTuple):
    """One figure of a known signal, and where it must lie."""

    name: str
    value: Callable[[], float | None]
    low: float
    high: float


def _levels(sound: Recording) -> Levels:
    """Return the levels of a signal that is normal play from end to end."""
    return measure_levels(sound, (0.0, sound.duration_s), measure_loudness(sound))


def heard(sound: Recording) -> Hearing:
    """Return what is heard in a signal."""
    return hear(sound, measure_loudness(sound).short_term)


# A sine of -20 dBFS at 997 Hz in both channels reads -20.0 LUFS (ITU-R BS.1770-4, annex 1). At a quarter
# of the sampling rate and 45 degrees the samples miss the peak by 3 dB.
CHECKS: Final[tuple[Check, ...]] = (
    Check("loudness of a sine", lambda: _levels(sine(997.0)).integrated_lufs, -20.1, -19.9),
    Check("3 s loudness of a sine", lambda: _levels(sine(997.0)).loudest_3s_lufs, -20.1, -19.9),
    Check("true peak between samples", lambda: _levels(sine(RATE_HZ / 4, -6.0, np.pi / 4)).true_peak_dbtp,
          -6.2, -5.8),
    Check("jump within a sine", lambda: _levels(sine(997.0)).rise_400ms_lu, 0.0, 0.1),
    Check("centroid of a sine", lambda: float(heard(sine(1000.0)).centroid_hz[0]), 980.0, 1040.0),
    Check("centroid of white noise", lambda: float(heard(noise()).centroid_hz[0]), 5200.0, 5900.0),
    Check("onsets of a pulse of 80 bpm", lambda: float(heard(beats(80.0)).onsets_per_s[0]), 1.2, 1.4),
    Check("tempo of a pulse of 80 bpm", lambda: float(heard(beats(80.0)).tempo_bpm[0]), 77.0, 83.0),
    Check("clarity of a pulse", lambda: float(heard(beats(80.0)).pulse_clarity[0]), 0.7, 1.1),
    Check("clarity of white noise", lambda: float(heard(noise()).pulse_clarity[0]), 0.0, 0.35),
    Check("roughness of a sine", lambda: float(heard(sine(500.0)).roughness[0]), 0.0, 0.005),
    Check("roughness of an octave", lambda: float(heard(two_sines(500.0, 1000.0)).roughness[0]), 0.0, 0.005),
    Check("roughness of 30 Hz apart", lambda: float(heard(two_sines(500.0, 530.0)).roughness[0]),
          0.08, 0.092),
    Check("clicks in a chord", lambda: float(len(find_clicks(stepped(0.0)))), 0.0, 0.0),
    Check("clicks of a step of -34 dBFS", lambda: float(len(find_clicks(stepped(0.02)))), 1.0, 1.0),
)


def calibrate() -> list[Failure]:
    """Return the known signals that were measured wrongly."""
    failures = []
    for check in CHECKS:
        value = check.value()
        if value is None or not check.low <= value <= check.high:
            failures.append(Failure(session="known signals", figure=check.name, value=value,
                                    bound=f"{check.low:g} to {check.high:g}"))
    return failures


def _times() -> Floats:
    """Return the times of the samples."""
    return np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
