"""Loudness, peaks, jumps and silence of a recording; loudness by pyloudnorm, not by the player's meter."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from device.desk.listening.sound import Recording

Floats = NDArray[np.float64]

SHORT_TERM_S, MOMENTARY_S = 3.0, 0.4  # EBU Tech 3341
HOP_S = 0.1
FRAME_S = 0.05
OVERSAMPLING = 4  # ITU-R BS.1770-4, annex 2, for 44.1 and 48 kHz
PEAK_BLOCK_S, PEAK_MARGIN = 10.0, 256
CLIP = 32766 / 32768  # the last step of 16 bit counts as clipped
FLOOR_DB = -100.0
SILENT_DBFS = -60.0  # about 35 dB below the music; below the noise of a ward
AUDIBLE_LUFS = -60.0  # a change below it is not heard


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """Levels of one recording; None where it is too short or silent.

    The peak, `clipped` and the integrated loudness are those of the whole recording, everything else of
    normal play: the largest change of the 50 ms level between neighbouring frames, of the momentary
    loudness (400 ms) between neighbouring stretches of 400 ms, up and down; where the rise is, in
    seconds of the recording; the share of 50 ms frames under -60 dBFS and the longest run of them.
    """

    integrated_lufs: float | None
    loudest_3s_lufs: float | None
    loudest_400ms_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float
    clipped: int
    rise_50ms_db: float
    rise_400ms_lu: float
    rise_400ms_at_s: float
    fall_400ms_lu: float
    silent_share: float
    longest_silence_s: float


class Loudness(NamedTuple):
    """Loudness of a recording: integrated (None for silence), and every 0.1 s ungated, floored at -100.

    `momentary` and `short_term` hold the windows of 400 ms and 3 s that begin then.
    """

    integrated_lufs: float | None
    momentary: Floats
    short_term: Floats

    def inside(self, normal_s: tuple[float, float]) -> Loudness:
        """Return the windows that lie wholly between two times."""
        first, last = (round(at_s / HOP_S) for at_s in normal_s)
        momentary, short_term = (
            row[first:max(first, last - round(window_s / HOP_S) + 1)]
            for row, window_s in ((self.momentary, MOMENTARY_S), (self.short_term, SHORT_TERM_S)))
        return Loudness(self.integrated_lufs, momentary, short_term)


def measure_levels(sound: Recording, normal_s: tuple[float, float], loudness: Loudness) -> Levels:
    """Measure levels.

    Args:
        sound: the recording.
        normal_s: where normal play begins and ends.
        loudness: of the whole recording.
    """
    whole = sound.samples
    normal = loudness.inside(normal_s)
    jumps, at = _jumps(normal.momentary)
    frames_db = frame_levels_db(sound.part(*normal_s))
    silent = frames_db < SILENT_DBFS
    return Levels(
        integrated_lufs=loudness.integrated_lufs,
        loudest_3s_lufs=_finite(float(loudness.short_term.max(initial=-np.inf))),
        loudest_400ms_lufs=_finite(float(loudness.momentary.max(initial=-np.inf))),
        loudness_range_lu=loudness_range_lu(normal.short_term),
        true_peak_dbtp=true_peak_db(sound), clipped=int((np.abs(whole) >= CLIP).sum()),
        rise_50ms_db=float(np.diff(np.maximum(frames_db, SILENT_DBFS)).max(initial=0.0)),
        rise_400ms_lu=max(0.0, float(jumps.max(initial=0.0))),
        rise_400ms_at_s=normal_s[0] + at * HOP_S + MOMENTARY_S,
        fall_400ms_lu=max(0.0, float((-jumps).max(initial=0.0))),
        silent_share=float(silent.mean()) if silent.size else 0.0,
        longest_silence_s=longest_run(silent) * FRAME_S,
    )


def measure_loudness(sound: Recording) -> Loudness:
    """Measure the loudness of a recording of at least 0.4 s by pyloudnorm."""
    integrated, momentary = _blocks(sound, MOMENTARY_S)
    short_term = _blocks(sound, SHORT_TERM_S)[1] if sound.duration_s >= SHORT_TERM_S else np.empty(0)
    return Loudness(_finite(integrated), momentary, short_term)


def _blocks(sound: Recording, window_s: float) -> tuple[float, Floats]:
    """Return the gated loudness, and the ungated one of windows that begin `HOP_S` apart."""
    import pyloudnorm

    meter = pyloudnorm.Meter(sound.rate_hz, block_size=window_s, overlap=1.0 - HOP_S / window_s)
    gated = float(meter.integrated_loudness(sound.samples.astype(np.float64)))
    return gated, np.maximum(np.array(meter.blockwise_loudness, float), FLOOR_DB)


def true_peak_db(sound: Recording) -> float:
    """Return the highest peak between samples in dB relative to full scale (dBTP), 4 times oversampled."""
    step, highest = round(PEAK_BLOCK_S * sound.rate_hz), 0.0
    for begin in range(0, len(sound.samples), step):
        block = sound.samples[max(0, begin - PEAK_MARGIN):begin + step + PEAK_MARGIN].astype(np.float64)
        between = signal.resample_poly(block, OVERSAMPLING, 1, axis=0)
        highest = max(highest, float(np.abs(between).max(initial=0.0)), float(np.abs(block).max(initial=0.0)))
    return float(20 * np.log10(max(highest, 10 ** (FLOOR_DB / 20))))


def frame_levels_db(sound: Recording) -> Floats:
    """Return the level of each whole 50 ms frame in dBFS: mean square over all channels."""
    frame = round(FRAME_S * sound.rate_hz)
    whole = sound.samples[:len(sound.samples) // frame * frame].astype(np.float64)
    squares = np.square(whole).reshape(-1, frame * whole.shape[1]).mean(axis=1)
    levels: Floats = 10 * np.log10(np.maximum(squares, 10 ** (FLOOR_DB / 10)))
    return levels


def loudness_range_lu(short_term: Floats) -> float | None:
    """Return the loudness range (EBU Tech 3342): 10th to 95th percentile of gated short-term loudness."""
    heard = short_term[short_term > -70.0]  # noqa: PLR2004 - Tech 3342's absolute gate
    if not heard.size:
        return None
    mean = 10 * np.log10(np.mean(10 ** (heard / 10)))
    gated = heard[heard > mean - 20.0]
    return float(np.subtract(*np.percentile(gated, (95, 10))))


def longest_run(flags: NDArray[np.bool_]) -> int:
    """Return the length of the longest row of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _jumps(momentary: Floats) -> tuple[Floats, int]:
    """Return loudness minus that of the 400 ms before, and where it rises most."""
    apart = round(MOMENTARY_S / HOP_S)
    heard = np.maximum(momentary, AUDIBLE_LUFS)
    jumps = heard[apart:] - heard[:-apart]
    return jumps, int(jumps.argmax()) if jumps.size else 0


def _finite(value: float) -> float | None:
    """Return a number, None for the minus infinity of silence."""
    return float(value) if np.isfinite(value) else None
