"""Calibration: known resistors on simulated converters, fits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from device.clock import ManualClock
from device.config import Gsr
from device.doctor.bench import collect, converter
from device.doctor.calibrate import CalibrationError, Point, fit, measure, parse_ohm, table
from device.sensing.circuits import gsr_circuit
from drivers.open import Parts

RESISTORS = (47e3, 100e3, 220e3, 1e6)


@pytest.mark.parametrize(("text", "ohm"), [
    ("47000", 47e3), ("47k", 47e3), (" 4.7M ohm ", 4.7e6), ("4M7", 4.7e6), ("100K", 100e3), ("220e3", 220e3)])
def test_parse_ohm_reads_what_is_printed_on_resistors(text, ohm):
    assert parse_ohm(text) == pytest.approx(ohm)


@pytest.mark.parametrize("text", ["", "brown", "1k", "50M", "-47k", "k", "nan", "inf"])
def test_parse_ohm_refuses_what_is_no_skin(text):
    with pytest.raises(CalibrationError):
        parse_ohm(text)


def points(gsr: Gsr, resistors=RESISTORS, noise_v=0.0, seed=1):
    rng = np.random.default_rng(seed)
    circuit = gsr_circuit(gsr)
    return [Point(ohm, circuit.volts(1e6 / ohm) + rng.normal(0, noise_v), noise_v) for ohm in resistors]


def test_fit_of_a_divider_finds_what_is_soldered():
    found = fit(points(Gsr(supply_v=0.512, reference_ohm=46_100.0)), Gsr())
    assert found.gsr.supply_v == pytest.approx(0.512, abs=1e-4)
    assert found.gsr.reference_ohm == pytest.approx(46_100, abs=15)
    assert max(map(abs, found.residuals)) < 1e-3


def test_fit_of_a_divider_under_the_converters_noise():
    supplies = [fit(points(Gsr(supply_v=0.52, reference_ohm=48_000.0), noise_v=5e-5, seed=seed), Gsr()).gsr
                for seed in range(50)]
    assert np.mean([one.supply_v for one in supplies]) == pytest.approx(0.52, abs=2e-4)
    assert np.std([one.supply_v for one in supplies]) < 5e-4
    assert np.std([one.reference_ohm for one in supplies]) < 100


def test_fit_of_two_resistors_is_exact():
    found = fit(points(Gsr(supply_v=0.49), (47e3, 470e3)), Gsr())
    assert found.gsr.supply_v == pytest.approx(0.49, abs=1e-4)


def test_fit_of_a_grove_board_finds_its_supply():
    board = Gsr(circuit="grove", supply_v=3.3)
    found = fit(points(Gsr(circuit="grove", supply_v=3.21)), board)
    assert found.gsr.supply_v == pytest.approx(3.21, abs=1e-3)
    assert (found.gsr.circuit, found.gsr.reference_ohm) == ("grove", board.reference_ohm)


def test_fit_keeps_channel_and_rate():
    configured = Gsr(channel=3, rate_hz=20.0)
    found = fit(points(configured), configured).gsr
    assert (found.channel, found.rate_hz) == (3, 20.0)


@pytest.mark.parametrize(("measured", "words"), [
    (points(Gsr(), (100e3,)), "2 different resistors"),
    (points(Gsr(), (100e3, 100e3)), "2 different resistors"),
    (points(Gsr(supply_v=1.0)), "supply_v"),
    (points(Gsr(reference_ohm=100_000.0)), "reference_ohm"),
    ([Point(100e3, 0.0, 0.0), Point(47e3, 0.2, 0.0)], "0 V"),
    ([*points(Gsr(), RESISTORS), Point(330e3, gsr_circuit(Gsr()).volts(1e6 / 470e3), 0.0)], "off the curve"),
    (points(Gsr(circuit="grove", supply_v=3.3)), "configured"),
])
def test_fit_refuses_what_no_such_circuit_gives(measured, words):
    with pytest.raises(CalibrationError, match=words):
        fit(measured, Gsr())


def test_table_shows_each_resistor_and_its_residual():
    measured = points(Gsr(supply_v=0.5))
    lines = table(measured, fit(measured, Gsr())).splitlines()
    assert len(lines) == 1 + len(RESISTORS)
    assert lines[1].split()[:1] == ["47000"]
    assert lines[1].split()[-1] in {"+0.0%", "-0.0%"}


def connect(stage, answers):
    """Return a person who clips in what they are told to."""
    def ask(question: str) -> str:
        if question.startswith("Connect"):
            stage.body.us = 1e6 / float(question.split()[1])
            return ""
        return answers.pop(0)
    return ask


@pytest.mark.parametrize(("adc", "tolerance"), [("sim:ads1115", 2e-3), ("sim:mcp3008", 3e-2)])
def test_collect_measures_the_simulated_circuit_and_the_fit_agrees(stage, adc, tolerance):
    stage.change("sensors", adc=adc, gsr=Gsr(supply_v=0.53, reference_ohm=45_000.0))
    world = stage.world  # wired with these values; the configuration still has the printed ones
    stage.change("sensors", gsr=Gsr())
    said: list[str] = []
    with converter(stage.settings, Parts({"sim": lambda: world}), stage.clock) as opened:
        measured = collect(opened, stage.clock, 0, 100, known=("47k", "100k", "220k", "470k"),
                           ask=connect(stage, []), tell=said.append)
    assert len(said) == 4
    found = fit(measured, Gsr()).gsr
    assert found.supply_v == pytest.approx(0.53, rel=tolerance)
    assert found.reference_ohm == pytest.approx(45_000, rel=3 * tolerance)


def test_collect_asks_for_each_resistor_and_again_after_a_bad_one(stage):
    said: list[str] = []
    with converter(stage.settings, Parts({"sim": lambda: stage.world}), stage.clock) as opened:
        measured = collect(opened, stage.clock, 0, 20, known=(),
                           ask=connect(stage, ["47k", "fast", "100k", ""]), tell=said.append)
    assert [point.ohm for point in measured] == [47e3, 100e3]
    assert "'fast' is no resistance" in said[1]


def test_measure_refuses_what_clips_or_trembles(stage):
    class Trembling:
        full_scale_v = 1.0

        def __init__(self, inner, by):
            self._inner, self._by, self._sign = inner, by, 1

        def read(self, channel):
            self._sign = -self._sign
            reading = self._inner.read(channel)
            return reading._replace(volts=reading.volts + self._sign * self._by)

        def close(self):
            pass
    with converter(stage.settings, Parts({"sim": lambda: stage.world}), stage.clock) as opened:
        with pytest.raises(CalibrationError, match="not steady"):
            measure(Trembling(opened, 0.02), stage.clock, 0, 100e3, 20)
        stage.change("sensors", adc="sim:mcp3008")
    stage.body.us = 0.0
    with converter(stage.settings, Parts({"sim": lambda: stage.world}), stage.clock) as opened, \
            pytest.raises(CalibrationError, match="end of the converter's range"):
        measure(opened, ManualClock(), 0, 100e3, 20)


def test_converter_of_a_running_service_is_refused(stage):
    stage.runs("sensors")
    with pytest.raises(CalibrationError, match="systemctl stop tranquillo-sensors"), \
            converter(stage.settings, Parts({}), stage.clock):
        pytest.fail("opened")
