"""The model's input vector."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from device.stress.inputs import (
    CLEAN_QUALITY,
    CLIP,
    INPUTS,
    SOURCES,
    input_names,
    model_vector,
    of_source,
    read_inputs,
)


def named(values):
    return dict(zip([one.name for one in INPUTS], values, strict=True))


def test_inputs_are_transformed_features(features_at):
    features = features_at(0.0, tonic=2.0, hr=80.0, scr=4.0, temperature=1.0, celsius=31.5)
    eda = msgspec.structs.replace(features.eda, tonic_slope_us_per_min=0.3)
    skin = msgspec.structs.replace(features.temperature, slope_c_per_min=-0.2)
    found = named(read_inputs(msgspec.structs.replace(features, eda=eda, temperature=skin)))
    assert found == pytest.approx({
        "tonic": math.log(2.0), "tonic_slope": 0.15, "rise": math.log(0.45), "range": math.log(0.21),
        "scr_rate": math.log(5.0), "scr_amplitude": math.log(0.41), "heart_rate": math.log(80.0),
        "rmssd": math.log(41.0), "sdnn": math.log(51.0), "pulse_amplitude": math.log(0.4001),
        "skin_temperature": 31.5, "temperature_slope": -0.2,
    })


@pytest.mark.parametrize("absent", SOURCES)
def test_inputs_of_an_absent_signal_are_nan(features_at, absent):
    values = read_inputs(features_at(0.0, **{"temperature": 1.0, absent: None}))
    assert [math.isnan(value) for value in values] == [one.source == absent for one in INPUTS]


def test_unknown_variability_is_nan_while_the_rate_is_known(features_at):
    features = features_at(0.0)
    ppg = msgspec.structs.replace(features.ppg, rmssd_ms=None, sdnn_ms=None)
    found = named(read_inputs(msgspec.structs.replace(features, ppg=ppg)))
    assert math.isnan(found["rmssd"])
    assert math.isnan(found["sdnn"])
    assert found["heart_rate"] == pytest.approx(math.log(70.0))


def test_inputs_stay_finite_at_the_ends_of_their_ranges(features_at):
    features = features_at(0.0, tonic=0.0, scr=0.0, temperature=1.0)
    eda = msgspec.structs.replace(features.eda, range_us=0.0, scr_amplitude_us=0.0, rise_us_per_min=0.0)
    ppg = msgspec.structs.replace(features.ppg, rmssd_ms=0.0, sdnn_ms=0.0, pulse_amplitude_v=0.0)
    assert np.isfinite(read_inputs(msgspec.structs.replace(features, eda=eda, ppg=ppg))).all()


def test_model_vector_clips_and_zeroes():
    deviation = np.linspace(-9.0, 9.0, len(INPUTS))
    deviation[0] = np.nan
    vector = model_vector(deviation)
    assert vector.dtype == np.float32
    assert vector[0] == 0.0
    assert vector[1] == -CLIP
    assert vector[-1] == CLIP
    inside = np.abs(deviation) < CLIP
    assert vector[inside] == pytest.approx(deviation[inside])


def test_every_input_belongs_to_one_source():
    owns = of_source()
    assert owns.shape == (len(SOURCES), len(INPUTS))
    assert (owns.sum(axis=0) == 1).all()
    assert [SOURCES[place] for place in owns.argmax(axis=0)] == [one.source for one in INPUTS]


def test_no_input_is_a_clock(features_at):
    assert len(set(input_names())) == len(INPUTS)
    early, late = (read_inputs(features_at(at_s, temperature=1.0)) for at_s in (0.0, 7200.0))
    assert np.array_equal(early, late)


def test_no_input_is_the_signals_quality(features_at):
    clean, fair = (read_inputs(features_at(0.0, eda=one, ppg=one, temperature=one))
                   for one in (1.0, CLEAN_QUALITY))
    assert np.array_equal(clean, fair)


def test_what_motion_falsifies_is_left_out_before_the_heart_rate_is(features_at):
    clean, poor = (named(read_inputs(features_at(0.0, ppg=one, temperature=1.0)))
                   for one in (1.0, CLEAN_QUALITY - 0.01))
    unknown = {name for name, value in poor.items() if math.isnan(value)}
    assert unknown == {"rmssd", "sdnn", "pulse_amplitude"}
    assert all(poor[name] == clean[name] for name in set(poor) - unknown)
