"""The loudness ceiling and the limiter: the arithmetic alone, and rendered sound measured by pyloudnorm."""

from __future__ import annotations

import itertools
import math
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from device.config import Loudness
from device.errors import AudioLost
from device.music.loudness import (
    BLOCK_S,
    CLIP_ABOVE_LIMITER_DB,
    HEADROOM_FULL_LU,
    HEADROOM_SOFT_LU,
    HIGHEST_CEILING_LUFS,
    PATCH_LUFS,
    SILENT_LUFS,
    SLEW_DB_PER_S,
    STEADY_DB_PER_S,
    STEADY_GATE_LU,
    Guard,
    LoudnessStage,
    amplitude,
    ceiling_lufs,
    decibels,
    ear_lufs,
    k_weighting,
    limiter_dbfs,
    lufs,
)
from drivers.audio import AudioOut, AudioSettings, open_audio

RATE_HZ = 44_100
TRUE_PEAK_DBFS = -1.0
TOLERANCE_LU = 1.0


def response_db(sections: Any, frequency_hz: np.ndarray, rate_hz: float) -> np.ndarray:
    """Gain of the K-weighting with the meter's own offset, so that 1 kHz reads 0."""
    total = np.zeros_like(frequency_hz)
    for s in sections:
        _, h = signal.freqz([s.b0, s.b1, s.b2], [1.0, s.a1, s.a2], frequency_hz, fs=rate_hz)
        total += 20 * np.log10(np.abs(h))
    return total - 0.691


def a_weighting_db(frequency_hz: np.ndarray) -> np.ndarray:
    """IEC 61672-1, Annex E."""
    f2 = frequency_hz ** 2
    ratio = 12_194.0**2 * f2**2 / (
        (f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12_194.0**2))
    return 20 * np.log10(ratio) + 2.0


def test_k_weighting_at_48_khz_is_the_table_of_bs_1770() -> None:
    shelf, high_pass = k_weighting(48_000)
    table = (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585)
    assert shelf == pytest.approx(table, abs=1e-8)
    assert high_pass == pytest.approx((1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621), abs=1e-8)


def test_k_weighting_has_the_same_response_at_44_1_khz() -> None:
    frequency = np.geomspace(30, 12_000, 200)
    difference = response_db(k_weighting(44_100), frequency, 44_100) - response_db(
        k_weighting(48_000), frequency, 48_000)
    assert np.abs(difference).max() < 0.1


def test_k_weighting_never_reads_lower_than_a_weighting() -> None:
    frequency = np.geomspace(20, 20_000, 400)
    excess = response_db(k_weighting(RATE_HZ), frequency, RATE_HZ) - a_weighting_db(frequency)
    assert excess.min() > -0.1
    assert np.interp(100.0, frequency, excess) > 15.0
    assert abs(np.interp(1000.0, frequency, excess)) < 0.1


def test_lufs_of_a_full_scale_sine() -> None:
    assert lufs(0.5 * 10 ** 0.0691, 0.0) == pytest.approx(-3.01, abs=0.01)  # BS.1770-4: one channel, 997 Hz
    assert lufs(0.5 * 10 ** 0.0691, 0.5 * 10 ** 0.0691) == pytest.approx(0.0, abs=0.01)
    assert ear_lufs(0.5 * 10 ** 0.0691, 0.0) == pytest.approx(0.0, abs=0.01)
    assert lufs(0.0, 0.0) == pytest.approx(SILENT_LUFS - 0.691)


def test_ceiling_follows_from_the_configured_levels() -> None:
    assert ceiling_lufs(Loudness()) == pytest.approx(-35.0)
    assert ceiling_lufs(Loudness(ceiling_dba=50, full_scale_dba=110)) == pytest.approx(-60.0)
    assert ceiling_lufs(Loudness(ceiling_dba=75, full_scale_dba=70)) == HIGHEST_CEILING_LUFS


def test_limiter_follows_the_ceiling_and_stays_far_from_full_scale() -> None:
    assert limiter_dbfs(-35.0) == pytest.approx(-23.0)
    assert limiter_dbfs(HIGHEST_CEILING_LUFS) <= -9.0


def test_decibels_and_amplitude_undo_each_other() -> None:
    assert amplitude(decibels(0.25)) == pytest.approx(0.25)
    assert decibels(0.0) == SILENT_LUFS
    assert amplitude(SILENT_LUFS) == 0.0


