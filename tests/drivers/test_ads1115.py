"""The ADS1115 driver: Adafruit's library on the simulated chip, with every way to fail."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from device.clock import ManualClock
from drivers.adc import ReadingQuality
from drivers.ads1115 import COUNTS, FULL_SCALE_V, POLLS, RATES_SPS, Ads1115, gain_for
from drivers.errors import DeviceConfigError, DeviceLost
from drivers.retry import RETRIES
from drivers.sim.ads1115 import SimulatedAds1115, SimulatedI2c

ADDRESS = 0x48
COUNT_V = 4.096 / COUNTS
CONVERSION_S = 1 / 860


class Rig:
    """A chip with voltages set by hand, and a bus whose next transfers can be made to fail."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.volts = {0: 0.1, 1: 1.0, 2: 2.0, 3: 3.0}
        self.faults: set[str] = set()
        self.chip = SimulatedAds1115(clock, lambda channel, _: self.volts[channel], self.faults.__contains__)
        self.bus = TroubledBus(self.chip)

    def open(self, **chosen: object) -> Ads1115:
        return Ads1115(self.bus, self.clock, address=ADDRESS, **chosen)  # type: ignore[arg-type]


class TroubledBus(SimulatedI2c):
    """A bus that fails the next transfers, or lets something happen after the next config write."""

    def __init__(self, chip: SimulatedAds1115) -> None:
        super().__init__({ADDRESS: chip})
        self.failures = 0
        self.writes: list[bytes] = []
        self.after_start: Callable[[], None] | None = None

    def writeto(self, address: int, buffer: bytes | bytearray, *, start: int = 0,
                end: int | None = None) -> None:
        data = bytes(buffer[start:end])
        self.writes.append(data)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EREMOTEIO, "noise on the bus")
        super().writeto(address, data)
        if self.after_start and len(data) == 3 and data[0] == 1:
            then, self.after_start = self.after_start, None
            then()


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    return Rig(clock)


@pytest.mark.parametrize("volts", [0.0, 0.0001, 0.5, 1.65, 3.3, 4.0, -0.002])
def test_ads1115_reads_within_half_a_count(rig: Rig, volts: float) -> None:
    rig.volts[1] = volts
    reading = rig.open().read(1)
    assert reading.volts == pytest.approx(volts, abs=COUNT_V / 2 + 1e-12)
    assert reading.quality is ReadingQuality.GOOD


def test_ads1115_reads_the_channel_it_was_asked_for(rig: Rig) -> None:
    adc = rig.open()
    for channel in (0, 3, 1, 1, 2, 0, 2):
        assert adc.read(channel).volts == pytest.approx(rig.volts[channel], abs=COUNT_V)


@pytest.mark.parametrize("volts", [4.2, 5.0, -4.2])
def test_ads1115_marks_what_is_beyond_its_range(rig: Rig, volts: float) -> None:
    rig.volts[0] = volts
    reading = rig.open().read(0)
    assert reading.quality is ReadingQuality.CLIPPED
    assert abs(reading.volts) == pytest.approx(4.096, abs=COUNT_V)


def test_ads1115_stamps_the_middle_of_the_conversion(rig: Rig) -> None:
    adc = rig.open()
    before_s = rig.clock.monotonic()
    reading = adc.read(0)
    assert reading.at_s == pytest.approx(before_s + CONVERSION_S / 2, abs=1e-6)
    assert rig.clock.monotonic() - before_s < 1.2 * CONVERSION_S


def test_ads1115_zooms_in_where_the_span_is_small(rig: Rig) -> None:
    rig.volts.update({0: 0.123456, 1: 1.65})
    adc = rig.open(spans_v={0: 0.5})
    for _ in range(3):  # in turn, as the sensors are read
        assert adc.read(0).volts == pytest.approx(0.123456, abs=0.512 / COUNTS / 2)
        assert adc.read(1).volts == pytest.approx(1.65, abs=COUNT_V / 2)
    rig.volts[0] = 0.6
    assert adc.read(0).quality is ReadingQuality.CLIPPED
    assert adc.full_scale_v == 4.096


