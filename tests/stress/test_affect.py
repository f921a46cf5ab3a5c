"""Valence and arousal: range, symmetry, silence without EEG, and people at arithmetic."""

from __future__ import annotations

import math

import pytest

from device.evaluation.eegmat import read_part, seconds, subject_names
from device.messages import Features
from device.stress.affect import AffectEstimator
from device.vitals import EdaFeatures, EegFeatures, PpgFeatures

REST_S = 60


def eeg(beta_alpha=1.0, left=2.0, right=2.0, quality=1.0, channels=8):
    rows = [(3.0, 2.0, 2.0, 1.0, 1.0)] * channels
    for index, alpha in ((0, left), (1, right)):
        rows[index] = None if alpha is None else (3.0, 2.0, alpha, 1.0, 1.0)
    return EegFeatures(theta=0.2, alpha=0.2, beta=0.2 * beta_alpha, beta_alpha=beta_alpha, theta_beta=1.0,
                       good_channels=channels, quality=quality, ln_power=tuple(rows))


def features(at_s, scalp, hr_bpm=None, skin_us=None):
    ppg = None if hr_bpm is None else PpgFeatures(hr_bpm=hr_bpm, rmssd_ms=None, sdnn_ms=None,
                                                  pulse_amplitude_v=1.0, quality=0.9)
    eda = None if skin_us is None else EdaFeatures(
        tonic_us=skin_us, tonic_slope_us_per_min=0.0, scr_per_min=0.0, scr_amplitude_us=0.0, quality=0.9)
    return Features(at_s=float(at_s), window_s=60.0, eda=eda, ppg=ppg, temperature=None, eeg=scalp)


def after_rest(scalp, **bodies):
    estimator = AffectEstimator()
    rest = {name: value[0] for name, value in bodies.items()}
    now = {name: value[1] for name, value in bodies.items()}
    for second in range(REST_S):
        estimator.update(features(second, eeg(), **rest))
    return estimator.update(features(REST_S, scalp, **now))


def test_affect_of_rest_is_neutral():
    found = after_rest(eeg())
    assert found.arousal == pytest.approx(0.0, abs=1e-9)
    assert found.valence == pytest.approx(0.0, abs=1e-9)


def test_arousal_rises_and_falls_with_beta_over_alpha_by_the_same():
    up, down = after_rest(eeg(beta_alpha=1.3)), after_rest(eeg(beta_alpha=1.0 / 1.3))
    assert up.arousal == pytest.approx(math.tanh(math.log(1.3) / 0.15 / 2.0), abs=2e-3)
    assert down.arousal == pytest.approx(-up.arousal, abs=1e-9)


def test_valence_is_antisymmetric_in_the_sides_of_the_forehead():
    left, right = after_rest(eeg(left=2.1)), after_rest(eeg(right=2.1))
    assert right.valence > 0.3
    assert left.valence == pytest.approx(-right.valence, abs=1e-9)
    assert after_rest(eeg(left=2.3, right=2.3)).valence == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("ratio", [1e-6, 1e6])
def test_both_axes_are_bounded(ratio):
    found = after_rest(eeg(beta_alpha=ratio, left=-20.0, right=20.0))
    assert -1.0 <= found.arousal <= 1.0
    assert -1.0 <= found.valence <= 1.0


def test_heart_and_skin_join_arousal():
    calm = after_rest(eeg(beta_alpha=1.1))
    excited = after_rest(eeg(beta_alpha=1.1), hr_bpm=(70.0, 90.0), skin_us=(4.0, 8.0))
    assert excited.arousal > calm.arousal + 0.2


@pytest.mark.parametrize("scalp", [None, eeg(quality=0.4), eeg(channels=4)])
def test_affect_is_unknown_without_clean_eeg_of_this_montage(scalp):
    found = after_rest(scalp)
    assert found.valence is None
    if scalp is None or scalp.quality < 0.5:
        assert found.arousal is None


def test_affect_is_unknown_in_the_first_minute():
    estimator = AffectEstimator()
    for second in range(40):
        assert estimator.update(features(second, eeg())) == (None, None)


def test_valence_is_unknown_without_one_side():
    found = after_rest(eeg(left=None))
    assert found.valence is None
    assert found.arousal == pytest.approx(0.0, abs=1e-9)


def test_arousal_rises_with_mental_arithmetic_in_most_people(shared_data):
    folder = shared_data / "eeg" / "eegmat"
    risen, names = 0, subject_names(folder)[::4]
    for name in names:
        estimator, found = AffectEstimator(), {0: [], 1: []}
        for second in seconds(read_part(folder, name, "rest"), read_part(folder, name, "task")):
            alone = features(second.features.at_s, second.features.eeg)
            arousal = estimator.update(alone).arousal
            if second.scored and arousal is not None:
                found[second.label].append(arousal)
        risen += sum(found[1]) / len(found[1]) > sum(found[0]) / len(found[0])
    assert risen >= 0.7 * len(names)