def power_of(loudness: float) -> float:
    """The mean square a channel needs for a stereo loudness in LUFS."""
    return 0.5 * float(10.0 ** ((loudness + 0.691) / 10.0))


def feed(guard: Guard, loudness: float, seconds: float, intensity: float = 1.0) -> list[tuple[float, float]]:
    """Push a patch of constant loudness; return (gain_db, trim_db) after each block."""
    told = []
    for _ in range(round(seconds / BLOCK_S)):
        guard.push(power_of(loudness), power_of(loudness), intensity, BLOCK_S)
        told.append((guard.gain_db, guard.trim_db))
    return told


@pytest.mark.parametrize(("intensity", "headroom"), [(0.0, HEADROOM_SOFT_LU), (1.0, HEADROOM_FULL_LU)])
def test_guard_puts_ordinary_music_at_intensity_s_distance_below_the_ceiling(
        intensity: float, headroom: float) -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, intensity, BLOCK_S)
    guard.set_fade(1.0)
    feed(guard, PATCH_LUFS, 10.0, intensity)
    assert guard.trim_db == 0.0
    assert guard.short_term_lufs == pytest.approx(-35.0 - headroom, abs=0.2)


@pytest.mark.parametrize("patch", [-18.0, -12.0, -3.0, 6.0])
def test_guard_trims_whatever_is_too_loud_at_once(patch: float) -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 1.0, BLOCK_S)
    guard.set_fade(1.0)
    told = feed(guard, patch, 3.0)
    assert patch + told[3][0] <= -35.0  # the last 400 ms are the measure
    assert patch + told[-1][0] <= -35.0
    assert guard.trim_db <= 0.0


def test_guard_lets_the_trim_go_slowly_and_never_lifts() -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 1.0, BLOCK_S)
    guard.set_fade(1.0)
    feed(guard, -5.0, 3.0)
    trims = [trim for _, trim in feed(guard, -60.0, 30.0)]
    rises = [b - a for a, b in itertools.pairwise(trims)]
    assert max(rises) <= SLEW_DB_PER_S * BLOCK_S + 1e-9
    assert trims[-1] == 0.0


def test_guard_changes_intensity_by_a_decibel_a_second() -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 0.0, BLOCK_S)
    guard.set_fade(1.0)
    gains = [gain for gain, _ in feed(guard, PATCH_LUFS, 12.0, intensity=1.0)]
    assert max(abs(b - a) for a, b in itertools.pairwise(gains)) <= SLEW_DB_PER_S * BLOCK_S + 1e-9
    assert gains[-1] - gains[0] == pytest.approx(HEADROOM_SOFT_LU - HEADROOM_FULL_LU - 0.1, abs=0.01)


@pytest.mark.parametrize("off_lu", [-5.0, 4.0])
def test_guard_brings_an_unusual_patch_slowly_to_the_ordinary_level(off_lu: float) -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 0.5, BLOCK_S)
    guard.set_fade(1.0)
    gains = [gain for gain, _ in feed(guard, PATCH_LUFS + off_lu, 90.0, intensity=0.5)]
    headroom = (HEADROOM_SOFT_LU + HEADROOM_FULL_LU) / 2.0
    assert guard.short_term_lufs == pytest.approx(-35.0 - headroom, abs=0.3)
    assert max(abs(b - a) for a, b in itertools.pairwise(gains)) <= STEADY_DB_PER_S * BLOCK_S + 1e-9


def test_guard_does_not_lift_a_pause() -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 0.5, BLOCK_S)
    guard.set_fade(1.0)
    feed(guard, PATCH_LUFS, 30.0, intensity=0.5)
    gains = [gain for gain, _ in feed(guard, PATCH_LUFS - STEADY_GATE_LU - 4.0, 60.0, intensity=0.5)]
    assert max(gains) - gains[0] < 0.1


def test_guard_counts_the_fade() -> None:
    guard = Guard(-35.0)
    feed(guard, PATCH_LUFS, 1.0)
    assert guard.gain_db == SILENT_LUFS
    guard.set_fade(0.5)
    assert guard.gain_db == pytest.approx(-35.0 - HEADROOM_FULL_LU - PATCH_LUFS - 6.02, abs=0.01)


