"""Lines of the patient's plots: gaps stay gaps, single points are seen, long lines are thinned."""

from __future__ import annotations

import numpy as np

from device.desk import patient_plots
from device.desk.canvas import BLUE, Canvas
from device.messages import Features
from device.vitals import EegFeatures


def test_line_breaks_where_nothing_was_heard_for_three_seconds() -> None:
    times_s = np.array([0.0, 1.0, 2.0, 30.0, 31.0])

    minutes, values = patient_plots._gapped(times_s, np.arange(5.0))

    np.testing.assert_allclose(minutes * 60, [0, 1, 2, 2, 30, 31])
    np.testing.assert_array_equal(values, [0, 1, 2, np.nan, 3, 4])


def test_line_without_gaps_is_left_alone() -> None:
    minutes, values = patient_plots._gapped(np.arange(4.0), np.arange(4.0))

    np.testing.assert_allclose(minutes, np.arange(4) / 60)
    np.testing.assert_array_equal(values, np.arange(4.0))
    assert patient_plots._gapped(np.empty(0), np.empty(0))[0].size == 0


def test_single_known_values_are_found() -> None:
    nan = np.nan

    assert patient_plots._lone_points(np.array([1, nan, 2, 3, nan, 4.0])) == [0, 5]
    assert patient_plots._lone_points(np.array([nan, nan])) == []
    assert patient_plots._lone_points(np.array([1.0])) == [0]


def test_long_line_is_thinned_and_a_short_one_is_not() -> None:
    long = np.arange(100_000.0)

    times_s, values = patient_plots._thinned(long, long)

    assert patient_plots.LONGEST_LINE <= times_s.size < 2 * patient_plots.LONGEST_LINE
    np.testing.assert_array_equal(times_s, values)
    assert patient_plots._thinned(long[:5000], long[:5000])[0].size == 5000


def test_line_says_whether_there_was_anything_to_draw() -> None:
    panel = Canvas(60.0, (1.0,)).panels[0]

    assert not patient_plots._line(panel, np.arange(3.0), np.full(3, np.nan), BLUE, "nothing")
    assert not patient_plots._line(panel, np.empty(0), np.empty(0), BLUE, "nothing")
    assert not panel.lines
    assert patient_plots._line(panel, np.arange(3.0), np.array([np.nan, 1.0, np.nan]), BLUE, "one point")
    assert panel.lines[0].get_label() == "one point"


def test_share_of_a_band_is_none_without_a_headset() -> None:
    eeg = EegFeatures(
        theta=0.1, alpha=0.4, beta=0.2, beta_alpha=0.5, theta_beta=0.5, good_channels=8, quality=1.0)
    worn = Features(at_s=0.0, window_s=4.0, eda=None, ppg=None, temperature=None, eeg=eeg)
    bare = Features(at_s=0.0, window_s=4.0, eda=None, ppg=None, temperature=None, eeg=None)

    assert [patient_plots._share(band, worn) for band in ("theta", "alpha", "beta")] == [0.1, 0.4, 0.2]
    assert patient_plots._share("alpha", bare) is None
