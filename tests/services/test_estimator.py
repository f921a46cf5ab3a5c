"""The estimator service: features and stress once a second, and an honest *unknown* without its model."""

from __future__ import annotations

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.clock import ManualClock
from device.messages import EegBlock, Features, Quality, SampleBlock, Severity, Stress, StressBand
from device.services import estimator, sensors
from device.services.estimator import ROOT
from drivers.sim.patient import SimulatedPatient


def eda(start_s: float, us: float = 5.0) -> SampleBlock:
    times_s = [start_s + k / 10 for k in range(10)]
    values = tuple(us + 0.05 * math.sin(t / 9.0) + 0.02 * math.sin(t / 2.3) for t in times_s)
    return SampleBlock(at_s=start_s + 1, signal="eda", start_s=start_s, rate_hz=10.0, quality=Quality.GOOD,
                       values=values)


def pulse(start_s: float, bpm: float = 66.0) -> SampleBlock:
    times_s = start_s + np.arange(100) / 100.0
    phase = times_s * bpm / 60.0 % 1.0
    wave = 1.5 + 0.4 * np.exp(-((phase - 0.3) / 0.1) ** 2)
    return SampleBlock(at_s=start_s + 1, signal="ppg", start_s=start_s, rate_hz=100.0, quality=Quality.GOOD,
                       values=tuple(wave.tolist()))


def alpha(start_s: float) -> EegBlock:
    times_s = start_s + np.arange(250) / 250.0
    wave = 20.0 * np.sin(2 * np.pi * 10.0 * times_s) + 2.0 * np.sin(2 * np.pi * 20.0 * times_s)
    return EegBlock(at_s=start_s + 1, start_s=start_s, rate_hz=250.0, lost_samples=0,
                    microvolts=tuple(map(tuple, np.repeat(wave[:, None], 8, axis=1).tolist())))


def feed(bench, seconds: int, *makers) -> None:
    """Let so many seconds of blocks arrive, each when it is over."""
    for _ in range(seconds):
        for make in makers:
            bench.others.publish(make(bench.clock.monotonic() - 1.0))
        bench.run(1.0)


def with_models(settings, folder: Path):
    return msgspec.structs.replace(settings, models_dir=str(folder))


@pytest.fixture
def copied_models(models_dir: Path, tmp_path: Path) -> Path:
    """A copy of the stress model that a test may damage."""
    folder = tmp_path / "models"
    shutil.copytree(models_dir / "stress", folder / "stress", ignore=shutil.ignore_patterns("training"))
    return folder


def test_estimator_speaks_once_a_second(rig):
    bench = rig(ROOT)
    bench.run(10.0)
    for kind in (Features, Stress):
        times_s = [message.at_s - bench.start_s for message in bench.of(kind)]
        assert times_s == pytest.approx(list(range(10)), abs=0.1)
    assert [type(message) for message in bench.said[:2]] == [Features, Stress]
    assert bench.of(Stress)[3].at_s == bench.of(Features)[3].at_s


def test_estimator_without_samples_knows_nothing_and_says_why(rig):
    bench = rig(ROOT)
    bench.run(3.0)
    last = bench.of(Features)[-1]
    assert (last.eda, last.ppg, last.temperature, last.eeg) == (None, None, None, None)
    stress = bench.of(Stress)[-1]
    assert (stress.level, stress.band, stress.reason) == (None, StressBand.UNKNOWN, "no_sensors")
    assert bench.worker.faults() == ()


def test_estimator_describes_what_arrives(rig):
    bench = rig(ROOT)
    feed(bench, 40, eda, pulse, alpha)
    last = bench.of(Features)[-1]
    assert last.window_s == 60.0
    assert last.eda.tonic_us == pytest.approx(5.0, abs=0.06)
    assert last.ppg.hr_bpm == pytest.approx(66.0, abs=0.5)
    assert last.eeg.alpha > 0.8
    assert last.temperature is None


