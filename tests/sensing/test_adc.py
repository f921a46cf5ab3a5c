"""Paced reads: grid, blocks, gaps, quality."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from device.clock import ManualClock
from device.config import Gsr, Ppg, Sensors, SkinTemperature
from device.errors import DeviceLost
from device.messages import Quality, SampleBlock
from device.sensing.adc import AdcSensing
from drivers.adc import Reading, ReadingQuality
from drivers.gsr import DividerGsr, GroveGsr
from drivers.thermistor import Thermistor

STEP_S = 0.005


class BenchSource:
    """A converter whose inputs are functions of time; a conversion takes `takes_s` of the clock."""

    full_scale_v = 4.096

    def __init__(self, clock: ManualClock, inputs: dict[int, Callable[[float], float]],
                 takes_s: float = 0.0) -> None:
        self.closed = False
        self.reads = 0
        self._clock = clock
        self._inputs = inputs
        self._takes_s = takes_s

    def read(self, channel: int) -> Reading:
        self.reads += 1
        at_s = self._clock.monotonic()
        self._clock.sleep(self._takes_s)
        volts = min(max(self._inputs[channel](at_s), 0.0), self.full_scale_v)
        clipped = volts in (0.0, self.full_scale_v)
        return Reading(at_s, volts, ReadingQuality.CLIPPED if clipped else ReadingQuality.GOOD)

    def close(self) -> None:
        self.closed = True


def pulse(at_s: float) -> float:
    return 1.65 + 0.3 * math.sin(2 * math.pi * 1.2 * at_s)


def skin(at_s: float) -> float:
    return DividerGsr(0.5, 47_000.0).volts(5.0 + 0.01 * (at_s - 1000.0))


def run(sensing: AdcSensing, clock: ManualClock, seconds: float, step_s: float = STEP_S) -> list[SampleBlock]:
    blocks: list[SampleBlock] = []
    start_s = clock.monotonic()
    for step in range(round(seconds / step_s)):
        clock.advance_to(start_s + step * step_s)
        blocks += sensing.update()
    return blocks


def of(blocks: list[SampleBlock], signal: str) -> list[SampleBlock]:
    return [block for block in blocks if block.signal == signal]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


def test_sensing_delivers_each_signal_at_its_rate_in_blocks_of_a_fifth_of_a_second(clock):
    blocks = run(AdcSensing(BenchSource(clock, {0: skin, 1: pulse}), clock, Sensors()), clock, 10.0)
    assert [len(block.values) for block in of(blocks, "ppg")] == [20] * 50
    assert [len(block.values) for block in of(blocks, "eda")] == [2] * 50
    assert {block.rate_hz for block in of(blocks, "ppg")} == {100.0}
    assert {block.rate_hz for block in of(blocks, "eda")} == {10.0}


def test_sensing_blocks_follow_one_another_without_drift(clock):
    sensing = AdcSensing(BenchSource(clock, {0: skin, 1: pulse}, takes_s=0.0013), clock, Sensors())
    blocks = of(run(sensing, clock, 60.0), "ppg")
    starts = [block.start_s for block in blocks]
    assert starts == pytest.approx([1000.0 + 0.2 * k for k in range(len(blocks))], abs=1e-6)
    assert len(blocks) >= 299


def test_sensing_converts_volts_to_microsiemens_of_the_divider(clock):
    blocks = of(run(AdcSensing(BenchSource(clock, {0: skin, 1: pulse}), clock, Sensors()), clock, 5.0), "eda")
    values = [value for block in blocks for value in block.values]
    times = [block.start_s + k / 10.0 for block in blocks for k in range(len(block.values))]
    assert values == pytest.approx([5.0 + 0.01 * (at_s - 1000.0) for at_s in times], abs=1e-3)
    assert all(block.quality is Quality.GOOD for block in blocks)


def test_sensing_converts_volts_to_microsiemens_of_the_grove_circuit(clock):
    circuit = GroveGsr(3.3)
    settings = Sensors(gsr=Gsr(circuit="grove", supply_v=3.3))
    inputs = {0: lambda _: circuit.volts(8.0), 1: pulse}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, settings), clock, 2.0), "eda")
    assert [value for block in blocks for value in block.values] == pytest.approx([8.0] * 20, rel=1e-6)


@pytest.mark.parametrize("hum_hz", [49.9, 50.0, 50.03, 59.9, 60.0, 60.02])
def test_sensing_hears_no_mains_on_the_skin(clock, hum_hz):
    circuit = DividerGsr(0.5, 47_000.0)

    def humming(at_s: float) -> float:
        return circuit.volts(5.0) + 0.02 * math.sin(2 * math.pi * hum_hz * at_s + 1.0)

    sensing = AdcSensing(BenchSource(clock, {0: humming, 1: pulse}), clock, Sensors())
    blocks = of(run(sensing, clock, 30.0), "eda")
    values = [value for block in blocks for value in block.values]
    one_read = circuit.microsiemens(circuit.volts(5.0) + 0.02) - 5.0
    assert len(values) == 300
    assert max(abs(value - 5.0) for value in values) < 0.02 * one_read


@pytest.mark.parametrize(("rate_hz", "reads"), [(10.0, 4), (20.0, 4), (25.0, 1)])
def test_sensing_takes_the_mean_of_four_reads_where_they_fit(clock, rate_hz, reads):
    source = BenchSource(clock, {0: skin, 1: pulse})
    run(AdcSensing(source, clock, Sensors(gsr=Gsr(rate_hz=rate_hz))), clock, 10.0)
    assert source.reads == pytest.approx(1000 + 10 * rate_hz * reads, abs=4)


def test_sensing_reads_skin_temperature_where_one_is_configured(clock):
    sensor = Thermistor(3.3, 10_000.0, 10_000.0, 3950.0)
    inputs = {0: skin, 1: pulse, 2: lambda _: sensor.volts(33.25)}
    settings = Sensors(temperature=SkinTemperature())
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, settings), clock, 10.0), "temperature")
    assert [block.values for block in blocks] == [pytest.approx((33.25,), abs=0.01)] * 10


def test_sensing_shows_missed_samples_as_a_jump_and_invents_none(clock):
    sensing = AdcSensing(BenchSource(clock, {0: skin, 1: pulse}), clock, Sensors())
    before = of(run(sensing, clock, 1.05), "ppg")
    clock.sleep(0.5)
    after = of(run(sensing, clock, 1.0), "ppg")
    seen = before + after
    gaps = [round(b.start_s - (a.start_s + len(a.values) / 100.0), 3)
            for a, b in pairwise(seen)]
    assert max(gaps) == pytest.approx(0.5, abs=0.02)
    assert sum(gap > 1e-6 for gap in gaps) == 1
    values = [value for block in seen for value in block.values]
    times = [block.start_s + k / 100.0 for block in seen for k in range(len(block.values))]
    assert len(values) == 205
    assert values == pytest.approx([pulse(at_s) for at_s in times], abs=0.03)


def test_sensing_tolerates_a_read_that_is_late_by_less_than_a_sample(clock):
    sensing = AdcSensing(BenchSource(clock, {0: skin, 1: pulse}), clock, Sensors())
    blocks: list[SampleBlock] = []
    for step in range(1000):
        clock.advance_to(1000.0 + step * 0.01 + (0.004 if step % 3 else 0.0))
        blocks += sensing.update()
    assert [len(block.values) for block in of(blocks, "ppg")] == [20] * 50


@pytest.mark.parametrize(("volts", "quality"), [
    (0.0, Quality.OPEN), (0.0001, Quality.OPEN), (0.4999, Quality.SHORT), (0.6, Quality.SHORT),
])
def test_sensing_marks_electrodes_without_contact_or_touching_each_other(clock, volts, quality):
    inputs = {0: lambda _: volts, 1: pulse}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 1.0), "eda")
    assert {block.quality for block in blocks} == {quality}
    assert all(math.isnan(value) for block in blocks for value in block.values)


def test_sensing_marks_a_clipped_pulse_and_keeps_the_good_samples_of_the_block(clock):
    inputs = {0: skin, 1: lambda at_s: 5.0 if (at_s - 999.9975) % 0.2 < 0.05 else pulse(at_s)}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 1.0), "ppg")
    assert {block.quality for block in blocks} == {Quality.CLIPPED}
    assert [sum(map(math.isnan, block.values)) for block in blocks] == [5] * 5


def test_sensing_marks_a_converter_that_repeats_itself_after_two_seconds(clock):
    inputs = {0: skin, 1: lambda at_s: pulse(min(at_s, 1001.0))}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 5.0), "ppg")
    stuck = [block.start_s for block in blocks if block.quality is Quality.STUCK]
    assert stuck[0] == pytest.approx(1003.0, abs=0.21)
    assert all(math.isnan(value) for block in blocks if block.start_s >= 1003.2 for value in block.values)


def test_sensing_lets_quiet_skin_rest_on_one_code_while_the_pulse_moves(clock):
    inputs = {0: lambda _: 0.095, 1: pulse}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 8.0), "eda")
    assert {block.quality for block in blocks} == {Quality.GOOD}


def test_sensing_doubts_constant_skin_when_the_pulse_is_stuck_too(clock):
    inputs = {0: lambda _: 0.095, 1: lambda _: 0.095}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 8.0), "eda")
    assert [block.quality for block in blocks[:9]] == [Quality.GOOD] * 9
    assert {block.quality for block in blocks[11:]} == {Quality.STUCK}


def test_sensing_recovers_once_the_converter_moves_again(clock):
    inputs = {0: skin, 1: lambda at_s: 1.0 if 1001.0 < at_s < 1005.0 else pulse(at_s)}
    blocks = of(run(AdcSensing(BenchSource(clock, inputs), clock, Sensors()), clock, 7.0), "ppg")
    assert {block.quality for block in blocks if block.start_s > 1005.2} == {Quality.GOOD}


def test_sensing_honours_configured_rates(clock):
    settings = Sensors(gsr=Gsr(rate_hz=4.0), ppg=Ppg(rate_hz=50.0))
    blocks = run(AdcSensing(BenchSource(clock, {0: skin, 1: pulse}), clock, settings), clock, 10.0)
    assert sum(len(block.values) for block in of(blocks, "eda")) == 40
    assert sum(len(block.values) for block in of(blocks, "ppg")) == 500


def test_sensing_passes_on_that_the_converter_is_lost(clock):
    class Gone(BenchSource):
        def read(self, channel: int) -> Reading:
            raise DeviceLost(f"channel {channel} does not answer")

    with pytest.raises(DeviceLost, match="does not answer"):
        AdcSensing(Gone(clock, {}), clock, Sensors()).update()


@pytest.mark.parametrize("takes_s", [0.0017, 0.0027], ids=["400 kHz", "100 kHz"])  # of the I2C bus
def test_sensing_reads_the_skin_when_mains_cancels_on_a_bus_of_any_speed(clock, takes_s):
    times: list[float] = []

    def noted(at_s: float) -> float:
        times.append(at_s)
        return skin(at_s)

    sensing = AdcSensing(BenchSource(clock, {0: noted, 1: pulse}, takes_s), clock, Sensors())
    steps = 0
    while clock.monotonic() < 1010.0:
        sensing.update()
        clock.advance_to(max(clock.monotonic(), sensing.next_due_s()))
        steps += 1
    assert steps / 10.0 == pytest.approx(120.0, abs=2.0), "the process sleeps from read to read"
    of_sample = [times[start:start + 4] for start in range(0, len(times) - 3, 4)]
    assert len(of_sample) == pytest.approx(100, abs=1)
    for first, *later in of_sample:
        assert [at_s - first for at_s in later] == pytest.approx([0.010, 0.025, 0.035], abs=1e-5)


def test_sensing_closes_the_converter_and_knows_when_it_is_due(clock):
    source = BenchSource(clock, {0: skin, 1: pulse})
    sensing = AdcSensing(source, clock, Sensors())
    assert sensing.next_due_s() == 1000.0
    sensing.update()
    assert sensing.next_due_s() == pytest.approx(1000.01)
    sensing.close()
    assert source.closed