@pytest.mark.parametrize(("span_v", "gain"), [
    (0.2, 16), (0.256, 16), (0.5, 8), (1.0, 4), (3.3, 1), (5.0, 2 / 3), (9.0, 2 / 3),
])
def test_ads1115_gain_is_the_finest_that_holds_the_span(span_v: float, gain: float) -> None:
    assert gain_for(span_v) == gain


@pytest.mark.parametrize("rate_sps", RATES_SPS)
def test_ads1115_waits_as_long_as_its_rate_takes(rig: Rig, rate_sps: int) -> None:
    adc = rig.open(rate_sps=rate_sps)
    start_s = rig.clock.monotonic()
    assert adc.read(2).volts == pytest.approx(2.0, abs=COUNT_V)
    assert 1 / rate_sps <= rig.clock.monotonic() - start_s < 1.2 / rate_sps + 1e-4


@pytest.mark.parametrize("gain", list(FULL_SCALE_V))
def test_ads1115_knows_the_full_scale_of_its_gain(rig: Rig, gain: float) -> None:
    adc = rig.open(gain=gain)
    rig.volts[0] = FULL_SCALE_V[gain] / 3
    assert adc.full_scale_v == FULL_SCALE_V[gain]
    assert adc.read(0).volts == pytest.approx(FULL_SCALE_V[gain] / 3, abs=FULL_SCALE_V[gain] / COUNTS)


@pytest.mark.parametrize("chosen", [{"rate_sps": 1000}, {"gain": 3}])
def test_ads1115_refuses_settings_the_part_does_not_have(rig: Rig, chosen: dict[str, int]) -> None:
    with pytest.raises(DeviceConfigError, match="choose one of"):
        rig.open(**chosen)


@pytest.mark.parametrize("fault", ["adc_absent", "adc_nack"])
def test_ads1115_that_does_not_answer_is_lost_with_advice(rig: Rig, fault: str) -> None:
    rig.faults.add(fault)
    with pytest.raises(DeviceLost, match=r"0x48 .*wiring.*i2cdetect"):
        rig.open()


def test_ads1115_at_another_address_is_lost(rig: Rig) -> None:
    with pytest.raises(DeviceLost, match="0x4a"):
        Ads1115(rig.bus, rig.clock, address=0x4A)


@pytest.mark.parametrize("fault", ["adc_absent", "adc_nack", "adc_stuck"])
def test_ads1115_lost_in_use_comes_back_when_the_fault_ends(rig: Rig, fault: str) -> None:
    adc = rig.open()
    rig.faults.add(fault)
    with pytest.raises(DeviceLost):
        adc.read(0)
    rig.faults.clear()
    assert rig.open().read(3).volts == pytest.approx(3.0, abs=COUNT_V)
    assert adc.read(1).volts == pytest.approx(1.0, abs=COUNT_V)


def test_ads1115_wait_for_a_stuck_conversion_is_bounded(rig: Rig) -> None:
    adc = rig.open()
    rig.faults.add("adc_stuck")
    start_s = rig.clock.monotonic()
    with pytest.raises(DeviceLost, match="does not end"):
        adc.read(0)
    once_s = (1.1 + POLLS / 4) * CONVERSION_S + 0.002
    assert 10 * CONVERSION_S < rig.clock.monotonic() - start_s < (RETRIES + 1) * once_s


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_ads1115_survives_three_transient_failures(rig: Rig, failures: int) -> None:
    adc = rig.open()
    rig.bus.failures = failures
    assert adc.read(2).volts == pytest.approx(2.0, abs=COUNT_V)


