"""What every converter promises, simulated or real.

With `--hardware`: the converter that the unit's configuration names, inputs anywhere between ground and
3.3 V.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from drivers.adc import Adc, Reading, ReadingQuality
from drivers.errors import DeviceLost

if TYPE_CHECKING:
    from tests.contract.conftest import Machine

WIRING = ("i2c_bus", "i2c_address", "spi_bus", "spi_device", "reference_v")
CHANNELS = {"ads1115": 4, "mcp3008": 8}
LSB_V = {"ads1115": 4.096 / 32768, "mcp3008": 3.3 / 1024}  # at gain 1, and at 3.3 V
LONGEST_S = 0.2  # one read, on a busy machine


class Opened(NamedTuple):
    """A converter under test."""

    part: str
    machine: Machine
    adc: Adc


@pytest.fixture(params=["ads1115", "mcp3008"])
def opened(request: pytest.FixtureRequest, machine: Machine) -> Iterator[Opened]:
    machine.needs(f"linux:{request.param}")
    adc = _open(request.param, machine)
    yield Opened(request.param, machine, adc)
    adc.close()


def _open(part: str, machine: Machine, **changed: int) -> Adc:
    wiring = {name: getattr(machine.settings.sensors, name) for name in WIRING}
    return machine.parts.adc(f"{machine.scheme}:{part}", machine.clock, **(wiring | changed))


def test_converter_reads_every_channel_within_its_range(opened: Opened) -> None:
    for channel in range(CHANNELS[opened.part]):
        reading = opened.adc.read(channel)
        assert isinstance(reading, Reading)
        assert -0.3 <= reading.volts <= opened.adc.full_scale_v


def test_converter_marks_only_its_end_codes(opened: Opened) -> None:
    for channel in range(CHANNELS[opened.part]):
        reading = opened.adc.read(channel)
        inside = 2 * LSB_V[opened.part] < reading.volts < opened.adc.full_scale_v - 2 * LSB_V[opened.part]
        if inside:
            assert reading.quality is ReadingQuality.GOOD


def test_converter_gives_whole_counts(opened: Opened) -> None:
    for channel in range(CHANNELS[opened.part]):
        counts = opened.adc.read(channel).volts / LSB_V[opened.part]
        assert counts == pytest.approx(round(counts), abs=1e-6)


def test_converter_stamps_each_reading_within_its_call(opened: Opened) -> None:
    clock = opened.machine.clock
    stamps = []
    for number in range(20):
        before_s = clock.monotonic()
        reading = opened.adc.read(number % 2)
        after_s = clock.monotonic()
        assert before_s <= reading.at_s <= after_s
        assert after_s - before_s < LONGEST_S
        stamps.append(reading.at_s)
    assert stamps == sorted(stamps)


def test_converter_keeps_up_with_the_sensors(opened: Opened) -> None:
    # 100 pulse, 10 skin conductance and 1 temperature reading a second, four times as fast
    clock = opened.machine.clock
    start_s = clock.monotonic()
    for number in range(111):
        opened.adc.read(number % 3)
    assert clock.monotonic() - start_s < 1.0


def test_converter_opened_again_goes_on(opened: Opened) -> None:
    first = opened.adc.read(1)
    opened.adc.close()
    again = _open(opened.part, opened.machine)
    second = again.read(1)
    again.close()
    assert second.at_s > first.at_s


def test_converter_that_is_not_there_is_lost_in_bounded_time(machine: Machine) -> None:
    machine.needs("linux:ads1115")
    start_s = machine.clock.monotonic()
    with pytest.raises(DeviceLost) as caught:
        _open("ads1115", machine, i2c_address=0x4B if machine.settings.sensors.i2c_address != 0x4B else 0x49)
    assert machine.clock.monotonic() - start_s < 1.0
    assert "\n" not in str(caught.value)
    assert "wiring" in str(caught.value)
