"""What spoils a segment of EEG: eyes, muscles, movement, bad contact; told from the signal alone.

The limits were chosen between two recordings: the artefact-free EEGMAT set (99 % of its segments pass
every one) and the OpenBCI sample with known blinks, jaw clenching and head movement, whose electrodes
hum and drift as a real headset's do.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from device.features.window import FloatArray

Causes = NDArray[np.int8]

RAIL_UV = 187_000.0  # the Cyton's converter ends at 4.5 V / 24 = 187,500 uV
STUCK_SHARE = 0.5  # of samples that repeat the one before; EEG in steps of 0.1 uV repeats below a tenth
BROAD_HZ = (1.0, 40.0)  # where amplitude is judged: without electrode drift and mains
SMALLEST_UV = 1.0  # peak to peak; a flat channel is not connected
LARGEST_UV = 200.0  # peak to peak; movement exceeds it (convention 150 to 200)
SLOW_HZ = (1.0, 6.0)  # a blink lasts 0.2 to 0.4 s
SLOW_UV = 110.0  # peak to peak; the sample's blinks 112 to 400, EEGMAT's 99th percentile 45 to 104
POP_UV_PER_S = 14_000.0  # an electrode that slips; EEGMAT's 99.9th percentile at most 12,000
MUSCLE_HZ = (30.0, 45.0)  # below the mains of either continent
MUSCLE_UV = 14.0  # RMS; the sample at rest 5 to 10, its clenched jaw 17 to 39, EEGMAT at most 7
MAINS_HZ = (48.0, 62.0)
MAINS_UV = 1000.0  # RMS; the sample's usable contacts 62 to 405, an open electrode in millivolts
MUSCLE_CHANNELS = 0.25  # of the connected ones: a jaw spoils the whole scalp, the distant ones unseen
MOVED_CHANNELS = 0.5


class Cause(IntEnum):
    """Why a channel's segment is not used; the first that applies."""

    CLEAN = 0
    LOST = 1  # samples are missing
    RAILED = 2
    FLAT = 3
    HUM = 4
    MUSCLE = 5
    MOVED = 6
    BLINK = 7  # or another slow deflection
    POP = 8


_CLEAN, _LAST_OF_CONTACT = int(Cause.CLEAN), int(Cause.HUM)  # causes up to here are those of the electrode
_SPREADING = ((int(Cause.MUSCLE), MUSCLE_CHANNELS), (int(Cause.MOVED), MOVED_CHANNELS))


class ArtefactJudge:
    """Judges segments of one length and rate.

    Args:
        length: samples of a segment.
        rate_hz: sample rate, 125 Hz or more.
    """

    def __init__(self, length: int, rate_hz: float) -> None:
        self._length = length
        self._seconds = length / rate_hz
        self._broad = self._bins(BROAD_HZ)
        self._slow = self._bins(SLOW_HZ)
        self._muscle = self._bins(MUSCLE_HZ)
        self._mains = self._bins(MAINS_HZ)

    def judge(self, raw: FloatArray, spectrum: NDArray[np.complex128], power: FloatArray) -> Causes:
        """Return a `Cause` for each channel.

        Args:
            raw: microvolts as they came, (channels, length); NaN where lost.
            spectrum: of the detrended segment, tapered at its ends, (channels, length // 2 + 1).
            power: of the same under a Hann window, uV^2 in each bin.
        """
        broad, steepest = self._swing(spectrum, self._broad)
        slow, _ = self._swing(spectrum, self._slow)
        with np.errstate(invalid="ignore"):
            checks = (
                (Cause.POP, steepest > POP_UV_PER_S),
                (Cause.BLINK, slow > SLOW_UV),
                (Cause.MOVED, broad > LARGEST_UV),
                (Cause.MUSCLE, _rms(power, self._muscle) > MUSCLE_UV),
                (Cause.HUM, _rms(power, self._mains) > MAINS_UV),
                (Cause.FLAT, (broad < SMALLEST_UV) | _stuck(raw)),
                (Cause.RAILED, np.abs(raw).max(axis=1) >= RAIL_UV),
                (Cause.LOST, ~np.isfinite(raw).all(axis=1)),
            )
        causes = np.zeros(raw.shape[0], dtype=np.int8)
        for cause, applies in checks:
            causes[applies] = int(cause)
        return _whole_head(causes)

    def _bins(self, band_hz: tuple[float, float]) -> slice:
        """Return the bins of a band."""
        return slice(round(band_hz[0] * self._seconds), round(band_hz[1] * self._seconds) + 1)

    def _swing(self, spectrum: NDArray[np.complex128], band: slice) -> tuple[FloatArray, FloatArray]:
        """Return each channel's peak-to-peak amplitude within a band, and its steepest slope per second.

        The signal is rebuilt on the coarsest even grid with at least three points a cycle.
        """
        points = 3 * band.stop
        part = np.zeros((spectrum.shape[0], points // 2 + 1), dtype=np.complex128)
        part[:, band] = spectrum[:, band]
        signal = np.fft.irfft(part, points) * (points / self._length)
        steepest = np.abs(np.diff(signal, axis=1)).max(axis=1) * (points / self._seconds)
        return np.ptp(signal, axis=1), steepest


def muscle_share(causes: Causes) -> float:
    """Return for how much of the time most of the scalp was under muscle or movement, 0 to 1.

    Args:
        causes: of segments in order of time, (segments, channels).
    """
    spoilt = np.isin(causes, [cause for cause, _ in _SPREADING])
    return float(np.median(spoilt.mean(axis=0)))


def _rms(power: FloatArray, band: slice) -> FloatArray:
    """Return each channel's RMS amplitude within a band."""
    return np.asarray(np.sqrt(power[:, band].sum(axis=1)))


def _stuck(raw: FloatArray) -> NDArray[np.bool_]:
    """Tell which channels repeat their last sample too often to be alive."""
    repeats = np.count_nonzero(raw[:, 1:] == raw[:, :-1], axis=1)
    return np.asarray(repeats > STUCK_SHARE * raw.shape[1])


def _whole_head(causes: Causes) -> Causes:
    """Return the causes with those of all channels that a clenched jaw or a moving head reaches."""
    connected = (causes == _CLEAN) | (causes > _LAST_OF_CONTACT)
    count = np.count_nonzero(connected)
    for cause, share in _SPREADING:
        if np.count_nonzero(causes == cause) >= max(2.0, share * count):
            causes[causes == _CLEAN] = cause
    return causes