def test_ads1115_gives_up_after_its_retries(rig: Rig) -> None:
    adc = rig.open()
    rig.bus.failures = 1000
    rig.bus.writes.clear()
    with pytest.raises(DeviceLost, match="noise on the bus"):
        adc.read(2)
    assert len(rig.bus.writes) == RETRIES + 1


def test_ads1115_reset_by_a_supply_dip_never_returns_another_input(rig: Rig) -> None:
    # after its reset the chip reports ready, with AIN0-AIN1 at gain 2 selected
    adc = rig.open()
    rig.bus.after_start = rig.chip.reset
    reading = adc.read(3)
    assert reading.volts == pytest.approx(3.0, abs=COUNT_V)
    assert reading.at_s > rig.clock.monotonic() - 2 * CONVERSION_S  # the stamp is the second attempt's


def test_ads1115_config_that_keeps_changing_is_a_loss(rig: Rig) -> None:
    adc = rig.open()

    def reset_again() -> None:
        rig.chip.reset()
        rig.bus.after_start = reset_again

    rig.bus.after_start = reset_again
    with pytest.raises(DeviceLost, match="config reads 0x8583"):
        adc.read(0)


def test_ads1115_written_by_somebody_else_is_asked_again(rig: Rig) -> None:
    adc = rig.open()

    def intrude() -> None:  # selects AIN2 while ours converts
        rig.chip.write(bytes([1, 0xE3, 0xE3]))

    rig.bus.after_start = intrude
    assert adc.read(0).volts == pytest.approx(0.1, abs=COUNT_V)


class SlowOscillator:
    """A timer that runs behind another by a factor."""

    def __init__(self, clock: ManualClock, factor: float) -> None:
        self._clock = clock
        self._factor = factor

    def monotonic(self) -> float:
        return self._clock.monotonic() * self._factor

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds / self._factor)


@pytest.mark.parametrize("factor", [0.5, 0.85, 0.95, 1.1])
def test_ads1115_waits_for_a_chip_that_is_too_slow(clock: ManualClock, factor: float) -> None:
    chip = SimulatedAds1115(SlowOscillator(clock, factor), lambda *_: 1.25, lambda _: False)
    adc = Ads1115(SimulatedI2c({ADDRESS: chip}), clock, address=ADDRESS)
    for _ in range(3):  # the first after the conversion that the library starts when it is made
        start_s = clock.monotonic()
        assert adc.read(0).volts == pytest.approx(1.25, abs=COUNT_V)
        assert clock.monotonic() - start_s < 5 * CONVERSION_S


def test_ads1115_never_passes_an_old_conversion_off_as_a_new_one(rig: Rig) -> None:
    # the bus fails while input 3 converts slowly; the part then ignores a start for input 0
    slow = SlowOscillator(rig.clock, 0.25)
    chip = SimulatedAds1115(slow, lambda channel, _: rig.volts[channel], lambda _: False)
    bus = TroubledBus(chip)
    adc = Ads1115(bus, rig.clock, address=ADDRESS, rate_sps=8)
    adc.read(1)

    def break_down() -> None:
        bus.failures = 1000

    bus.after_start = break_down
    with pytest.raises(DeviceLost):
        adc.read(3)
    bus.failures = 0
    assert adc.read(0).volts == pytest.approx(0.1, abs=COUNT_V)


def test_ads1115_bus_that_stays_locked_is_a_loss_not_a_hang(rig: Rig) -> None:
    adc = rig.open()
    assert rig.bus.try_lock()
    start_s = rig.clock.monotonic()
    with pytest.raises(DeviceLost, match="stays locked"):
        adc.read(0)
    assert rig.clock.monotonic() - start_s < 1.0
    rig.bus.unlock()
    assert adc.read(1).volts == pytest.approx(1.0, abs=COUNT_V)


def test_ads1115_gives_the_bus_back_after_every_transfer(rig: Rig) -> None:
    adc = rig.open()
    rig.bus.failures = 1
    adc.read(0)
    assert rig.bus.try_lock()
