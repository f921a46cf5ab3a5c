"""The converter's checks: on the chip itself while nobody holds it, else on the service's word."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.config import Gsr
from device.doctor.converter import beats, check_converter, deviation
from device.doctor.heard import gather
from device.doctor.result import Outcome
from device.messages import Fault, Features, Health, Quality, SampleBlock, Severity
from device.vitals import PpgFeatures

LONG_S = 3600.0


@pytest.mark.parametrize("adc", ["sim:ads1115", "sim:mcp3008"])
def test_converter_without_service_is_read_and_all_is_well(stage, found, adc):
    stage.change("sensors", adc=adc)
    results = found(check_converter(stage.scene()))
    coarse = results.pop("gsr.resolution", None)
    assert (coarse is not None) == (adc == "sim:mcp3008"), "ten bits on a divider"
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert results["adc.noise"].unit == "mV"
    assert results["adc.noise"].value < 1.0
    assert results["gsr.electrodes"].says == "in contact"
    assert results["ppg.sensor"].says == "a pulse is seen"
    assert results["ppg.sensor"].value == pytest.approx(1.65, abs=0.1)
    assert results["temperature.sensor"].outcome is Outcome.OK


def test_converter_ads1115_noise_is_what_the_chip_has(stage, found):
    noise = found(check_converter(stage.scene()))["adc.noise"]
    assert noise.value == pytest.approx(0.04, abs=0.03)  # drivers.sim.world.NOISE_V, and half a code


@pytest.mark.parametrize(("kind", "name", "outcome", "words"), [
    ("adc_absent", "adc.answers", Outcome.FAILED, "does not answer"),
    ("adc_nack", "adc.answers", Outcome.FAILED, "does not answer"),
    ("adc_stuck", "adc.answers", Outcome.FAILED, "does not answer"),
    ("adc_frozen", "adc.answers", Outcome.FAILED, "repeats one value"),
    ("gsr_open", "gsr.electrodes", Outcome.OK, "open"),
    ("gsr_short", "gsr.electrodes", Outcome.ATTENTION, "touch each other"),
    ("ppg_off", "ppg.sensor", Outcome.OK, "nobody is on it"),
    ("temperature_off", "temperature.sensor", Outcome.ATTENTION, "open or short"),
    ("hum_50hz", "adc.noise", Outcome.ATTENTION, "noisy"),
])
def test_converter_faults_are_found_and_say_what_to_do(stage, found, kind, name, outcome, words):
    stage.world.inject(kind, LONG_S)
    result = found(check_converter(stage.scene()))[name]
    assert result.outcome is outcome
    assert words in result.says
    assert bool(result.advice) == (outcome is not Outcome.OK)


@pytest.mark.parametrize(("circuit", "step_us"), [("divider", 0.21), ("grove", None)])
def test_converter_of_ten_bits_is_too_coarse_for_a_divider(stage, found, circuit, step_us):
    stage.change("sensors", adc="sim:mcp3008", gsr=Gsr(circuit=circuit, supply_v=0.5 if step_us else 3.3))
    result = found(check_converter(stage.scene())).get("gsr.resolution")
    assert (result and result.value) == step_us
    if result:
        assert result.outcome is Outcome.ATTENTION
        assert "ADS1115" in result.advice


def test_converter_says_nothing_of_the_body(stage):
    for result in check_converter(stage.scene()):
        assert result.unit in {"", "mV", "V", "reads/s"}
        assert "72" not in f"{result.says}{result.value}"


def test_converter_takes_a_bounded_time(stage):
    check_converter(stage.scene())
    assert stage.clock.monotonic() - 1000.0 < 4.0


def block(signal, values, quality=Quality.GOOD, rate_hz=100.0):
    return SampleBlock(at_s=1.0, signal=signal, start_s=1.0, rate_hz=rate_hz, values=tuple(values),
                       quality=quality)


def said(*messages, faults=()):
    return gather((Health(at_s=1.0, service="sensors", uptime_s=9.0, late_steps=0, faults=faults), *messages),
                  2.5)


PULSE = [1.65 + 0.2 * math.sin(2 * math.pi * 1.2 * place / 100) for place in range(250)]
SKIN = [5.0 + 0.001 * (place % 2) for place in range(25)]


def test_converter_of_a_running_service_is_not_touched(stage, found):
    stage.runs("sensors")
    stage.world.inject("adc_absent", LONG_S)
    stage.heard = said(block("ppg", PULSE), block("eda", SKIN, rate_hz=10.0), block("temperature", [33.0]))
    results = found(check_converter(stage.scene()))
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert results["ppg.sensor"].says == "a pulse is seen"
    # 1 nS up and down at 15.4 mV a microsiemens; second differences weigh what alternates by 4 / sqrt(6)
    assert results["adc.noise"].value == pytest.approx(0.0126, abs=0.002)


@pytest.mark.parametrize(("eda", "ppg", "name", "outcome"), [
    ((SKIN, Quality.GOOD), ([math.nan] * 20, Quality.STUCK), "adc.answers", Outcome.FAILED),
    (([math.nan] * 20, Quality.OPEN), (PULSE, Quality.GOOD), "gsr.electrodes", Outcome.OK),
    (([math.nan] * 20, Quality.OPEN), (PULSE, Quality.GOOD), "adc.noise", Outcome.SKIPPED),
    (([math.nan] * 20, Quality.SHORT), (PULSE, Quality.GOOD), "gsr.electrodes", Outcome.ATTENTION),
    (([math.nan] * 20, Quality.CLIPPED), (PULSE, Quality.GOOD), "gsr.electrodes", Outcome.ATTENTION),
    ((SKIN, Quality.GOOD), ([math.nan] * 20, Quality.CLIPPED), "ppg.sensor", Outcome.ATTENTION),
    ((SKIN, Quality.GOOD), ([0.01] * 250, Quality.GOOD), "ppg.sensor", Outcome.ATTENTION),
    ((SKIN, Quality.GOOD), ([1.65] * 250, Quality.GOOD), "ppg.sensor", Outcome.OK),
])
def test_converter_judges_by_the_quality_of_the_blocks(stage, found, eda, ppg, name, outcome):
    stage.runs("sensors")
    stage.heard = said(block("ppg", *ppg), block("eda", *eda, rate_hz=10.0))
    assert found(check_converter(stage.scene()))[name].outcome is outcome


def test_converter_service_without_samples_has_failed(stage, found):
    stage.runs("sensors")
    stage.heard = said()
    assert found(check_converter(stage.scene()))["adc.answers"].outcome is Outcome.FAILED


def test_converter_lost_by_the_service_is_told_with_its_advice(stage, found):
    stage.runs("sensors")
    stage.heard = said(faults=(Fault(code="adc_lost", severity=Severity.ATTENTION, advice="check the wire"),))
    result = found(check_converter(stage.scene()))["adc.answers"]
    assert (result.outcome, result.advice) == (Outcome.FAILED, "check the wire")


def test_converter_pulse_found_by_the_estimator_counts(stage, found):
    stage.runs("sensors")
    ppg = PpgFeatures(hr_bpm=70.0, rmssd_ms=None, sdnn_ms=None, pulse_amplitude_v=0.1, quality=0.9)
    features = Features(at_s=1.0, window_s=60.0, eda=None, ppg=ppg, temperature=None, eeg=None)
    stage.heard = said(block("ppg", [1.65] * 30), block("eda", SKIN), features)
    assert found(check_converter(stage.scene()))["ppg.sensor"].says == "a pulse is seen"


def test_converter_locks_that_may_not_be_read_are_left_alone(stage, found):
    (stage.run_dir / "sensors.lock").mkdir()  # opening it fails for root as well
    assert found(check_converter(stage.scene()))["adc.answers"].outcome is Outcome.ATTENTION
    stage.units = {"sensors": {"ActiveState": "active"}}
    assert found(check_converter(stage.scene()))["adc.answers"].outcome is Outcome.ATTENTION


@pytest.mark.parametrize("order", [1, 2, 3])
def test_deviation_is_that_of_white_noise_whatever_drifts_below(order):
    rng = np.random.default_rng(1)
    drift = 0.5 * np.sin(np.arange(4000) / 400)
    assert deviation(drift + rng.normal(0, 0.01, 4000), order) == pytest.approx(0.01, rel=0.05)


def test_beats_are_found_from_40_to_170_and_not_in_noise():
    times = np.arange(150) / 50
    for bpm in (42, 60, 100, 165):
        assert beats(0.1 * np.sin(2 * np.pi * bpm / 60 * times), 50.0)
    rng = np.random.default_rng(2)
    assert not any(beats(rng.normal(0, 0.02, 150), 50.0) for _ in range(50))
    assert not beats(0.001 * np.sin(2 * np.pi * times), 50.0)
    assert not beats(np.full(150, 1.6), 50.0)
