"""What a WAV file of a session holds: level, loudness, onset and spectrum, in bounded memory.

The player limits loudness with its own meter; this one is independent of it, so that one can be held
against the other.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from device.desk.wavfile import WavFile

Floats = NDArray[np.float64]

CHUNK_STEPS = 100  # of 0.1 s: 10 s of sound in memory at a time
STEP_S = 0.1  # hop of the gating blocks (ITU-R BS.1770-4: 400 ms overlapping by 75 %)
BLOCK_STEPS = 4
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, 10.0  # ITU-R BS.1770-4, annex 1
FRAME_S = 0.05
FLOOR_DB = -90.0  # below the noise of any listening room at a safe level; keeps logarithms finite
AUDIBLE_DBFS = -60.0  # about 40 dB below programme loudness
SPECTRUM_FLOOR_DB = -140.0  # below the noise of 16 bit samples in one band
JUMP_FLOOR_DB = -60.0  # changes below this level cannot be heard and do not count as jumps
MAX_COLUMNS = 1400  # of the spectrogram: about one per pixel of its plot
FFT_SAMPLES = 16_384  # 2.7 Hz apart at 44.1 kHz: semitones stay apart down to 55 Hz
LOWEST_HZ, HIGHEST_HZ, BANDS = 40.0, 12_000.0, 160


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """One WAV file, measured.

    Levels are dB relative to full scale of the mean square over all channels, floored at `FLOOR_DB`.
    `frame_db` has one value per 50 ms, `short_term_lufs` one per 0.1 s over the 3 s before it (NaN in
    the first 3 s), `spectrum_db` is BANDS x columns, at `bands_hz` and `column_s` apart;
    `integrated_lufs` is None for silence. `rise_db` and `fall_db` are the largest steps between
    neighbouring 50 ms frames.
    """

    rate_hz: int
    channels: int
    duration_s: float
    peak_dbfs: float
    integrated_lufs: float | None
    first_sample_s: float | None
    first_audible_s: float | None
    rise_db: float
    rise_at_s: float
    fall_db: float
    fall_at_s: float
    frame_db: Floats
    short_term_lufs: Floats
    bands_hz: Floats
    column_s: float
    spectrum_db: Floats


def measure_sound(path: Path) -> Sound:
    """Measure a WAV file from beginning to end, ten seconds at a time.

    Raises:
        RecordingError: the file is absent or no WAV file that is understood.
    """
    wav = WavFile(path)
    step = 2 * round(wav.rate_hz * FRAME_S)
    meter, spectrum = _Meter(wav, step), _Spectrum(wav)
    for block in wav.blocks(step * CHUNK_STEPS):
        meter.update(block)
        spectrum.update(block.mean(axis=1))
    frame_db = _db(np.concatenate(meter.frame_squares or [np.empty(0)]))
    audible = np.flatnonzero(frame_db > AUDIBLE_DBFS)
    weighted = np.concatenate(meter.step_squares or [np.empty(0)])
    steps_db = np.diff(np.maximum(frame_db, JUMP_FLOOR_DB)) if frame_db.size > 1 else np.zeros(1)
    return Sound(
        rate_hz=wav.rate_hz, channels=wav.channels, duration_s=wav.frames / wav.rate_hz,
        peak_dbfs=float(20 * np.log10(max(meter.peak, 10 ** (FLOOR_DB / 20)))),
        integrated_lufs=integrated_lufs(weighted),
        first_sample_s=None if meter.first is None else meter.first / wav.rate_hz,
        first_audible_s=float(audible[0] * FRAME_S) if audible.size else None,
        rise_db=max(0.0, float(steps_db.max())), rise_at_s=float(steps_db.argmax() + 1) * FRAME_S,
        fall_db=max(0.0, -float(steps_db.min())), fall_at_s=float(steps_db.argmin() + 1) * FRAME_S,
        frame_db=frame_db, short_term_lufs=_short_term(weighted),
        bands_hz=spectrum.bands_hz, column_s=spectrum.column_s, spectrum_db=spectrum.decibels(),
    )


def k_weighting(rate_hz: float) -> Floats:
    """Return the two second-order sections (2 x 6) of the K weighting at any sampling rate.

    ITU-R BS.1770-4, annex 1, gives coefficients at 48 kHz only; these are the analogue shelf (1681.97 Hz,
    +4 dB, Q 0.7072) and high pass (38.14 Hz, Q 0.5003) behind them, through the bilinear transform.
    """
    return np.vstack([
        _section(rate_hz, 1681.974450955533, 0.7071752369554196, shelf_db=3.999843853973347),
        _section(rate_hz, 38.13547087602444, 0.5003270373238773, shelf_db=None),
    ])


def integrated_lufs(step_squares: Floats) -> float | None:
    """Return the gated loudness of K-weighted mean squares per 0.1 s; None when all of it is silence.

    ITU-R BS.1770-4: blocks of 400 ms, absolute gate at -70 LUFS, relative gate 10 LU below.
    """
    if step_squares.size < BLOCK_STEPS:
        return None
    blocks = np.convolve(step_squares, np.full(BLOCK_STEPS, 1 / BLOCK_STEPS), "valid")
    blocks = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if not blocks.size:
        return None
    blocks = blocks[_lufs(blocks) > _lufs(blocks.mean()) - RELATIVE_GATE_LU]
    return float(_lufs(blocks.mean()))


class _Meter:
    """Peak, onset and mean squares of blocks that come one after another."""

    def __init__(self, wav: WavFile, step: int) -> None:
        self._step = step
        self._sections = k_weighting(wav.rate_hz)
        self._state = np.zeros((2, 2, wav.channels))
        self._seen = 0
        self.peak = 0.0
        self.first: int | None = None
        self.frame_squares: list[Floats] = []
        self.step_squares: list[Floats] = []

    def update(self, block: Floats) -> None:
        """Take the next block (frames x channels), whole steps long but for the last."""
        self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))
        if self.first is None and (sounding := np.flatnonzero(block.any(axis=1))).size:
            self.first = self._seen + int(sounding[0])
        self._seen += len(block)
        self.frame_squares.append(_squares(block, self._step // 2).mean(axis=1))
        weighted, self._state = signal.sosfilt(self._sections, block, axis=0, zi=self._state)
        self.step_squares.append(_squares(weighted, self._step).sum(axis=1))


class _Spectrum:
    """Power in logarithmic bands over time, at most `MAX_COLUMNS` columns however long the sound."""

    def __init__(self, wav: WavFile) -> None:
        self._hop = FFT_SAMPLES // 2
        frames = max(1, (wav.frames - FFT_SAMPLES) // self._hop + 1)
        self._group = -(-frames // MAX_COLUMNS)
        self.column_s = self._group * self._hop / wav.rate_hz
        self._window = np.hanning(FFT_SAMPLES)
        self._bins_hz = np.fft.rfftfreq(FFT_SAMPLES, 1 / wav.rate_hz)
        self.bands_hz = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, wav.rate_hz / 2.1), BANDS)
        ratio = np.sqrt(self.bands_hz[1] / self.bands_hz[0])
        edges_hz = np.append(self.bands_hz / ratio, self.bands_hz[-1] * ratio)
        self._edges = np.searchsorted(self._bins_hz, edges_hz)
        self._tail = np.empty(0)
        self._pending: list[Floats] = []
        self._columns: list[Floats] = []

    def update(self, mono: Floats) -> None:
        """Take the next samples."""
        sound = np.concatenate([self._tail, mono])
        count = max(0, (len(sound) - FFT_SAMPLES) // self._hop + 1)
        for index in range(count):
            piece = sound[index * self._hop:index * self._hop + FFT_SAMPLES]
            power = np.abs(np.fft.rfft(piece * self._window)) ** 2 / (self._window.sum() / 2) ** 2
            self._pending.append(self._banded(power))
            if len(self._pending) == self._group:
                self._columns.append(np.mean(self._pending, axis=0))
                self._pending = []
        self._tail = sound[count * self._hop:]

    def _banded(self, power: Floats) -> Floats:
        """Return the strongest bin of each band, or what lies between bins where a band has none."""
        strongest = np.maximum.reduceat(power, self._edges[:-1])
        between = np.interp(self.bands_hz, self._bins_hz, power)
        return np.where(np.diff(self._edges) > 0, strongest, between)

    def decibels(self) -> Floats:
        """Return bands x columns in dB relative to a full-scale sine."""
        columns = self._columns + ([np.mean(self._pending, axis=0)] if self._pending else [])
        if not columns:
            return np.full((BANDS, 1), SPECTRUM_FLOOR_DB)
        return _db(np.stack(columns, axis=1), SPECTRUM_FLOOR_DB)


def _section(rate_hz: float, corner_hz: float, quality: float, shelf_db: float | None) -> Floats:
    """Return one second-order section: a high shelf of that gain, or a high pass of unit gain."""
    warped = np.tan(np.pi * corner_hz / rate_hz)
    norm = 1 + warped / quality + warped**2
    feedback = [1.0, 2 * (warped**2 - 1) / norm, (1 - warped / quality + warped**2) / norm]
    if shelf_db is None:
        return np.array([1.0, -2.0, 1.0, *feedback])
    high = 10 ** (shelf_db / 20)
    middle = high**0.4996667741545416  # gain at the corner as the standard's coefficients have it
    return np.array([
        (high + middle * warped / quality + warped**2) / norm,
        2 * (warped**2 - high) / norm,
        (high - middle * warped / quality + warped**2) / norm,
        *feedback,
    ])


def _squares(block: Floats, frame: int) -> Floats:
    """Return mean squares as frames x channels; a rest shorter than a frame counts as full length."""
    missing = -len(block) % frame
    padded = np.pad(block, ((0, missing), (0, 0))) if missing else block
    squares: Floats = np.square(padded).reshape(-1, frame, block.shape[1]).mean(axis=1)
    return squares


def _short_term(step_squares: Floats) -> Floats:
    """Return loudness over the last 3 s at every step; NaN where 3 s have not passed."""
    steps = round(3.0 / STEP_S)
    if step_squares.size < steps:
        return np.full(step_squares.shape, np.nan)
    means = np.convolve(step_squares, np.full(steps, 1 / steps), "valid")
    return np.concatenate([np.full(steps - 1, np.nan), _lufs(np.maximum(means, 0.0))])


def _lufs(square: Floats | np.float64) -> Floats:
    """Return loudness of K-weighted mean squares summed over channels (BS.1770-4, equation 2)."""
    return np.asarray(np.maximum(-0.691 + 10 * np.log10(np.maximum(square, 1e-12)), FLOOR_DB))


def _db(square: Floats, floor_db: float = FLOOR_DB) -> Floats:
    """Return mean squares in dB, floored."""
    level: Floats = 10 * np.log10(np.maximum(square, 10 ** (floor_db / 10)))
    return level
