"""Skin conductance circuits, both ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gsr import Contact, DividerGsr, GroveGsr, Gsr

DIVIDER = DividerGsr(0.5, 47_000.0)
GROVE = GroveGsr(3.3)
ADS1115_COUNT_V = 4.096 / 32768
SKIN_US = st.floats(0.05, 60.0)


def test_divider_follows_ohms_law() -> None:
    # 10 uS is 100 kOhm: 0.5 V over 147 kOhm, seen over 47 kOhm
    assert DIVIDER.volts(10.0) == pytest.approx(0.5 * 47 / 147)
    assert DIVIDER.microsiemens(0.5 * 47 / 147) == pytest.approx(10.0)


@pytest.mark.parametrize(("reading", "ohm"), [
    (0, 20_000.0),
    (100, (1024 + 200) * 10_000 / 412),
    (256, (1024 + 512) * 10_000 / 256),
    (400, (1024 + 800) * 10_000 / 112),
])
def test_grove_agrees_with_the_formula_of_its_wiki(reading: int, ohm: float) -> None:
    # (1024 + 2 r) 10000 / (512 - r) for a 10-bit reading of a 5 V supply
    grove = GroveGsr(5.0)
    volts = reading / 1024 * 5.0
    if reading:
        assert grove.microsiemens(volts) == pytest.approx(1e6 / ohm)
    assert grove.volts(1e6 / ohm) == pytest.approx(volts, abs=1e-12)


def test_grove_calibration_moves_the_open_voltage() -> None:
    # a trimmer left at serial reading 540 instead of 512
    grove = GroveGsr(5.0, calibrated_v=540 / 1024 * 5.0)
    ohm = (1024 + 2 * 300) * 10_000 / (540 - 300)
    assert grove.microsiemens(300 / 1024 * 5.0) == pytest.approx(1e6 / ohm)
    assert grove.volts(0.0) == pytest.approx(540 / 1024 * 5.0)


@given(SKIN_US)
def test_divider_returns_the_conductance_it_was_given(skin_us: float) -> None:
    assert DIVIDER.microsiemens(DIVIDER.volts(skin_us)) == pytest.approx(skin_us, rel=1e-9)


@given(st.floats(0.05, 45.0))
def test_grove_returns_the_conductance_it_was_given(skin_us: float) -> None:
    assert GROVE.microsiemens(GROVE.volts(skin_us)) == pytest.approx(skin_us, rel=1e-9)


@given(SKIN_US, SKIN_US)
def test_divider_rises_and_grove_falls_with_conductance(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert DIVIDER.volts(low) <= DIVIDER.volts(high)
    assert GROVE.volts(low) >= GROVE.volts(high)


@pytest.mark.parametrize("circuit", [DIVIDER, GROVE])
@pytest.mark.parametrize(("skin_us", "contact"), [
    (0.0, Contact.OPEN), (0.01, Contact.OPEN),
    (0.05, Contact.GOOD), (2.0, Contact.GOOD), (45.0, Contact.GOOD),
    (math.inf, Contact.SHORT),
])
def test_contact_is_told_from_the_voltage(circuit: Gsr, skin_us: float, contact: Contact) -> None:
    volts = circuit.volts(skin_us)
    assert circuit.contact(volts) is contact
    assert math.isnan(circuit.microsiemens(volts)) == (contact is not Contact.GOOD)


def test_divider_calls_more_than_skin_can_conduct_a_short() -> None:
    assert DIVIDER.contact(DIVIDER.volts(150.0)) is Contact.SHORT
    assert DIVIDER.contact(0.51) is Contact.SHORT
    assert math.isnan(DIVIDER.microsiemens(0.51))


@pytest.mark.parametrize("volts", [-0.001, -1e-5, 0.0])
def test_divider_noise_around_ground_is_open(volts: float) -> None:
    assert DIVIDER.contact(volts) is Contact.OPEN
    assert math.isnan(DIVIDER.microsiemens(volts))


@pytest.mark.parametrize("above_v", [-1e-5, 0.0, 1e-4, 0.5])
def test_grove_at_or_above_its_idle_voltage_is_open(above_v: float) -> None:
    assert GROVE.contact(1.65 + above_v) is Contact.OPEN


def test_divider_resolves_a_hand_scored_response_at_gain_8() -> None:
    # 0.05 uS is the smallest response scored by hand; one count at +-0.512 V is an eighth of one at 4.096 V
    for skin_us in (0.2, 1.0, 5.0, 10.0):
        step_us = DIVIDER.microsiemens(DIVIDER.volts(skin_us) + ADS1115_COUNT_V / 8) - skin_us
        assert 0.0 < step_us < 0.002
