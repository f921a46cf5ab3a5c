"""Artefacts on skin and pulse: their size, their times, and that they repeat exactly."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from device.clock import ManualClock
from drivers.ads1115 import Ads1115
from drivers.mcp3008 import Mcp3008
from drivers.sim.artefacts import (
    BRIDGE_US,
    HUM_GSR_V,
    HUM_PPG_V,
    KNOCK_V,
    RAILS_V,
    SLIDE_LOG,
    STALL_S,
    TAP_HZ,
    TAP_V,
    DisturbedBody,
    Stalls,
)
from drivers.sim.faults import FaultWindow, Kind, Schedule

if TYPE_CHECKING:
    from tests.drivers.conftest import StillBody, WorldMaker

START_S = 1000.0
AT_S, LASTS_S = 10.0, 60.0
SIM_KINDS: tuple[Kind, ...] = ("gsr_flat", "gsr_motion", "gsr_saturated", "ppg_flat", "ppg_motion",
                               "ppg_tapping", "ppg_saturated")


def disturbed(body: StillBody, *kinds: Kind, seed: int = 1) -> DisturbedBody:
    return DisturbedBody(body, Schedule([FaultWindow(AT_S, LASTS_S, kind) for kind in kinds]),
                         seed=seed, start_s=START_S)


def skin(spoiled: DisturbedBody, from_s: float, to_s: float, rate_hz: float = 20.0) -> np.ndarray:
    return np.array([spoiled.skin_us(START_S + at_s) for at_s in np.arange(from_s, to_s, 1.0 / rate_hz)])


def pulse(spoiled: DisturbedBody, from_s: float, to_s: float, rate_hz: float = 100.0) -> np.ndarray:
    return np.array([spoiled.pulse_v(START_S + at_s) for at_s in np.arange(from_s, to_s, 1.0 / rate_hz)])


@pytest.mark.parametrize("kind", SIM_KINDS)
def test_artefact_touches_its_own_signal_in_its_own_time_only(body: StillBody, kind: Kind) -> None:
    spoiled = disturbed(body, kind)
    for from_s, to_s in ((0.0, AT_S), (AT_S + LASTS_S, AT_S + LASTS_S + 20.0)):
        assert np.ptp(skin(spoiled, from_s, to_s)) == 0.0
        assert np.ptp(pulse(spoiled, from_s, to_s)) == 0.0
    other = pulse if kind.startswith("gsr") else skin
    assert np.ptp(other(disturbed(body, kind), AT_S, AT_S + LASTS_S)) == 0.0


@pytest.mark.parametrize("kind", ["gsr_motion", "ppg_motion", "ppg_tapping"])
def test_artefact_repeats_with_its_seed_and_differs_with_another(body: StillBody, kind: Kind) -> None:
    read = skin if kind.startswith("gsr") else pulse
    first, again, other = (read(disturbed(body, kind, seed=seed), AT_S, AT_S + 20.0) for seed in (1, 1, 2))
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.05


def test_sliding_electrode_loses_and_gains_contact_within_its_bounds(body: StillBody) -> None:
    factors = skin(disturbed(body, "gsr_motion"), AT_S, AT_S + LASTS_S) / body.us
    assert math.exp(2 * SLIDE_LOG[0]) < factors.min() < 0.5  # two slides may overlap
    assert 1.2 < factors.max() < math.exp(2 * SLIDE_LOG[1])
    assert 0.1 < np.mean(factors == 1.0) < 0.7  # untouched in between
    assert np.abs(np.diff(factors)).max() * 20.0 > 1.0  # far quicker than skin: its whole value in a second


def test_joined_electrodes_conduct_more_than_any_skin(body: StillBody) -> None:
    found = skin(disturbed(body, "gsr_saturated"), AT_S, AT_S + LASTS_S)
    assert found.min() == pytest.approx(body.us + BRIDGE_US[0], abs=0.5)
    assert found.max() == pytest.approx(body.us + BRIDGE_US[1], abs=0.5)


def test_flat_line_holds_what_it_began_with_and_lets_go(body: StillBody) -> None:
    spoiled = disturbed(body, "gsr_flat", "ppg_flat")
    assert spoiled.skin_us(START_S + AT_S) == 5.0
    assert spoiled.pulse_v(START_S + AT_S) == 1.65
    body.us, body.pulse = 9.0, 2.0
    assert spoiled.skin_us(START_S + AT_S + 5.0) == 5.0
    assert spoiled.pulse_v(START_S + AT_S + 5.0) == 1.65
    assert spoiled.skin_us(START_S + AT_S + LASTS_S) == 9.0
    assert spoiled.pulse_v(START_S + AT_S + LASTS_S) == 2.0


def test_moving_finger_adds_more_than_a_pulse_and_stops_at_the_rails(body: StillBody) -> None:
    moved = pulse(disturbed(body, "ppg_motion"), AT_S, AT_S + LASTS_S) - body.pulse
    assert 0.5 < np.abs(moved).max() <= 2 * KNOCK_V[1]
    assert moved.std() > 0.15
    body.pulse = 3.0
    assert pulse(disturbed(body, "ppg_motion"), AT_S, AT_S + LASTS_S).max() == RAILS_V[1]


def test_tapping_finger_is_as_regular_as_people_tap(body: StillBody) -> None:
    wave = pulse(disturbed(body, "ppg_tapping"), AT_S, AT_S + LASTS_S, 200.0) - body.pulse
    peaks = np.flatnonzero((wave[1:-1] > wave[:-2]) & (wave[1:-1] >= wave[2:]) & (wave[1:-1] > 0.5 * TAP_V))
    intervals_s = np.diff(peaks) / 200.0
    assert len(peaks) == pytest.approx(LASTS_S * TAP_HZ, abs=2)
    assert intervals_s.mean() == pytest.approx(0.5, abs=0.005)
    assert intervals_s.std() == pytest.approx(0.5 * 0.03 * math.sqrt(2), rel=0.35)
    assert wave.max() == pytest.approx(TAP_V, abs=0.01)


def test_glare_pushes_the_wave_against_the_rail_and_lets_go(body: StillBody) -> None:
    found = pulse(disturbed(body, "ppg_saturated"), AT_S, AT_S + LASTS_S)
    assert np.mean(found == RAILS_V[1]) == pytest.approx(0.42, abs=0.05)
    assert found.min() == pytest.approx(body.pulse, abs=0.01)


def test_sensor_off_the_finger_stays_off_whatever_moves(body: StillBody) -> None:
    body.pulse = math.nan
    spoiled = disturbed(body, "ppg_motion", "ppg_saturated", "ppg_tapping")
    assert np.isnan(pulse(spoiled, AT_S, AT_S + 5.0)).all()


def test_what_is_not_disturbed_goes_through(body: StillBody) -> None:
    spoiled = disturbed(body, *SIM_KINDS)
    assert spoiled.skin_c(START_S + 20.0) == body.celsius
    assert spoiled.truth(START_S + 20.0).skin_us == body.us
    spoiled.hear(START_S + 20.0, None)
    assert body.heard == [(START_S + 20.0, None)]


def test_hum_reaches_the_converter_as_volts(make_world: WorldMaker, clock: ManualClock) -> None:
    world = make_world(faults=Schedule([FaultWindow(0, 99, "hum_50hz")]))
    times = clock.monotonic() + np.arange(2000) / 1000.0
    for channel, peak_v in ((0, HUM_GSR_V), (1, HUM_PPG_V)):
        volts = np.array([world.volts(channel, at_s) for at_s in times])
        assert np.ptp(volts) == pytest.approx(2 * peak_v, rel=0.02)
        crossings = np.count_nonzero(np.diff(np.sign(volts - volts.mean())))
        assert crossings == pytest.approx(200, abs=8)  # 50 Hz over two seconds


def test_stalls_end_and_are_as_long_as_they_may_be() -> None:
    stalls = Stalls(Schedule([FaultWindow(0, 100, "samples_dropped")]), seed=5)
    left = np.array([stalls.left_s(k / 200.0) for k in range(200 * 100)])
    assert left.max() <= STALL_S[1]
    assert np.mean(left > 0) == pytest.approx(0.9 * 0.16, abs=0.04)
    for before, after in itertools.pairwise(left):
        assert after >= before - 1 / 200.0 - 1e-9
    assert stalls.left_s(100.5) == 0.0


@pytest.mark.parametrize("part", ["ads1115", "mcp3008"])
def test_held_up_transfer_comes_late_but_comes(make_world: WorldMaker, clock: ManualClock, part: str) -> None:
    world = make_world(faults=Schedule([FaultWindow(10, 30, "samples_dropped")]))
    adc = (Ads1115(world.i2c(1), clock, address=0x48) if part == "ads1115"
           else Mcp3008(world.spi(0, 0), clock, reference_v=3.3))
    start_s = clock.monotonic()
    took_s: dict[bool, list[float]] = {True: [], False: []}
    for step in range(20 * 50):
        clock.advance_to(start_s + step / 20.0)
        before_s = clock.monotonic()
        assert adc.read(1).volts == pytest.approx(1.65, abs=0.01)
        took_s[10 <= before_s - start_s < 40].append(clock.monotonic() - before_s)
    assert max(took_s[False]) < 0.005
    assert 0.1 < max(took_s[True]) < 2 * STALL_S[1] + 0.01
    assert 0.03 < np.mean(np.array(took_s[True]) > 0.01) < 0.3
