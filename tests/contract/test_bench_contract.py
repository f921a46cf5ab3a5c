"""What the front ends promise with known things at the sensors, simulated or real.

With `--hardware`: `--gsr-ohm OHM` with that resistor between the electrode leads, `--celsius C` with the
thermistor in a room of that temperature, `--finger` with a still finger on the pulse sensor for 40 s.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from device.features.ppg import PulseTracker
from device.messages import Quality, SampleBlock
from device.sensing.adc import READ_STEP_S, AdcSensing

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

LOOK_S = 3.0
FINGER_S = 40.0
BENCH_OHM, BENCH_C = 100_000.0, 23.0  # of the simulated bench
GAIN_SHARE, OFFSET_US = 0.05, 0.05  # resistors, supply and converter of 1 % each, and some hum
ROOM_C = 2.0


@pytest.fixture
def sensing(bench: Bench) -> Iterator[AdcSensing]:
    sensors = bench.machine.settings.sensors
    spans_v = {sensors.gsr.channel: sensors.gsr.supply_v} if sensors.gsr.circuit == "divider" else {}
    adc = bench.machine.parts.adc(
        sensors.adc, bench.machine.clock, i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address,
        spi_bus=sensors.spi_bus, spi_device=sensors.spi_device, reference_v=sensors.reference_v,
        spans_v=spans_v)
    sensing = AdcSensing(adc, bench.machine.clock, sensors)
    yield sensing
    sensing.close()


def told(request: pytest.FixtureRequest, bench: Bench, option: str, simulated: float | bool) -> float:
    """Return what is at the sensor: of the simulated bench, or as the person says."""
    if bench.world is not None:
        return simulated
    value: float | bool | None = request.config.getoption(option)
    if not value:
        pytest.skip(f"needs {option} and what it says at the sensor (docs/bring-up.md)")
    return value


def blocks_of(bench: Bench, sensing: AdcSensing, signal: str, seconds: float) -> list[SampleBlock]:
    """Sample for so long, as the service does, and return the blocks of one signal."""
    clock = bench.machine.clock
    found = []
    end_s = clock.monotonic() + seconds
    while clock.monotonic() < end_s:
        found += [block for block in sensing.update() if block.signal == signal]
        clock.sleep(READ_STEP_S)
    assert found, f"no {signal} in {seconds:g} s"
    return found


def test_bench_resistor_reads_as_its_conductance(
    request: pytest.FixtureRequest, bench: Bench, sensing: AdcSensing,
) -> None:
    expected_us = 1e6 / told(request, bench, "--gsr-ohm", BENCH_OHM)
    blocks = blocks_of(bench, sensing, "eda", LOOK_S)
    assert {block.quality for block in blocks} == {Quality.GOOD}
    values = np.concatenate([block.values for block in blocks])
    assert values.mean() == pytest.approx(expected_us, rel=GAIN_SHARE, abs=OFFSET_US)


def test_bench_resistor_is_quieter_than_the_smallest_response(
    request: pytest.FixtureRequest, bench: Bench, sensing: AdcSensing,
) -> None:
    if bench.machine.settings.sensors.adc.endswith("mcp3008"):
        pytest.skip("ten bits cannot show it (docs/hardware.md)")
    told(request, bench, "--gsr-ohm", BENCH_OHM)
    values = np.concatenate([block.values for block in blocks_of(bench, sensing, "eda", LOOK_S)])
    assert values.std() < 0.01  # uS; a response counts from there on (Boucsein et al., 2012)


def test_bench_thermistor_reads_the_room(
    request: pytest.FixtureRequest, bench: Bench, sensing: AdcSensing,
) -> None:
    if bench.machine.settings.sensors.temperature is None:
        pytest.skip("this unit's configuration names no thermistor")
    expected_c = told(request, bench, "--celsius", BENCH_C)
    values = np.concatenate([block.values for block in blocks_of(bench, sensing, "temperature", LOOK_S)])
    assert values.mean() == pytest.approx(expected_c, abs=ROOM_C)


def test_bench_finger_has_a_pulse(request: pytest.FixtureRequest, bench: Bench, sensing: AdcSensing) -> None:
    told(request, bench, "--finger", simulated=True)
    rate_hz = bench.machine.settings.sensors.ppg.rate_hz
    tracker = PulseTracker(rate_hz)
    blocks = blocks_of(bench, sensing, "ppg", FINGER_S)
    for block in blocks:
        tracker.push(block.start_s, block.values)
    volts = np.concatenate([block.values for block in blocks])
    assert 0.0 < np.nanmin(volts) < np.nanmax(volts) < bench.machine.settings.sensors.reference_v
    seen = tracker.features(bench.machine.clock.monotonic(), FINGER_S)
    assert seen is not None
    assert seen.quality > 0.5
    assert 40.0 < seen.hr_bpm < 180.0
    if bench.body is not None:
        assert seen.hr_bpm == pytest.approx(bench.body.truth(bench.machine.clock.monotonic()).hr_bpm, abs=8.0)


def test_bench_samples_come_without_a_gap(bench: Bench, sensing: AdcSensing) -> None:
    rate_hz = bench.machine.settings.sensors.ppg.rate_hz
    blocks = blocks_of(bench, sensing, "ppg", LOOK_S)
    steps = [later.start_s - earlier.start_s - len(earlier.values) / rate_hz
             for earlier, later in itertools.pairwise(blocks)]
    missed = sum(round(step * rate_hz) for step in steps)
    assert missed <= 0.01 * LOOK_S * rate_hz
