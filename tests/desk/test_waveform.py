"""The measured sound: levels, loudness, onset and spectrum of signals whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from scipy.io import wavfile

from device.desk.waveform import (
    BANDS,
    FLOOR_DB,
    MAX_COLUMNS,
    SPECTRUM_FLOOR_DB,
    Sound,
    integrated_lufs,
    k_weighting,
    measure_sound,
)

RATE_HZ = 48_000


def tone(seconds: float, hz: float = 1000.0, peak: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def stereo(mono: np.ndarray) -> np.ndarray:
    return np.stack([mono, mono], axis=1)


def measured(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Sound:
    wavfile.write(path, rate_hz, samples.astype(np.float32))
    return measure_sound(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.wav"


def test_k_weighting_at_48_khz_is_that_of_the_standard() -> None:
    """Tables 1 and 2 of ITU-R BS.1770-4, annex 1."""
    shelf, high_pass = k_weighting(48_000)

    np.testing.assert_allclose(shelf, [
        1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585,
    ], atol=1e-10)
    np.testing.assert_allclose(high_pass, [
        1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621,
    ], atol=1e-10)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_loudness_of_the_reference_tone_is_that_of_the_standard(path: Path, rate_hz: int) -> None:
    """A 0 dBFS sine of 1 kHz in one channel reads -3.01 LUFS; in both, 0 LUFS."""
    one = tone(5, 997.0, rate_hz=rate_hz)
    left_only = np.stack([one, np.zeros_like(one)], axis=1)

    assert measured(path, left_only, rate_hz).integrated_lufs == pytest.approx(-3.01, abs=0.03)
    assert measured(path, stereo(one), rate_hz).integrated_lufs == pytest.approx(0.0, abs=0.03)


def test_loudness_agrees_with_an_independent_meter(path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 0.03, (20 * RATE_HZ, 2))
    noise[8 * RATE_HZ:14 * RATE_HZ] *= 0.02

    sound = measured(path, noise)

    expected = pyloudnorm.Meter(RATE_HZ).integrated_loudness(noise.astype(np.float32))
    assert sound.integrated_lufs == pytest.approx(expected, abs=0.1)


def test_loudness_gate_leaves_silence_out(path: Path) -> None:
    sound = measured(path, stereo(np.concatenate([tone(5, peak=0.1), np.zeros(20 * RATE_HZ)])))

    assert sound.integrated_lufs == pytest.approx(-20.0, abs=0.25)


def test_loudness_of_silence_is_unknown(path: Path) -> None:
    sound = measured(path, np.zeros((2 * RATE_HZ, 2)))

    assert sound.integrated_lufs is None
    assert sound.first_sample_s is None
    assert sound.first_audible_s is None
    assert sound.peak_dbfs == FLOOR_DB
    assert (sound.rise_db, sound.fall_db) == (0.0, 0.0)
    assert sound.spectrum_db.max() == SPECTRUM_FLOOR_DB
    assert integrated_lufs(np.full(3, 0.5)) is None


def test_short_term_loudness_covers_the_last_three_seconds(path: Path) -> None:
    sound = measured(path, stereo(tone(6, peak=0.1)))

    assert sound.short_term_lufs.size == 60
    assert np.isnan(sound.short_term_lufs[:29]).all()
    np.testing.assert_allclose(sound.short_term_lufs[30:], -20.0, atol=0.1)


def test_level_of_a_tone_is_its_rms(path: Path) -> None:
    sound = measured(path, stereo(tone(2, peak=0.5)))

    assert sound.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert sound.duration_s == pytest.approx(2.0)
    assert sound.frame_db.size == 40
    np.testing.assert_allclose(sound.frame_db, -9.03, atol=0.01)


def test_onset_is_the_first_sample_that_is_not_zero(path: Path) -> None:
    fade = np.concatenate([np.zeros(RATE_HZ + 7), tone(4) * np.linspace(0, 0.1, 4 * RATE_HZ)])

    sound = measured(path, stereo(fade))

    # The tone's own first sample is 0.
    assert sound.first_sample_s == pytest.approx((RATE_HZ + 8) / RATE_HZ, abs=1e-9)
    assert sound.first_audible_s is not None
    # -60 dBFS RMS is a peak of 0.00141, reached 0.057 s into the fade.
    assert sound.first_audible_s == pytest.approx(1.05, abs=0.051)


def test_largest_rise_and_fall_are_found_where_they_are(path: Path) -> None:
    quiet, loud = tone(1, peak=0.01), tone(1, peak=0.1)

    sound = measured(path, stereo(np.concatenate([quiet, loud, quiet])))

    assert sound.rise_db == pytest.approx(20.0, abs=0.05)
    assert sound.rise_at_s == pytest.approx(1.0, abs=0.001)
    assert sound.fall_db == pytest.approx(20.0, abs=0.05)
    assert sound.fall_at_s == pytest.approx(2.0, abs=0.001)


def test_steps_below_what_can_be_heard_do_not_count(path: Path) -> None:
    sound = measured(path, stereo(np.concatenate([np.zeros(RATE_HZ), tone(1, peak=0.0005)])))

    assert sound.rise_db == 0.0


@pytest.mark.parametrize("hz", [110.0, 440.0, 3520.0])
def test_spectrum_shows_a_tone_in_its_band_at_its_level(path: Path, hz: float) -> None:
    sound = measured(path, stereo(tone(3, hz, peak=0.1)))

    column = sound.spectrum_db[:, sound.spectrum_db.shape[1] // 2]
    assert sound.bands_hz[column.argmax()] == pytest.approx(hz, rel=0.03)
    # Between two bins a Hann window loses 1.4 dB; between two low bands the interpolation loses more.
    assert column.max() == pytest.approx(-20.0, abs=4.0)
    assert np.median(column) < -80.0


def test_spectrum_shows_when_a_tone_begins(path: Path) -> None:
    sound = measured(path, stereo(np.concatenate([np.zeros(10 * RATE_HZ), tone(10, 440.0)])))

    loud = np.flatnonzero(sound.spectrum_db.max(axis=0) > -20)
    assert loud[0] * sound.column_s == pytest.approx(10.0, abs=2 * sound.column_s)
    assert loud[-1] * sound.column_s == pytest.approx(20.0, abs=3 * sound.column_s)


def test_spectrum_of_a_long_sound_has_bounded_columns(path: Path) -> None:
    rate_hz = 8000
    samples = np.zeros((rate_hz * 60 * 40, 1), np.float32)
    samples[rate_hz * 60 * 20:, 0] = tone(60 * 20, 500.0, 0.1, rate_hz)
    wavfile.write(path, rate_hz, samples)

    sound = measure_sound(path)

    assert sound.spectrum_db.shape[0] == BANDS
    assert MAX_COLUMNS / 2 < sound.spectrum_db.shape[1] <= MAX_COLUMNS
    loud = np.flatnonzero(sound.spectrum_db.max(axis=0) > -30)
    assert loud[0] * sound.column_s == pytest.approx(1200.0, abs=3 * sound.column_s)
    assert sound.duration_s == pytest.approx(2400.0)


def test_sound_shorter_than_one_block_is_measured(path: Path) -> None:
    sound = measured(path, stereo(tone(0.03, peak=0.5)))

    assert sound.frame_db.size == 1
    assert sound.frame_db[0] == pytest.approx(-9.03 + 10 * np.log10(0.6), abs=0.01)
    assert sound.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert sound.integrated_lufs is None


def test_measuring_block_by_block_is_the_same_as_at_once(path: Path) -> None:
    """Loudness of 25 s, which is two and a half blocks, against the filter run over the whole."""
    noise = np.random.default_rng(1).normal(0, 0.05, (25 * RATE_HZ, 1))

    sound = measured(path, noise)

    rms_db = 10 * np.log10(np.square(noise.astype(np.float32)).reshape(-1, RATE_HZ // 20).mean(axis=1))
    np.testing.assert_allclose(sound.frame_db, rms_db, atol=0.001)
    assert sound.short_term_lufs[-1] == pytest.approx(sound.short_term_lufs[40], abs=0.3)
