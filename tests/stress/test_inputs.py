"""The model's input vector."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.stress.inputs import INPUTS, SOURCES, input_names, model_vector, read_inputs


def named(values):
    return dict(zip([one.name for one in INPUTS], values, strict=True))


def test_inputs_are_transformed_features(features_at):
    found = named(read_inputs(features_at(0.0, tonic=2.0, hr=80.0, scr=4.0)))
    assert found["tonic"] == pytest.approx(math.log(2.0))
    assert found["scr_rate"] == pytest.approx(math.log(5.0))
    assert found["scr_amplitude"] == pytest.approx(math.log(0.11))
    assert found["heart_rate"] == pytest.approx(math.log(80.0))
    assert found["rmssd"] == pytest.approx(math.log(41.0))
    assert found["pulse_amplitude"] == pytest.approx(math.log(0.4001))


@pytest.mark.parametrize("absent", SOURCES)
def test_inputs_of_an_absent_signal_are_nan(features_at, absent):
    values = read_inputs(features_at(0.0, **{absent: None}))
    assert [math.isnan(value) for value in values] == [one.source == absent for one in INPUTS]


def test_inputs_stay_finite_at_the_ends_of_their_ranges(features_at):
    assert np.isfinite(read_inputs(features_at(0.0, tonic=0.0, scr=0.0))).all()


def test_model_vector_clips_zeroes_and_flags():
    deviation = np.linspace(-9.0, 9.0, len(INPUTS))
    deviation[0] = np.nan
    vector = model_vector(deviation, frozenset({"eda"}))
    assert vector.dtype == np.float32
    assert vector[0] == 0.0
    assert vector[1] == -4.0
    assert all(vector[k] == 0.0 for k, one in enumerate(INPUTS) if one.source == "ppg")
    assert vector[len(INPUTS):].tolist() == [1.0, 0.0]


def test_no_input_is_a_clock():
    assert not {"time", "elapsed", "at_s", "seconds"} & set(input_names())
    assert len(input_names()) == len(INPUTS) + len(SOURCES)