def test_guard_protects_the_louder_ear() -> None:
    guard = Guard(-35.0)
    guard.push(0.0, 0.0, 1.0, BLOCK_S)
    guard.set_fade(1.0)
    for _ in range(40):
        guard.push(power_of(-10.0), 0.0, 1.0, BLOCK_S)
    assert -10.0 + guard.gain_db <= -35.0


Opened = Callable[[str], AudioOut]


@pytest.fixture
def audio(tmp_path: Path) -> Iterator[AudioOut]:
    opened = open_audio(AudioSettings("file", "", RATE_HZ, 512, str(tmp_path / "out.wav")))
    yield opened
    opened.close()


def source(kind: str) -> tuple[Any, Any]:
    """A stereo signal no patch should ever make, and what has to be kept alive for it."""
    import pyo

    if kind == "sine":
        return pyo.Sine([997.0, 997.0], mul=4.0), None
    if kind == "one ear":
        part = pyo.Sine(997.0, mul=4.0)
        return pyo.Mix([part, part * 0.0], voices=2), part
    if kind == "bursts":
        table = pyo.LinTable([(0, 0.0), (100, 8.0), (4000, 8.0), (4200, 0.0), (8191, 0.0)])
        burst = pyo.Osc(table, freq=[0.7, 0.7])
        return pyo.Sine([11_025.0, 5_000.0], phase=0.125, mul=burst), (table, burst)
    return pyo.Noise([3.0, 3.0]), None


def measure(path: Path) -> tuple[float, float, float]:
    """Highest momentary and 3 s loudness by pyloudnorm after the first second, and true peak in dBFS."""
    with wave.open(str(path)) as recording:
        raw = recording.readframes(recording.getnframes())
    sound = np.frombuffer(raw, "<i2").reshape(-1, 2) / 32_768.0
    peak = 20 * math.log10(np.abs(signal.resample_poly(sound, 8, 1, axis=0)).max() + 1e-12)
    highest = []
    for window_s in (0.4, 3.0):
        meter = pyloudnorm.Meter(RATE_HZ, block_size=window_s)
        size, hop = round(window_s * RATE_HZ), RATE_HZ // 5
        starts = range(RATE_HZ, len(sound) - size, hop)
        highest.append(max(meter.integrated_loudness(sound[start:start + size]) for start in starts))
    return highest[0], highest[1], peak


@pytest.mark.parametrize("loudness", [Loudness(), Loudness(ceiling_dba=75, full_scale_dba=70)],
                         ids=["default", "highest"])
@pytest.mark.parametrize("kind", ["sine", "one ear", "bursts", "noise"])
def test_stage_holds_the_ceiling_against_anything(
        audio: AudioOut, tmp_path: Path, loudness: Loudness, kind: str) -> None:
    stream, kept = source(kind)
    stage = LoudnessStage(stream, RATE_HZ, loudness)
    audio.pump(0.0, lambda at_s: None)
    for tenth in range(1, 81):
        audio.pump(tenth / 10, lambda at_s: stage.update(at_s, 1.0, 1.0))
    audio.close()
    momentary, short_term, peak = measure(tmp_path / "out.wav")
    ceiling = ceiling_lufs(loudness)
    assert short_term <= ceiling + TOLERANCE_LU
    assert momentary <= ceiling + (TOLERANCE_LU if kind != "bursts" else 6.0)  # 12 dB louder in one step
    assert peak <= TRUE_PEAK_DBFS
    assert peak <= limiter_dbfs(ceiling) + 7.0
    assert momentary > ceiling - 15.0  # held, not silenced
    del kept


def momentary_lufs(path: Path) -> np.ndarray:
    """Loudness over 400 ms by pyloudnorm, every 0.1 s."""
    with wave.open(str(path)) as recording:
        raw = recording.readframes(recording.getnframes())
    sound = np.frombuffer(raw, "<i2").reshape(-1, 2) / 32_768.0
    meter = pyloudnorm.Meter(RATE_HZ, block_size=0.4)
    size, hop = round(0.4 * RATE_HZ), RATE_HZ // 10
    return np.array([meter.integrated_loudness(sound[start:start + size])
                     for start in range(0, len(sound) - size, hop)])