def test_estimator_knows_a_level_after_a_minute_of_contact(rig):
    bench = rig(ROOT)
    feed(bench, 90, eda, pulse)
    known = [stress for stress in bench.of(Stress) if stress.level is not None]
    assert 50.0 <= known[0].at_s - bench.start_s <= 80.0  # "uncertain" of so regular a body at first
    assert {stress.reason for stress in known} == {""}
    assert set(known[-1].sources) == {"eda", "ppg"}
    assert all(0.0 <= stress.level <= 1.0 for stress in known)
    before = [stress for stress in bench.of(Stress) if stress.at_s < known[0].at_s]
    assert {stress.reason for stress in before} <= {"no_sensors", "too_little_contact", "low_quality",
                                                    "uncertain"}


def test_estimator_level_ends_when_the_samples_end(rig):
    bench = rig(ROOT)
    feed(bench, 80, eda, pulse)
    assert bench.of(Stress)[-1].level is not None
    bench.run(70.0)
    last = bench.of(Stress)[-1]
    assert (last.level, last.reason) == (None, "no_sensors")
    assert bench.of(Features)[-1].ppg is None


def test_estimator_one_sensor_is_enough(rig):
    bench = rig(ROOT)
    feed(bench, 90, eda)
    last = bench.of(Stress)[-1]
    assert last.level is not None
    assert last.sources == ("eda",)


def test_estimator_late_step_drops_what_it_missed(rig):
    bench = rig(ROOT)
    bench.run(2.0)
    bench.clock.sleep(7.3)
    bench.run(3.0)
    times_s = [message.at_s for message in bench.of(Stress)]
    assert max(after - before for before, after in pairwise(times_s)) == pytest.approx(8.3, abs=0.2)
    assert min(after - before for before, after in pairwise(times_s)) > 0.85
    assert len(times_s) == 5


def remove_model(stress: Path) -> None:
    (stress / "stress.tflite").unlink()


def remove_card(stress: Path) -> None:
    (stress / "card.json").unlink()


def tamper(stress: Path) -> None:
    path = stress / "stress.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def cut(stress: Path) -> None:
    path = stress / "stress.tflite"
    path.write_bytes(path.read_bytes()[:1000])


def foreign_card(stress: Path) -> None:
    path = stress / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["inputs"] = card["inputs"][::-1]
    path.write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize("damage", [remove_model, remove_card, tamper, cut, foreign_card])
def test_estimator_without_a_good_model_goes_on_and_says_unknown(rig, desk, copied_models, damage):
    damage(copied_models / "stress")
    bench = rig(ROOT, with_models(desk, copied_models))
    (fault,) = bench.worker.faults()
    assert (fault.code, fault.severity) == ("stress_model", Severity.ATTENTION)
    assert str(copied_models) in fault.advice
    assert "\n" not in fault.advice
    assert fault.advice.endswith("until then the program plays without following the patient")
    feed(bench, 70, eda, pulse)
    assert {stress.reason for stress in bench.of(Stress)} == {"no_model"}
    assert {stress.band for stress in bench.of(Stress)} == {StressBand.UNKNOWN}
    assert bench.of(Features)[-1].ppg.hr_bpm == pytest.approx(66.0, abs=0.5)


def test_estimator_copied_model_is_as_good(rig, desk, copied_models):
    assert rig(ROOT, with_models(desk, copied_models)).worker.faults() == ()


def test_estimator_follows_the_sensors_of_a_simulated_patient(rig, known_body):
    """Two services in a row: the ADC's samples of a patient become features near the patient's truth."""
    patient = SimulatedPatient(4, ManualClock().monotonic())
    known_body.skin_us, known_body.pulse_v, known_body.skin_c = (
        patient.skin_us, patient.pulse_v, patient.skin_c)
    source, sink = rig(sensors.ROOT), rig(ROOT)
    rates = []
    for _ in range(80):
        for block in source.run(1.0):
            sink.others.publish(block)
        sink.run(1.0)
        rates.append(patient.truth(source.clock.monotonic()).hr_bpm)
    last = sink.of(Features)[-1]
    assert last.ppg.hr_bpm == pytest.approx(float(np.mean(rates[-60:])), abs=3.0)
    skin_us = patient.truth(source.clock.monotonic()).skin_us
    assert last.eda.tonic_us == pytest.approx(skin_us, rel=0.25)
    assert last.temperature.celsius == pytest.approx(patient.skin_c(source.clock.monotonic()), abs=0.5)
    assert sink.of(Stress)[-1].level is not None


def test_estimator_reads_samples_only():
    assert estimator.ROOT.reads == (SampleBlock, EegBlock)
