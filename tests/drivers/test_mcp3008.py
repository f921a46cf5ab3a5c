"""The MCP3008 driver on the simulated chip and on broken lines."""

from __future__ import annotations

import random

import pytest

from device.clock import ManualClock
from drivers.adc import ReadingQuality
from drivers.errors import DeviceLost
from drivers.mcp3008 import CHANNELS, Mcp3008
from drivers.retry import RETRIES
from drivers.sim.mcp3008 import SimulatedMcp3008

COUNT_V = 3.3 / 1024


class Rig:
    """A chip with voltages set by hand."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.volts = {channel: 0.4 * channel + 0.05 for channel in range(CHANNELS)}
        self.faults: set[str] = set()
        self.spi = SimulatedMcp3008(clock, lambda channel, _: self.volts[channel], self.faults.__contains__,
                                    reference_v=3.3, rng=random.Random(7))

    def open(self) -> Mcp3008:
        return Mcp3008(self.spi, self.clock, reference_v=3.3)


class Wire:
    """An SPI line that always reads the same, after some good frames or before them."""

    def __init__(self, frames: list[list[int]]) -> None:
        self.frames = frames
        self.sent: list[list[int]] = []
        self.closed = False

    def xfer2(self, values: list[int]) -> list[int]:
        self.sent.append(values)
        return self.frames[min(len(self.sent), len(self.frames)) - 1]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    return Rig(clock)


@pytest.mark.parametrize("channel", range(CHANNELS))
def test_mcp3008_reads_every_channel_within_a_count(rig: Rig, channel: int) -> None:
    reading = rig.open().read(channel)
    assert reading.volts == pytest.approx(rig.volts[channel], abs=COUNT_V)
    assert reading.quality is ReadingQuality.GOOD
    assert reading.at_s == rig.clock.monotonic()


@pytest.mark.parametrize("volts", [3.3, 4.0, 0.0, -0.1])
def test_mcp3008_marks_the_ends_of_its_range(rig: Rig, volts: float) -> None:
    rig.volts[0] = volts
    reading = rig.open().read(0)
    assert reading.quality is ReadingQuality.CLIPPED
    assert reading.volts == pytest.approx(min(max(volts, 0.0), 3.3 - COUNT_V))


def test_mcp3008_masks_the_undefined_bits(clock: ManualClock) -> None:
    for undefined in range(0, 256, 8):  # every pattern above the null bit
        wire = Wire([[undefined, undefined & 0xF8 | 0x02, 0x80]])
        reading = Mcp3008(wire, clock, reference_v=3.3).read(0)
        assert reading.volts == pytest.approx((2 * 256 + 128) * COUNT_V)


def test_mcp3008_sends_start_single_ended_and_channel(clock: ManualClock) -> None:
    wire = Wire([[0, 0, 1]])
    Mcp3008(wire, clock, reference_v=3.3).read(5)
    assert wire.sent == [[0b1, 0b1101_0000, 0]]


def test_mcp3008_floating_line_is_lost_after_its_retries(clock: ManualClock) -> None:
    wire = Wire([[0xFF, 0xFF, 0xFF]])
    with pytest.raises(DeviceLost, match=r"null bit.*wires.*dtparam=spi"):
        Mcp3008(wire, clock, reference_v=3.3).read(0)
    assert len(wire.sent) == RETRIES + 1


def test_mcp3008_survives_three_bad_frames(clock: ManualClock) -> None:
    wire = Wire([[0xFF, 0xFF, 0xFF]] * 3 + [[0, 1, 0]])
    assert Mcp3008(wire, clock, reference_v=3.3).read(0).volts == pytest.approx(256 * COUNT_V)


@pytest.mark.parametrize("fault", ["adc_absent", "adc_nack", "adc_stuck"])
def test_mcp3008_faults_are_losses_that_end(rig: Rig, fault: str) -> None:
    adc = rig.open()
    rig.faults.add(fault)
    with pytest.raises(DeviceLost):
        adc.read(3)
    rig.faults.clear()
    assert adc.read(3).volts == pytest.approx(rig.volts[3], abs=COUNT_V)


def test_mcp3008_close_releases_the_device(clock: ManualClock) -> None:
    wire = Wire([[0, 0, 0]])
    Mcp3008(wire, clock, reference_v=3.3).close()
    assert wire.closed


def test_mcp3008_full_scale_is_its_reference(rig: Rig) -> None:
    assert rig.open().full_scale_v == 3.3