@pytest.mark.parametrize(("louder_db", "at_most_lu"), [(4.0, 2.5), (6.0, 4.0)])
def test_stage_spreads_a_sudden_rise_over_time(
        audio: AudioOut, tmp_path: Path, louder_db: float, at_most_lu: float) -> None:
    """Within 400 ms it grows by less than two thirds of it."""
    import pyo

    level = pyo.Sig(0.02)
    stream = pyo.Sine([500.0, 500.0], mul=level)
    stage = LoudnessStage(stream, RATE_HZ, Loudness(ceiling_dba=75, full_scale_dba=70))
    audio.pump(0.0, lambda at_s: None)
    for tenth in range(1, 101):
        if tenth == 50:
            level.value = 0.02 * 10 ** (louder_db / 20)
        audio.pump(tenth / 10, lambda at_s: stage.update(at_s, 1.0, 0.5))
    audio.close()
    loudness = momentary_lufs(tmp_path / "out.wav")
    rises = (loudness[4:] - loudness[:-4])[30:]
    assert 1.0 < rises.max() < at_most_lu
    assert loudness[62:66].mean() - loudness[40:44].mean() > 0.55 * louder_db  # the guard takes some back


def test_stage_leaves_steady_sound_alone(audio: AudioOut, tmp_path: Path) -> None:
    import pyo

    stream = pyo.Sine([500.0, 500.0], mul=0.02)
    stage = LoudnessStage(stream, RATE_HZ, Loudness())
    assert stage is not None
    eased = stage._parts[5]
    audio.pump(0.0, lambda at_s: None)
    audio.pump(2.0, lambda at_s: stage.update(at_s, 1.0, 0.5))
    assert eased.get() == 1.0


def test_stage_bounds_peaks_even_if_nobody_attends_to_it(audio: AudioOut, tmp_path: Path) -> None:
    stream, _ = source("noise")
    stage = LoudnessStage(stream, RATE_HZ, Loudness(ceiling_dba=75, full_scale_dba=70))
    audio.pump(0.0, lambda at_s: None)
    audio.pump(0.1, lambda at_s: stage.update(at_s, 1.0, 1.0))
    for second in range(1, 7):
        audio.pump(float(second), lambda at_s: None)
    audio.close()
    assert measure(tmp_path / "out.wav")[2] <= TRUE_PEAK_DBFS


def test_stage_is_silent_until_faded_in_and_falls_silent_within_100_ms(
        audio: AudioOut, tmp_path: Path) -> None:
    stream, _ = source("sine")
    stage = LoudnessStage(stream, RATE_HZ, Loudness())
    audio.pump(0.0, lambda at_s: None)
    audio.pump(1.0, lambda at_s: stage.update(at_s, 0.0, 1.0))
    audio.pump(2.0, lambda at_s: stage.update(at_s, 1.0, 1.0))
    audio.pump(3.0, lambda at_s: stage.update(at_s, 0.0, 1.0))
    audio.close()
    with wave.open(str(tmp_path / "out.wav")) as recording:
        raw = recording.readframes(recording.getnframes())
    level = np.abs(np.frombuffer(raw, "<i2").reshape(-1, 2)).max(axis=1)
    assert level[:int(0.99 * RATE_HZ)].max() == 0
    assert level[int(1.5 * RATE_HZ):2 * RATE_HZ].max() > 100
    assert level[int(2.1 * RATE_HZ):].max() == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_stage_gives_up_on_a_patch_that_gives_no_numbers(audio: AudioOut, tmp_path: Path, bad: float) -> None:
    import pyo

    stream = pyo.Sig([0.01, 0.01])
    stage = LoudnessStage(stream, RATE_HZ, Loudness())
    audio.pump(0.0, lambda at_s: None)
    audio.pump(0.5, lambda at_s: stage.update(at_s, 1.0, 1.0))
    stream.value = bad
    with pytest.raises(AudioLost, match="restarts by itself"):
        audio.pump(1.0, lambda at_s: stage.update(at_s, 1.0, 1.0))
    audio.close()
    with wave.open(str(tmp_path / "out.wav")) as recording:
        raw = recording.readframes(recording.getnframes())
    highest = amplitude(limiter_dbfs(ceiling_lufs(Loudness())) + CLIP_ABOVE_LIMITER_DB)
    level = np.abs(np.frombuffer(raw, "<i2").astype(int)).max() / 32768
    assert 0.0 < level <= highest + 1e-4, "bounded until the process ends; and NaN has become a number"
