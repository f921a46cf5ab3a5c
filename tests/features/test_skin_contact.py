"""Whether a conductance is skin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.features.cells import Cell
from device.features.skin_contact import SkinContact

RATE = 4.0


def judge(values, finest=0.001):
    contact = SkinContact(RATE)
    verdicts, last = [], math.nan
    for value in values:
        verdicts.append(contact.judge(Cell(value, math.inf if value == last else finest)))
        last = value
    return contact, verdicts


def calm(seconds, level=4.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * (1.0 + 0.02 * np.sin(time / 3.0))).tolist()


def test_contact_is_good_on_calm_skin_from_the_first_cell():
    contact, verdicts = judge(calm(60.0))
    assert all(one.good and one.touches for one in verdicts)
    assert contact.flat_trust() == 1.0


@pytest.mark.parametrize("bad", [math.nan, 0.0, 0.049, 61.0, -3.0, math.inf])
def test_contact_that_is_lost_costs_a_second_on_both_sides(bad):
    _, verdicts = judge([*calm(10.0), bad, *calm(10.0)])
    assert not verdicts[40].touches
    assert verdicts[40].doubted == 4
    assert [one.good for one in verdicts[41:46]] == [False] * 3 + [True] * 2
    assert all(one.touches for one in verdicts[41:])


@pytest.mark.parametrize(("before", "after"), [(4.0, 9.0), (9.0, 4.0), (0.3, 1.2), (1.2, 0.3)])
def test_contact_doubts_a_step_steeper_than_skin_but_takes_the_new_level(before, after):
    _, verdicts = judge([*calm(10.0, before), *calm(10.0, after)])
    assert not verdicts[40].good
    assert verdicts[40].touches
    assert verdicts[40].doubted == 4
    assert all(one.good for one in verdicts[45:])


def test_contact_takes_a_startle_for_skin():
    time = np.arange(0.0, 20.0, 1.0 / RATE)
    jump = 4.0 + 8.0 * (1.0 - np.exp(-time / 1.5))
    _, verdicts = judge([*calm(10.0), *jump.tolist()])
    assert all(one.good for one in verdicts)


@pytest.mark.parametrize(("level", "swing"), [(4.0, 0.8), (0.3, 0.15)])
def test_contact_tells_motion_by_its_to_and_fro(level, swing):
    random = np.random.default_rng(1)
    burst = (level + swing * random.uniform(-0.5, 0.5, 40)).tolist()
    _, verdicts = judge([*calm(10.0, level), *burst, *calm(10.0, level)])
    assert sum(one.good for one in verdicts[48:80]) < 8
    assert any(one.shaken and one.doubted >= 15 for one in verdicts)
    assert all(one.good for one in verdicts[100:])


def test_contact_takes_two_responses_for_no_motion():
    time = np.arange(0.0, 20.0, 1.0 / RATE)
    pair = 4.0 + 0.8 * np.exp(-((time - 6.0) / 0.7) ** 2) + 0.8 * np.exp(-((time - 9.0) / 0.7) ** 2)
    _, verdicts = judge(pair.tolist())
    assert all(one.good for one in verdicts)


def test_contact_with_a_converter_that_stands_still_fades_and_ends():
    trust = {}
    for seconds in (9, 20, 29, 31, 60):
        contact, verdicts = judge([*calm(20.0), *[4.1] * round(seconds * RATE)])
        trust[seconds] = contact.flat_trust()
        assert verdicts[-1].touches == (seconds < 31)
    assert trust[9] == 1.0
    assert trust[20] == pytest.approx(0.5, abs=0.05)
    assert trust[31] == trust[60] == 0.0


def test_contact_takes_back_the_whole_of_a_flat_line_once():
    _, verdicts = judge([*calm(20.0), *[4.1] * 200])
    assert sorted(one.doubted for one in verdicts)[-2:] == [0, 120]


def test_contact_is_patient_with_a_coarse_converter():
    coarse = (np.round(np.array(calm(30.0)) / 0.05) * 0.05).tolist()
    contact, _ = judge([*coarse, *[4.1] * 60], finest=0.05)
    assert contact.resolution_us == pytest.approx(0.05, rel=0.4)
    assert contact.flat_trust() == 1.0
    contact, verdicts = judge([*coarse, *[4.1] * 600], finest=0.05)
    assert contact.flat_trust() == 0.0
    assert not verdicts[-1].touches


def test_contact_forgets_how_fine_a_converter_was():
    contact = SkinContact(RATE)
    contact.judge(Cell(4.0, 0.001))
    for k in range(2400):
        contact.judge(Cell(4.0 + 0.05 * (k % 2), 0.05))
    assert contact.resolution_us == pytest.approx(0.05, rel=0.02)


def noisy(seconds, level, noise_us, seed=1):
    return (level + np.random.default_rng(seed).normal(0.0, noise_us, round(seconds * RATE))).tolist()


@pytest.mark.parametrize("level", [3.0, 5.0, 20.0])
def test_contact_takes_a_dead_sensor_with_its_converter_s_noise_for_no_skin(level):
    noise_us = 50e-6 * (1.0 + 0.047 * level) ** 2 / (0.5 * 0.047)  # 50 uV at 0.5 V, 47 kOhm
    _, verdicts = judge([*calm(20.0, level), *noisy(80.0, level, noise_us), *calm(20.0, level)])
    dead = [number for number, one in enumerate(verdicts) if not one.touches]
    assert dead[0] / RATE == pytest.approx(20.0 + 45.0, abs=1.5)
    assert verdicts[dead[0]].doubted == 45 * RATE
    assert all(verdicts[number].doubted == 0 for number in dead[1:])
    assert dead[-1] / RATE == pytest.approx(100.0, abs=2.5)
    assert all(one.good for one in verdicts[-round(15 * RATE):])


def test_contact_lets_skin_rest_that_moves_by_half_a_percent():
    time = np.arange(0.0, 180.0, 1.0 / RATE)
    _, verdicts = judge((4.0 * (1.0 + 0.0025 * np.sin(time / 8.0))).tolist())
    assert all(one.touches and one.good for one in verdicts)


def test_contact_does_not_ask_of_a_coarse_converter_what_it_cannot_show():
    values = [4.0, 4.2, *[4.0] * round(60 * RATE)]
    _, verdicts = judge(values, finest=0.2)
    assert verdicts[-1].touches
