"""The NTC divider, both ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gsr import Contact
from drivers.thermistor import Thermistor

SENSOR = Thermistor(3.3, 10_000.0, 10_000.0, 3_950.0)


def test_thermistor_at_its_nominal_temperature_halves_the_supply() -> None:
    assert SENSOR.volts(25.0) == pytest.approx(1.65)
    assert SENSOR.celsius(1.65) == pytest.approx(25.0)


def test_thermistor_follows_the_beta_equation() -> None:
    # R(35 C) = 10k exp(3950 (1/308.15 - 1/298.15)) = 6504 ohm
    ohm = 10_000.0 * math.exp(3_950.0 * (1 / 308.15 - 1 / 298.15))
    assert ohm == pytest.approx(6504, abs=5)
    assert SENSOR.celsius(3.3 * ohm / (ohm + 10_000.0)) == pytest.approx(35.0)


@given(st.floats(0.5, 59.5))
def test_thermistor_returns_the_temperature_it_was_given(celsius: float) -> None:
    assert SENSOR.celsius(SENSOR.volts(celsius)) == pytest.approx(celsius, abs=1e-6)


@given(st.floats(5.0, 50.0))
def test_thermistor_resolves_a_hundredth_of_a_degree_on_an_ads1115(celsius: float) -> None:
    count_v = 4.096 / 32768
    assert abs(SENSOR.celsius(SENSOR.volts(celsius) + count_v) - celsius) < 0.01


@pytest.mark.parametrize(("volts", "contact"), [
    (3.3, Contact.OPEN), (3.4, Contact.OPEN), (3.25, Contact.OPEN),
    (1.4, Contact.GOOD), (0.0, Contact.SHORT), (-0.001, Contact.SHORT), (0.05, Contact.SHORT),
])
def test_thermistor_contact_is_told_from_the_voltage(volts: float, contact: Contact) -> None:
    assert SENSOR.contact(volts) is contact
    assert math.isnan(SENSOR.celsius(volts)) == (contact is not Contact.GOOD)


def test_thermistor_nobody_wears_reads_the_supply() -> None:
    assert SENSOR.volts(math.nan) == 3.3
