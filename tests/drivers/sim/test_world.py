"""One body behind all parts: voltages, faults, panel, hearing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from device.clock import ManualClock
from drivers.ads1115 import Ads1115
from drivers.errors import DeviceConfigError, DeviceLost
from drivers.gsr import Contact, DividerGsr, GroveGsr
from drivers.mcp3008 import Mcp3008
from drivers.panel import Panel
from drivers.sim.body import Heard
from drivers.sim.faults import FaultWindow, Schedule
from drivers.sim.world import MID_RAIL_V, NOISE_V, PPG_ROOM_NOISE_V, Circuits, World
from drivers.thermistor import Thermistor

if TYPE_CHECKING:
    from tests.drivers.conftest import StillBody

GSR, PPG, TEMPERATURE = 0, 1, 2
DIVIDER = DividerGsr(0.5, 47_000.0)
SENSOR = Thermistor(3.3, 10_000.0, 10_000.0, 3_950.0)

Maker = Callable[..., World]


def _open(world: World, clock: ManualClock) -> Ads1115:
    return Ads1115(world.i2c(1), clock, address=0x48, spans_v={GSR: 0.5})


def test_world_turns_physiology_into_volts_and_the_drivers_turn_it_back(
    world: World, clock: ManualClock, body: StillBody,
) -> None:
    adc = _open(world, clock)
    for us, pulse, celsius in ((0.2, 1.4, 30.0), (5.0, 1.9, 33.3), (25.0, 2.1, 36.0)):
        body.us, body.pulse, body.celsius = us, pulse, celsius
        assert DIVIDER.microsiemens(adc.read(GSR).volts) == pytest.approx(us, abs=0.02)
        assert adc.read(PPG).volts == pytest.approx(pulse, abs=0.0004)
        assert SENSOR.celsius(adc.read(TEMPERATURE).volts) == pytest.approx(celsius, abs=0.02)


def test_world_has_the_circuit_it_was_given(make_world: Maker, clock: ManualClock, body: StillBody) -> None:
    grove = GroveGsr(3.3)
    world = make_world(circuits=Circuits(gsr_channel=3, gsr=grove, i2c_address=0x4A))
    body.us = 8.0
    adc = Ads1115(world.i2c(1), clock, address=0x4A)
    assert grove.microsiemens(adc.read(3).volts) == pytest.approx(8.0, abs=0.02)
    with pytest.raises(DeviceLost):
        Ads1115(world.i2c(1), clock, address=0x48)


def test_world_mcp3008_sees_the_same_body(make_world: Maker, clock: ManualClock, body: StillBody) -> None:
    world = make_world(circuits=Circuits(reference_v=5.0))
    body.pulse = 2.0
    adc = Mcp3008(world.spi(0, 0), clock, reference_v=5.0)
    assert adc.read(PPG).volts == pytest.approx(2.0, abs=5.0 / 1024 + 1e-3)


def test_world_unused_channel_is_at_ground(world: World, clock: ManualClock) -> None:
    assert _open(world, clock).read(3).volts == pytest.approx(0.0, abs=5 * NOISE_V + 4.096 / 32768)


def test_world_noise_has_its_documented_size(world: World) -> None:
    volts = [world.volts(3, 0.0) for _ in range(4000)]
    assert statistics.fmean(volts) == pytest.approx(0.0, abs=4 * NOISE_V / math.sqrt(4000))
    assert statistics.stdev(volts) == pytest.approx(NOISE_V, rel=0.1)


def test_world_repeats_itself_with_its_seed(make_world: Maker, clock: ManualClock) -> None:
    def listen(world: World) -> list[float]:
        adc = _open(world, clock)
        return [adc.read(channel).volts for channel in (0, 1, 2, 3) * 20]

    first, again, other = (listen(make_world(seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(("touched", "channel", "contact"), [
    ("us", GSR, Contact.OPEN), ("celsius", TEMPERATURE, Contact.OPEN),
])
def test_world_electrode_on_nobody_is_open(
    world: World, clock: ManualClock, body: StillBody, touched: str, channel: int, contact: Contact,
) -> None:
    setattr(body, touched, math.nan)
    volts = _open(world, clock).read(channel).volts
    circuit = DIVIDER if channel == GSR else SENSOR
    assert circuit.contact(volts) is contact


def _pulse_statistics(world: World, clock: ManualClock) -> tuple[float, float]:
    adc = _open(world, clock)
    volts = [adc.read(PPG).volts for _ in range(1000)]
    return statistics.fmean(volts), statistics.stdev(volts)


def test_world_pulse_sensor_on_nobody_sees_the_room(
    world: World, clock: ManualClock, body: StillBody,
) -> None:
    body.pulse = math.nan
    mean_v, spread_v = _pulse_statistics(world, clock)
    assert mean_v == pytest.approx(MID_RAIL_V, abs=0.005)
    assert spread_v == pytest.approx(PPG_ROOM_NOISE_V, rel=0.1)


def test_world_ppg_off_is_like_nobody(make_world: Maker, clock: ManualClock, body: StillBody) -> None:
    body.pulse = 2.5
    mean_v, spread_v = _pulse_statistics(
        make_world(faults=Schedule([FaultWindow(0, 99, "ppg_off")])), clock)
    assert mean_v == pytest.approx(MID_RAIL_V, abs=0.005)
    assert spread_v == pytest.approx(PPG_ROOM_NOISE_V, rel=0.1)


@pytest.mark.parametrize("circuit", [DIVIDER, GroveGsr(3.3)])
@pytest.mark.parametrize(("kind", "contact"), [("gsr_open", Contact.OPEN), ("gsr_short", Contact.SHORT)])
def test_world_gsr_fault_shows_in_its_window_only(
    make_world: Maker, clock: ManualClock, circuit: DividerGsr | GroveGsr, kind: str, contact: Contact,
) -> None:
    world = make_world(circuits=Circuits(gsr=circuit), faults=Schedule([FaultWindow(10, 5, kind)]))
    adc = Ads1115(world.i2c(1), clock, address=0x48)
    start_s = clock.monotonic()
    found = {}
    for at_s in (5.0, 12.0, 16.0):
        clock.advance_to(start_s + at_s)
        found[at_s] = circuit.contact(adc.read(GSR).volts)
    assert found == {5.0: Contact.GOOD, 12.0: contact, 16.0: Contact.GOOD}


def test_world_temperature_off_reads_the_rail(make_world: Maker, clock: ManualClock) -> None:
    world = make_world(faults=Schedule([FaultWindow(0, 99, "temperature_off")]))
    volts = _open(world, clock).read(TEMPERATURE).volts
    assert volts == pytest.approx(3.3, abs=0.001)
    assert SENSOR.contact(volts) is Contact.OPEN


@pytest.mark.parametrize("kind", ["adc_nack", "adc_stuck", "adc_absent"])
@pytest.mark.parametrize("part", ["ads1115", "mcp3008"])
def test_world_converter_fault_begins_and_ends(
    world: World, clock: ManualClock, kind: str, part: str,
) -> None:
    adc = _open(world, clock) if part == "ads1115" else Mcp3008(world.spi(0, 0), clock, reference_v=3.3)
    adc.read(PPG)
    world.inject(kind, 5.0)
    with pytest.raises(DeviceLost):
        adc.read(PPG)
    clock.sleep(5.0)
    assert adc.read(PPG).volts == pytest.approx(1.65, abs=0.01)


def test_world_frozen_converter_answers_with_one_value(
    world: World, clock: ManualClock, body: StillBody,
) -> None:
    adc = _open(world, clock)
    before = adc.read(PPG).volts
    world.inject("adc_frozen", 1.0)
    body.pulse = 2.9
    assert adc.read(PPG).volts == before
    clock.sleep(1.0)
    assert adc.read(PPG).volts == pytest.approx(2.9, abs=0.001)


def test_world_refuses_a_fault_it_does_not_know(world: World) -> None:
    with pytest.raises(DeviceConfigError, match=r"adc_nak.*adc_nack"):
        world.inject("adc_nak", 1.0)  # type: ignore[arg-type]


def test_world_button_and_light_reach_the_panel(world: World) -> None:
    panel = Panel(world.pins(), button=17, red=22, green=27, blue=24)
    assert world.light() == (0.0, 0.0, 0.0)
    assert not panel.pressed()
    world.press()
    assert panel.pressed()
    world.release()
    assert not panel.pressed()
    panel.light((0.2, 0.4, 0.6))
    assert world.light() == (0.2, 0.4, 0.6)


def test_world_lets_the_body_hear(world: World, clock: ManualClock, body: StillBody) -> None:
    heard = Heard(60.0, 0.5, 0.5, 0.5, 0.5, 0.0, -30.0)
    world.hear(heard)
    clock.sleep(1.0)
    world.hear(None)
    assert body.heard == [(1000.0, heard), (1001.0, None)]


def test_world_tells_the_truth_of_now(world: World, clock: ManualClock, body: StillBody) -> None:
    body.us = 7.5
    clock.sleep(3.0)
    assert world.truth().skin_us == 7.5
    assert body.asked_s == [1003.0]


def test_world_asks_its_body_for_times_that_never_go_back(
    world: World, clock: ManualClock, body: StillBody,
) -> None:
    world.volts(PPG, 1000.5)
    world.volts(GSR, 1000.4)
    world.volts(TEMPERATURE, 1000.6)
    assert body.asked_s == [1000.5, 1000.5, 1000.6]


def test_world_conversions_are_lean_enough_for_the_lockstep_run(world: World, clock: ManualClock) -> None:
    # 111 conversions a simulated second; `make bench` measures, this only bounds the work: transfers
    adc = _open(world, clock)
    start_s = clock.monotonic()
    for _ in range(111):
        adc.read(PPG)
    assert clock.monotonic() - start_s < 0.16  # of a second of simulated time, none of it polling
