"""What is said of the scripted patients."""

from __future__ import annotations

from itertools import pairwise

import pytest

from device.desk.listening.patients import HEARD, PATIENTS, messages_of
from device.messages import StressBand


def levels(name: str) -> list[float | None]:
    return [messages_of(name, float(at), 600.0, float(at))[1].level for at in range(600)]


def test_patients_calm_and_tense_stay_so():
    assert max(levels("calm")) < 0.2
    assert min(levels("tense")) > 0.8


def test_patients_falling_goes_from_one_to_the_other():
    course = levels("falling")
    assert course[0] > 0.8
    assert course[-1] < 0.2
    assert all(abs(after - before) < 0.03 for before, after in pairwise(course))
    assert messages_of("falling", 0.0, 600.0, 0.0)[0].ppg.hr_bpm == pytest.approx(92.0, abs=2.1)
    assert messages_of("falling", 600.0, 600.0, 0.0)[0].ppg.hr_bpm == pytest.approx(60.0, abs=2.1)


def test_patients_doubtful_is_unknown_by_turns():
    course = levels("doubtful")
    assert 0.2 < sum(level is None for level in course) / 600 < 0.3
    assert max(level for level in course if level is not None) > 0.8
    unknown = next(stress for at in range(600) for stress in [messages_of("doubtful", at, 600.0, at)[1]]
                   if stress.level is None)
    assert (unknown.band, unknown.sources) == (StressBand.UNKNOWN, ())
    assert unknown.reason


@pytest.mark.parametrize("name", PATIENTS)
def test_patients_messages_are_well_formed_and_repeatable(name):
    for elapsed_s in (-5.0, 0.0, 37.0, 600.0, 700.0):
        features, stress = messages_of(name, elapsed_s, 600.0, 12.0)
        assert features.at_s == stress.at_s == 12.0
        assert stress.level is None or 0.0 <= stress.level <= 1.0
        assert 50.0 < features.ppg.hr_bpm < 100.0
        assert messages_of(name, elapsed_s, 600.0, 12.0) == (features, stress)


def test_patients_bands_follow_the_level():
    assert messages_of("calm", 1.0, 600.0, 0.0)[1].band is StressBand.LOW
    assert messages_of("tense", 1.0, 600.0, 0.0)[1].band is StressBand.HIGH
    assert set(HEARD) <= set(PATIENTS)
