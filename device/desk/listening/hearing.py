"""Brightness, onsets, pulse and tempo as librosa hears them, in windows over a recording."""

from __future__ import annotations

import warnings

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.desk.listening.levels import HOP_S, SHORT_TERM_S
from device.desk.listening.roughness import roughness
from device.desk.listening.sound import Recording, Samples

Floats = NDArray[np.float64]

RATE_HZ = 22_050  # librosa's own; nothing here is asked above 11 kHz
WINDOW_S = 10.0
HOP = 512  # 23 ms
BRIGHT_HZ = 1500.0  # Juslin (2000): energy above it counts as bright
PULSE_LAGS_S = (0.3, 1.5)  # 40 to 200 beats per minute
# Vibrato suppression after Boeck and Widmer (2013); the band of melodies, where textures of noise are weak.
# Of the melody tones of a soft rendering the threshold finds 74 to 100 %, and 83 to 90 % of what it finds
# are such tones.
LOW_HZ, HIGH_HZ, BANDS, LAG, SPREAD = 200.0, 3000.0, 60, 2, 3
ONSET_DB = 0.5  # mean rise over the mel bands that counts as an onset
ONSET_APART_S = 0.07


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """Features of windows of 10 s; one value per window, NaN where a window is silent.

    `loudness_lufs` short-term, `centroid_hz` and `bright_share` (of the energy, above 1.5 kHz) are
    means over the window; `onsets_per_s`; `roughness` after Sethares; `pulse_clarity` 0 to 1 is the
    largest autocorrelation of the onset envelope at the lags of 40 to 200 bpm (Lartillot et al.
    2008); `tempo_bpm` is what librosa detects, which may be a multiple or a part of the written one;
    `flux_db` the mean rise of the mel bands from frame to frame, where it rises.
    """

    start_s: Floats
    loudness_lufs: Floats
    centroid_hz: Floats
    bright_share: Floats
    onsets_per_s: Floats
    roughness: Floats
    pulse_clarity: Floats
    tempo_bpm: Floats
    flux_db: Floats


def hear(sound: Recording, short_term: Floats) -> Hearing:
    """Measure the windows of a recording; a rest shorter than 10 s is left out.

    Args:
        sound: of normal play, as a rule.
        short_term: its loudness over the 3 s that begin every 0.1 s.
    """
    import librosa

    mono = np.asarray(librosa.resample(sound.mono, orig_sr=sound.rate_hz, target_sr=RATE_HZ))
    size = round(WINDOW_S * RATE_HZ)
    rows = [_window(mono[begin:begin + size]) for begin in range(0, mono.size - size + 1, size)]
    columns = np.array(rows, float).reshape(-1, 7).T
    centroid, bright, onsets, rough, clarity, tempo, flux = columns
    starts = np.arange(len(rows)) * WINDOW_S
    return Hearing(
        start_s=starts, loudness_lufs=_loudness(short_term, starts), centroid_hz=centroid,
        bright_share=bright, onsets_per_s=onsets, roughness=rough, pulse_clarity=clarity, tempo_bpm=tempo,
        flux_db=flux)


def _window(mono: Samples) -> tuple[float, ...]:
    """Return the features of one window, in the order of `Hearing` without the loudness."""
    import librosa

    if np.mean(np.square(mono, dtype=np.float64)) < 1e-8:  # noqa: PLR2004 - silence, -80 dBFS
        return (np.nan,) * 7
    magnitude = np.abs(librosa.stft(mono, n_fft=2048, hop_length=HOP))
    energy = np.square(magnitude, dtype=np.float64).sum(axis=1)
    bins_hz = librosa.fft_frequencies(sr=RATE_HZ, n_fft=2048)
    centroid = librosa.feature.spectral_centroid(S=magnitude, sr=RATE_HZ)
    envelope = onset_envelope(mono)
    return (
        float(np.mean(centroid)), float(energy[bins_hz > BRIGHT_HZ].sum() / energy.sum()),
        onset_times(envelope).size / (mono.size / RATE_HZ), _mean(roughness(mono, RATE_HZ)),
        pulse_clarity(envelope), tempo_of(envelope), _mean(envelope[envelope > 0]),
    )


def onset_envelope(mono: Samples) -> Floats:
    """Return librosa's onset strength: mean rise in dB over the mel bands, one value per 23 ms."""
    from librosa.onset import onset_strength

    envelope = onset_strength(
        y=mono, sr=RATE_HZ, hop_length=HOP, lag=LAG, max_size=SPREAD, fmin=LOW_HZ, fmax=HIGH_HZ,
        n_mels=BANDS)
    return np.asarray(envelope, float)


def onset_times(envelope: Floats) -> Floats:
    """Return when onsets begin, in seconds: librosa's peak picking with a threshold in dB."""
    import librosa
    from librosa.onset import onset_detect

    frames = onset_detect(
        onset_envelope=envelope, sr=RATE_HZ, hop_length=HOP, normalize=False, delta=ONSET_DB,
        wait=round(ONSET_APART_S * RATE_HZ / HOP))
    return np.asarray(librosa.frames_to_time(frames, sr=RATE_HZ, hop_length=HOP), float)


def pulse_clarity(envelope: Floats) -> float:
    """Return the largest normalised autocorrelation of an onset envelope at the lags of a pulse."""
    centred = envelope - envelope.mean()
    power = float(np.square(centred).sum())
    if power == 0.0:
        return 0.0
    lags = np.correlate(centred, centred, "full")[centred.size - 1:] / power
    first, last = (round(lag_s * RATE_HZ / HOP) for lag_s in PULSE_LAGS_S)
    unbiased = lags[first:last + 1] * centred.size / (centred.size - np.arange(first, last + 1))
    return max(0.0, float(unbiased.max()))


def tempo_of(envelope: Floats) -> float:
    """Return the tempo in bpm that librosa detects in an onset envelope, 40 to 200."""
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # librosa moves the function between modules
        found = librosa.feature.tempo(
            onset_envelope=envelope, sr=RATE_HZ, hop_length=HOP, start_bpm=70.0, max_tempo=200.0)
    return float(found[0])


def _loudness(short_term: Floats, starts_s: Floats) -> Floats:
    """Return the mean short-term loudness of each window."""
    return np.array([short_term[round(at / HOP_S):round((at + WINDOW_S - SHORT_TERM_S) / HOP_S)].mean()
                     for at in starts_s])


def _mean(values: Floats) -> float:
    """Return the mean of what is known, NaN of nothing."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
