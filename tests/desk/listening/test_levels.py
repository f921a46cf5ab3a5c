"""Levels of signals whose levels are known."""

from __future__ import annotations

import numpy as np
import pytest

from device.desk.listening import levels
from device.desk.listening.calibration import RATE_HZ, noise, sine, stereo
from device.desk.listening.levels import (
    frame_levels_db,
    longest_run,
    loudness_range_lu,
    measure_loudness,
    true_peak_db,
)
from device.desk.listening.sound import Recording

TIMES = np.arange(10 * RATE_HZ) / RATE_HZ


def measure_levels(sound: Recording, normal_s: tuple[float, float]) -> levels.Levels:
    return levels.measure_levels(sound, normal_s, measure_loudness(sound))


def tone(gain: np.ndarray | float) -> Recording:
    """A tone of 997 Hz whose gain is given, -20 LUFS at gain 1."""
    return stereo(0.1 * gain * np.sin(2 * np.pi * 997.0 * TIMES))


def test_levels_of_a_steady_sine():
    found = measure_levels(tone(1.0), (0.0, 10.0))
    assert found.integrated_lufs == pytest.approx(-20.0, abs=0.1)
    assert found.loudest_3s_lufs == pytest.approx(-20.0, abs=0.1)
    assert found.loudest_400ms_lufs == pytest.approx(-20.0, abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(-20.0, abs=0.1)
    assert found.loudness_range_lu == pytest.approx(0.0, abs=0.05)
    assert found.rise_400ms_lu < 0.05
    assert found.rise_50ms_db < 0.1
    assert (found.clipped, found.silent_share, found.longest_silence_s) == (0, 0.0, 0.0)


@pytest.mark.parametrize("step_db", [2.0, 6.0])
def test_levels_a_step_up_is_the_rise_in_400_ms_and_where_it_is(step_db):
    gain = np.where(TIMES < 6.0, 10 ** (-step_db / 20), 1.0)
    found = measure_levels(tone(gain), (0.0, 10.0))
    assert found.rise_400ms_lu == pytest.approx(step_db, abs=0.1)
    assert found.rise_400ms_at_s == pytest.approx(6.0, abs=0.11)
    assert found.rise_50ms_db == pytest.approx(step_db, abs=0.2)
    assert found.fall_400ms_lu < 0.1


def test_levels_a_step_down_is_a_fall():
    found = measure_levels(tone(np.where(TIMES < 6.0, 1.0, 0.5)), (0.0, 10.0))
    assert found.fall_400ms_lu == pytest.approx(6.0, abs=0.1)
    assert found.rise_400ms_lu < 0.1


def test_levels_a_slow_swell_is_no_jump():
    gain = 10 ** (3.0 * np.sin(2 * np.pi * 0.1 * TIMES) / 20)
    assert measure_levels(tone(gain), (0.0, 10.0)).rise_400ms_lu < 1.0


@pytest.mark.parametrize(("normal_s", "rise_lu"), [((0.0, 5.9), 0.0), ((6.1, 10.0), 0.0)])
def test_levels_jumps_count_in_normal_play_only(normal_s, rise_lu):
    found = measure_levels(tone(np.where(TIMES < 6.0, 0.5, 1.0)), normal_s)
    assert found.rise_400ms_lu == pytest.approx(rise_lu, abs=0.1)


def test_levels_a_jump_out_of_silence_counts_from_where_it_is_heard():
    found = measure_levels(tone(np.where(TIMES < 6.0, 0.0, 1.0)), (0.0, 10.0))
    assert found.rise_400ms_lu == pytest.approx(40.0, abs=0.5)  # from -60 to -20 LUFS
    assert found.silent_share == pytest.approx(0.6, abs=0.01)
    assert found.longest_silence_s == pytest.approx(6.0, abs=0.05)


def test_levels_peaks_between_samples_and_clipping():
    assert true_peak_db(sine(RATE_HZ / 4, -3.0, np.pi / 4)) == pytest.approx(-3.0, abs=0.2)
    clipped = stereo(np.clip(2.0 * np.sin(2 * np.pi * 100.0 * TIMES), -1.0, 1.0))
    found = measure_levels(clipped, (0.0, 10.0))
    assert found.clipped > 100_000
    assert found.true_peak_dbtp > 0.0


def test_levels_of_silence_are_not_known():
    found = measure_levels(tone(0.0), (0.0, 10.0))
    assert found.integrated_lufs is None
    assert found.loudness_range_lu is None
    assert found.true_peak_dbtp == -100.0
    assert found.silent_share == 1.0


def test_levels_of_frames_and_runs():
    assert frame_levels_db(noise(-30.0)) == pytest.approx(np.full(200, -30.0), abs=0.5)
    assert longest_run(np.array([True, False, True, True, True, False])) == 3
    assert longest_run(np.array([], bool)) == 0


def test_levels_course_is_as_long_as_the_sound_allows():
    loudness = measure_loudness(tone(1.0))
    assert len(loudness.momentary) == pytest.approx(97, abs=1)
    assert len(loudness.short_term) == pytest.approx(71, abs=1)
    assert len(loudness.inside((2.0, 7.0)).momentary) == 47
    assert len(loudness.inside((2.0, 7.0)).short_term) == 21
    assert measure_loudness(tone(1.0).part(0.0, 2.0)).short_term.size == 0


def test_levels_range_is_that_of_the_middle():
    course = np.concatenate([np.full(50, -30.0), np.full(50, -20.0), np.full(40, -90.0)])
    assert loudness_range_lu(course) == pytest.approx(10.0, abs=0.01)
