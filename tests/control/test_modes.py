"""Closed hears the patient, open hears nothing, sham hears somebody else at the same moments."""

import pytest

from device.control.modes import ClosedEar, Heard, OpenEar, ShamEar
from device.control.policy import ControlPolicy
from device.control.sham import Moment, YokedCourse
from device.messages import Reason, StressBand

COURSE = YokedCourse((Moment(0.1), Moment(0.5, 0.7), Moment(0.9), Moment(None)), hr_bpm=66.0)


@pytest.fixture
def patient(stress, heart):
    return Heard(stress(100.0, 0.8), heart(100.0, 84.0))


def test_modes_closed_hears_the_patient_unchanged(patient):
    ear = ClosedEar()
    assert ear.hear(100.0, 1.0, patient) is patient
    assert (ear.following, ear.reason) == ("closed", None)


def test_modes_open_hears_nothing(patient):
    ear = OpenEar()
    assert ear.hear(100.0, 1.0, patient) == (None, None)
    assert ear.reason is None


@pytest.mark.parametrize(("elapsed_s", "level", "band", "reaction"), [
    (0.0, 0.1, StressBand.LOW, 0.0), (1.5, 0.5, StressBand.MEDIUM, 0.7), (2.0, 0.9, StressBand.HIGH, 0.0),
    (3.0, None, StressBand.UNKNOWN, 0.0), (99.0, None, StressBand.UNKNOWN, 0.0),
])
def test_modes_sham_hears_the_course_instead_of_the_patient(patient, elapsed_s, level, band, reaction):
    ear = ShamEar(COURSE)
    for present in (patient, Heard(None, None)):
        heard = ear.hear(100.0, elapsed_s, present)
        assert (heard.stress.level, heard.stress.band, heard.stress.reaction) == (level, band, reaction)
        assert heard.stress.at_s == 100.0
        assert heard.features.ppg.hr_bpm == 66.0
    assert (ear.following, ear.reason) == ("sham", Reason.SHAM)


def test_modes_sham_is_followed_by_the_policy_like_a_patient(patient):
    course = YokedCourse(tuple(Moment(0.95) for _ in range(200)), hr_bpm=66.0)
    ear, policy = ShamEar(course), ControlPolicy()
    for second in range(120):
        heard = ear.hear(1000.0 + second, float(second), patient)
        decision = policy.update(1000.0 + second, float(second), 1200.0, heard.stress, heard.features)
    assert decision.loop == "closed"
    assert policy.state().entry_bpm == 66.0
    assert policy.state().level > 0.85
