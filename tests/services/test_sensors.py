"""The sensors service: blocks of the right values and rates, and a converter that goes and comes."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import msgspec
import numpy as np
import pytest

from device.config import Gsr, Ppg, Sensors, SkinTemperature
from device.messages import Quality, SampleBlock, Severity
from device.services.sensors import ROOT


def blocks_of(messages, signal):
    return [m for m in messages if isinstance(m, SampleBlock) and m.signal == signal]


def values_of(blocks):
    return np.array([value for block in blocks for value in block.values])


def with_sensors(settings, **changes):
    return msgspec.structs.replace(settings, sensors=msgspec.structs.replace(settings.sensors, **changes))


@pytest.mark.parametrize(("signal", "rate_hz", "length"), [
    ("ppg", 100.0, 20), ("eda", 10.0, 2), ("temperature", 1.0, 1),
])
def test_sensors_blocks_are_contiguous_at_the_configured_rate(rig, signal, rate_hz, length):
    bench = rig(ROOT)
    found = blocks_of(bench.run(10.0), signal)
    assert {block.rate_hz for block in found} == {rate_hz}
    assert {len(block.values) for block in found} == {length}
    assert {block.quality for block in found} == {Quality.GOOD}
    assert len(values_of(found)) == pytest.approx(10.0 * rate_hz, abs=length)
    assert 0.0 <= found[0].start_s - bench.start_s < 0.01
    for before, after in pairwise(found):
        assert after.start_s == pytest.approx(before.start_s + length / rate_hz, abs=1e-9)


def test_sensors_blocks_are_sent_within_a_sample_of_being_full(rig):
    for block in blocks_of(rig(ROOT).run(5.0), "ppg"):
        last_s = block.start_s + (len(block.values) - 1) / block.rate_hz
        assert last_s <= block.at_s < last_s + 1 / block.rate_hz


def test_sensors_values_are_the_bodys_own(rig, known_body):
    messages = rig(ROOT).run(10.0)
    skin_us = values_of(blocks_of(messages, "eda"))
    assert skin_us == pytest.approx(known_body.us, abs=0.02)
    assert values_of(blocks_of(messages, "temperature")) == pytest.approx(known_body.celsius, abs=0.05)
    for block in blocks_of(messages, "ppg"):
        times_s = block.start_s + np.arange(len(block.values)) / block.rate_hz
        wanted = [known_body.pulse_v(at_s) for at_s in times_s]
        # A sample may be taken most of a step late: 0.25 V of a sine of 1.2 Hz moves 1.9 mV in 1 ms.
        assert np.array(block.values) == pytest.approx(np.array(wanted), abs=0.02)


def test_sensors_divider_is_read_with_the_fine_gain(rig):
    # 40 uV of noise are 2.6 nS here; at gain 1 the steps alone would be 8 nS apart.
    skin_us = values_of(blocks_of(rig(ROOT).run(20.0), "eda"))
    assert 0.0 < skin_us.std() < 0.004
    assert np.unique(skin_us).size > 10


@pytest.mark.parametrize("us", [0.05, 1.0, 20.0, 60.0])
def test_sensors_cover_the_range_of_skin(rig, known_body, us):
    known_body.us = us
    assert values_of(blocks_of(rig(ROOT).run(2.0), "eda")) == pytest.approx(us, rel=0.02, abs=0.005)


def test_sensors_without_a_thermistor_send_no_temperature(rig, desk):
    messages = rig(ROOT, with_sensors(desk, temperature=None)).run(3.0)
    assert {m.signal for m in messages} == {"ppg", "eda"}


@pytest.mark.parametrize("adc", ["sim:ads1115", "sim:mcp3008"])
def test_sensors_other_wiring_gives_the_same_values(rig, desk, known_body, adc):
    sensors = Sensors(
        adc=adc, i2c_address=0x4B, reference_v=3.3, gsr=Gsr(channel=3, circuit="grove", supply_v=3.3),
        ppg=Ppg(channel=0, rate_hz=50.0), temperature=SkinTemperature(channel=1, rate_hz=2.0))
    known_body.us = 12.0
    messages = rig(ROOT, msgspec.structs.replace(desk, sensors=sensors)).run(5.0)
    assert values_of(blocks_of(messages, "eda")) == pytest.approx(12.0, rel=0.05)
    assert values_of(blocks_of(messages, "temperature")) == pytest.approx(33.0, abs=0.4)
    pulse = blocks_of(messages, "ppg")
    assert {block.rate_hz for block in pulse} == {50.0}
    assert np.ptp(values_of(pulse)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("kind", "signal", "quality"), [
    ("gsr_open", "eda", Quality.OPEN),
    ("gsr_short", "eda", Quality.SHORT),
    ("temperature_off", "temperature", Quality.OPEN),
    ("adc_frozen", "ppg", Quality.STUCK),
    ("adc_frozen", "eda", Quality.STUCK),
])
def test_sensors_bad_samples_are_nan_with_their_reason(rig, kind, signal, quality):
    bench = rig(ROOT)
    bench.run(2.0)
    bench.world.inject(kind, 5.0)
    during = blocks_of(bench.run(5.0), signal)[-5:-1] if signal != "temperature" else blocks_of(
        bench.run(5.0), signal)[1:-1]
    assert {block.quality for block in during} == {quality}
    assert all(math.isnan(value) for block in during for value in block.values)
    after = blocks_of(bench.run(3.0), signal)[-1]
    assert after.quality is Quality.GOOD
    assert not any(map(math.isnan, after.values))
    assert bench.worker.faults() == ()


@pytest.mark.parametrize("kind", ["adc_absent", "adc_nack", "adc_stuck"])
def test_sensors_lost_converter_is_told_and_its_end_as_well(rig, kind):
    bench = rig(ROOT)
    bench.run(2.0)
    assert bench.worker.faults() == ()
    bench.world.inject(kind, 5.0)
    bench.run(4.0)
    (fault,) = bench.worker.faults()
    assert (fault.code, fault.severity) == ("adc_lost", Severity.ATTENTION)
    assert "0x48" in fault.advice
    assert fault.advice.endswith("the music plays without sensors until the converter answers")
    bench.run(6.0)
    assert bench.worker.faults() == ()
    assert values_of(blocks_of(bench.said, "eda")) == pytest.approx(5.0, abs=0.02)


def test_sensors_gap_of_a_lost_converter_is_left_open(rig):
    bench = rig(ROOT)
    bench.run(3.0)
    bench.world.inject("adc_nack", 5.0)
    bench.run(12.0)
    for signal in ("eda", "ppg"):
        found = blocks_of(bench.said, signal)
        gaps = [after.start_s - before.start_s - len(before.values) / before.rate_hz
                for before, after in pairwise(found)]
        assert sum(gap > 0.1 for gap in gaps) == 1
        assert 5.0 <= max(gaps) < 8.0
        assert all(block.start_s + len(block.values) / block.rate_hz < bench.start_s + 3.3
                   or block.start_s > bench.start_s + 8.0 for block in found)


def test_sensors_absent_converter_is_opened_again_with_backoff(rig):
    bench = rig(ROOT)
    bench.world.inject("adc_absent", 40.0)
    assert bench.run(39.0) == []
    waits = [after - before for before, after in pairwise(bench.opened_s)]
    assert waits == pytest.approx([1.0, 2.0, 4.0, 8.0, 16.0], abs=0.1)
    (fault,) = bench.worker.faults()
    assert fault.code == "adc_lost"
    bench.run(25.0)  # the next attempt comes 30 s after the last
    assert bench.worker.faults() == ()
    assert blocks_of(bench.said, "ppg")


def test_sensors_backoff_starts_short_again_after_work(rig):
    bench = rig(ROOT)
    bench.world.inject("adc_absent", 10.0)
    bench.run(20.0)
    assert bench.worker.faults() == ()
    attempts = len(bench.opened_s)
    bench.world.inject("adc_absent", 2.0)
    bench.run(6.0)
    assert bench.worker.faults() == ()
    again_s = bench.opened_s[attempts:]
    assert again_s[0] - (bench.start_s + 20.0) == pytest.approx(1.0, abs=0.1)


def test_sensors_fault_begins_and_ends_once(rig):
    bench = rig(ROOT)
    bench.run(1.0)
    bench.world.inject("adc_absent", 8.0)
    bench.run(20.0)
    codes = [tuple(fault.code for fault in faults) for _, faults in bench.faults_at]
    spells = [code for code, _ in groupby(codes)]  # the advice may change while the fault lasts
    assert spells == [(), ("adc_lost",), ()]


def test_sensors_floating_spi_is_a_lost_converter_too(rig, desk):
    bench = rig(ROOT, with_sensors(desk, adc="sim:mcp3008"))
    bench.run(1.0)
    bench.world.inject("adc_absent", 3.0)
    bench.run(1.0)
    (fault,) = bench.worker.faults()
    assert "MCP3008" in fault.advice
    bench.run(6.0)
    assert bench.worker.faults() == ()


@pytest.mark.parametrize(("rate_hz", "period_s"), [(25.0, 0.005), (100.0, 0.005), (250.0, 0.002)])
def test_sensors_polls_every_5_ms_and_twice_as_fast_as_the_pulse(rig, desk, rate_hz, period_s):
    assert rig(ROOT, with_sensors(desk, ppg=Ppg(rate_hz=rate_hz))).worker.period_s == pytest.approx(period_s)


def test_sensors_a_late_step_is_a_gap_and_never_made_up(rig):
    bench = rig(ROOT)
    bench.run(2.0)
    bench.clock.sleep(1.0)
    bench.run(2.0)
    found = blocks_of(bench.said, "ppg")
    assert len(values_of(found)) == pytest.approx(400, abs=25)
    gaps = [after.start_s - before.start_s - len(before.values) / before.rate_hz
            for before, after in pairwise(found)]
    assert max(gaps) == pytest.approx(1.0, abs=0.05)
