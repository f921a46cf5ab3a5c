"""The simulated ADS1115 against its datasheet, register by register."""

from __future__ import annotations

import pytest

from device.clock import ManualClock
from drivers.sim.ads1115 import SimulatedAds1115, SimulatedI2c

CONFIG, CONVERSION = 1, 0


class Bench:
    """The chip alone, with inputs set by hand."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.inputs = [0.5, 1.0, 1.5, 2.0]
        self.asked_s: list[float] = []
        self.faults: set[str] = set()
        self.chip = SimulatedAds1115(clock, self._volts, self.faults.__contains__)

    def _volts(self, channel: int, at_s: float) -> float:
        self.asked_s.append(at_s)
        return self.inputs[channel]

    def configure(self, value: int) -> None:
        self.chip.write(bytes([CONFIG, value >> 8, value & 0xFF]))

    def register(self, pointer: int) -> int:
        self.chip.write(bytes([pointer]))
        return int.from_bytes(self.chip.read(2), "big")

    def signed(self) -> int:
        self.chip.write(bytes([CONVERSION]))
        return int.from_bytes(self.chip.read(2), "big", signed=True)


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock)


def _single(mux: int, pga: int = 1, rate: int = 7) -> int:
    return 0x8000 | mux << 12 | pga << 9 | 0x0100 | rate << 5 | 3


@pytest.mark.parametrize(("pointer", "value"), [(0, 0x0000), (1, 0x8583), (2, 0x8000), (3, 0x7FFF)])
def test_registers_hold_the_power_on_values(bench: Bench, pointer: int, value: int) -> None:
    assert bench.register(pointer) == value


def test_thresholds_can_be_written_and_read(bench: Bench) -> None:
    bench.chip.write(bytes([2, 0x12, 0x34]))
    bench.chip.write(bytes([3, 0x56, 0x78]))
    assert (bench.register(2), bench.register(3)) == (0x1234, 0x5678)


def test_conversion_register_is_read_only(bench: Bench) -> None:
    bench.chip.write(bytes([CONVERSION, 0x12, 0x34]))
    assert bench.register(CONVERSION) == 0


def test_os_bit_reads_busy_until_the_conversion_ends(bench: Bench) -> None:
    bench.configure(_single(4))
    assert not bench.register(CONFIG) & 0x8000
    bench.clock.sleep(0.99 / 860)
    assert not bench.register(CONFIG) & 0x8000
    bench.clock.sleep(0.02 / 860)
    assert bench.register(CONFIG) & 0x8000


@pytest.mark.parametrize(("rate", "sps"), list(enumerate([8, 16, 32, 64, 128, 250, 475, 860])))
def test_data_rate_sets_the_conversion_time(bench: Bench, rate: int, sps: int) -> None:
    bench.configure(_single(4, rate=rate))
    bench.clock.sleep(0.99 / sps)
    assert not bench.register(CONFIG) & 0x8000
    bench.clock.sleep(0.02 / sps)
    assert bench.register(CONFIG) & 0x8000


@pytest.mark.parametrize(("mux", "volts"), [
    (0, -0.5), (1, -1.5), (2, -1.0), (3, -0.5), (4, 0.5), (5, 1.0), (6, 1.5), (7, 2.0),
])
def test_multiplexer_selects_the_inputs(bench: Bench, mux: int, volts: float) -> None:
    bench.configure(_single(mux))
    bench.clock.sleep(0.002)
    assert bench.signed() == round(volts / 4.096 * 32768)


@pytest.mark.parametrize(("pga", "full_scale_v"), list(enumerate([6.144, 4.096, 2.048, 1.024, 0.512, 0.256])))
def test_gain_scales_and_clips(bench: Bench, pga: int, full_scale_v: float) -> None:
    for share, code in ((0.5, 16384), (1.5, 32767), (-0.5, -16384), (-1.5, -32768)):
        bench.inputs[0] = share * full_scale_v
        bench.configure(_single(4, pga=pga))
        bench.clock.sleep(0.002)
        assert bench.signed() == code


def test_input_is_sampled_in_the_middle_of_the_conversion(bench: Bench) -> None:
    start_s = bench.clock.monotonic()
    bench.configure(_single(4))
    bench.clock.sleep(1.0)
    bench.signed()
    assert bench.asked_s == [pytest.approx(start_s + 0.5 / 860)]


def test_old_result_stays_until_the_new_one_is_ready(bench: Bench) -> None:
    bench.configure(_single(4))
    bench.clock.sleep(0.002)
    old = bench.signed()
    bench.configure(_single(7))
    assert bench.signed() == old  # pitfall: the first reading after a switch is the old channel's
    bench.clock.sleep(0.002)
    assert bench.signed() == round(2.0 / 4.096 * 32768)


def test_os_written_during_a_conversion_has_no_effect(bench: Bench) -> None:
    bench.configure(_single(4))
    bench.clock.sleep(0.6 / 860)
    bench.configure(_single(7))
    bench.clock.sleep(0.6 / 860)
    assert bench.register(CONFIG) & 0x8000
    assert bench.signed() == round(0.5 / 4.096 * 32768)


def test_config_written_without_os_starts_nothing(bench: Bench) -> None:
    bench.configure(_single(4) & 0x7FFF)
    bench.clock.sleep(1.0)
    assert bench.register(CONFIG) == _single(4)
    assert bench.signed() == 0
    assert bench.asked_s == []


def test_continuous_mode_keeps_converting(bench: Bench) -> None:
    bench.configure(_single(5) & ~0x8100)
    bench.clock.sleep(0.0125)
    assert bench.signed() == round(1.0 / 4.096 * 32768)
    bench.inputs[1] = 3.0
    bench.clock.sleep(0.0125)
    assert bench.signed() == round(3.0 / 4.096 * 32768)
    assert bench.clock.monotonic() - bench.asked_s[-1] < 2 / 860


def test_pointer_stays_so_a_bare_read_repeats_the_register(bench: Bench) -> None:
    assert bench.register(CONFIG) == 0x8583
    assert bench.chip.read(2) == b"\x85\x83"  # pitfall: a fast read now returns the configuration word
    assert bench.chip.read(1) == b"\x85"
    assert bench.chip.read(4) == b"\x85\x83\xff\xff"


def test_reset_returns_to_power_on(bench: Bench) -> None:
    bench.configure(_single(4))
    bench.chip.reset()
    assert [bench.register(pointer) for pointer in (1, 0)] == [0x8583, 0]


def test_absent_chip_acknowledges_nothing(bench: Bench) -> None:
    bench.faults.add("adc_absent")
    chip = bench.chip
    for transfer in (lambda: chip.write(b""), lambda: chip.write(b"\x01"), lambda: chip.read(2)):
        with pytest.raises(OSError, match="no acknowledge") as caught:
            transfer()
        assert caught.value.errno == 121


def test_nacking_chip_still_answers_a_probe(bench: Bench) -> None:
    bench.faults.add("adc_nack")
    bench.chip.write(b"")
    with pytest.raises(OSError, match="no acknowledge"):
        bench.chip.write(b"\x01")


def test_stuck_conversion_never_reports_ready(bench: Bench) -> None:
    bench.faults.add("adc_stuck")
    bench.configure(_single(4))
    bench.clock.sleep(100.0)
    assert not bench.register(CONFIG) & 0x8000


def test_frozen_converter_repeats_itself_on_every_channel(bench: Bench) -> None:
    bench.configure(_single(4))
    bench.clock.sleep(0.002)
    before = bench.signed()
    bench.faults.add("adc_frozen")
    for mux in (5, 6, 7):
        bench.configure(_single(mux))
        bench.clock.sleep(0.002)
        assert bench.register(CONFIG) & 0x8000
        assert bench.signed() == before


def test_bus_knows_its_chips_by_address(bench: Bench) -> None:
    bus = SimulatedI2c({0x49: bench.chip})
    bus.writeto(0x49, b"")
    with pytest.raises(OSError, match="no acknowledge"):
        bus.writeto(0x48, b"")


def test_bus_slices_buffers_as_busio_does(bench: Bench) -> None:
    bus = SimulatedI2c({0x48: bench.chip})
    answer = bytearray(b"....")
    bus.writeto_then_readfrom(0x48, b"\x07\x01\x07", answer, out_start=1, out_end=2, in_start=1, in_end=3)
    assert answer == b".\x85\x83."
    bus.readfrom_into(0x48, answer, start=2)
    assert answer == b".\x85\x85\x83"


def test_bus_lock_is_held_by_one(bench: Bench) -> None:
    bus = SimulatedI2c({0x48: bench.chip})
    assert bus.try_lock()
    assert not bus.try_lock()
    bus.unlock()
    assert bus.try_lock()
