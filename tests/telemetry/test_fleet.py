"""The heartbeat: who is up, what is wrong, and no physiology whatever the bus carries."""

from __future__ import annotations

import json
import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.messages import (
    Fault,
    Features,
    Health,
    PlayerState,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
)
from device.telemetry.certificate import Days
from device.telemetry.fleet import SILENT_S, STALE_S, Build, FleetView, build_here
from device.telemetry.records import NO_CONTACT, FleetState, seal
from device.vitals import EdaFeatures, EegFeatures, PpgFeatures, TemperatureFeatures

BUILD = Build(version="0.1.0", python="3.11.2", system="debian-12")
WALL_S = 1_780_000_030.0
CABLE = Fault(code="adc_lost", severity=Severity.ATTENTION,
              advice="the ADC at 0x48 does not answer; check the cable")


@pytest.fixture
def view():
    return FleetView("ward-3", ["tranq-pi", "broker.example"], BUILD)


def health(service, at_s, uptime_s=60.7, faults=(), late_steps=2) -> Health:
    return Health(at_s=at_s, service=service, uptime_s=uptime_s, late_steps=late_steps, faults=faults)


def features(at_s, x=0.123456789, **absent) -> Features:
    parts = {
        "eda": EdaFeatures(
            tonic_us=x, tonic_slope_us_per_min=x, scr_per_min=x, scr_amplitude_us=x, quality=x),
        "ppg": PpgFeatures(hr_bpm=x, rmssd_ms=x, sdnn_ms=x, pulse_amplitude_v=x, quality=x),
        "temperature": TemperatureFeatures(celsius=x, slope_c_per_min=x, quality=x),
        "eeg": EegFeatures(theta=x, alpha=x, beta=x, beta_alpha=x, theta_beta=x, good_channels=8, quality=x),
    }
    return Features(at_s=at_s, window_s=60.0, **(parts | absent))


def session(phase, at_s, seed=77_777_777) -> Session:
    return Session(at_s=at_s, phase=phase, seed=seed, elapsed_s=123.4, duration_s=1200.0, fade_s=12.0)


def state(view, now_s, wall_s=WALL_S) -> FleetState:
    return view.state(identifier="a" * 32, epoch="b" * 32, number=4, now_s=now_s, wall_s=wall_s,
                      uptime_s=99.9, days=Days(certificate=29, authority=None),
                      outbox_rows=3, outbox_dropped=1)


def test_fleet_state_of_a_playing_unit(view):
    view.observe(session(SessionPhase.RUNNING, 100.0))
    view.observe(features(100.0, eeg=None, temperature=None))
    view.observe(PlayerState(at_s=100.0, backend="alsa", sounding=True, gain_db=-20.0, loudness_lufs=-31.0,
                             position_s=1.0, phrase_id=1, audible=None, notes_played=5))
    view.observe(health("sensors", 100.0, faults=(CABLE,)))
    view.observe(health("player", 100.0))
    said = json.loads(seal(state(view, 101.0)).payload)
    assert said == {
        "id": "a" * 32, "v": 1, "unit": "ward-3", "epoch": "b" * 32, "number": 4, "at": "2026-05-28T20:27Z",
        "phase": "running", "program_minute": 2, "program_minutes": 20, "sounding": True,
        "contact": {"eda": True, "ppg": True, "temperature": False, "eeg": False},
        "services": [
            {"name": "player", "up": True, "uptime_s": 60, "restarts": 0, "late_steps": 2},
            {"name": "sensors", "up": True, "uptime_s": 60, "restarts": 0, "late_steps": 2}],
        "faults": [{"service": "sensors", "code": "adc_lost", "severity": "attention",
                    "advice": "the … at … does not answer; check the cable"}],
        "version": "0.1.0", "python": "3.11.2", "system": "debian-12", "uptime_s": 99,
        "machine_uptime_s": 101, "clock_set": True, "certificate_days": 29, "authority_days": None,
        "outbox_rows": 3, "outbox_dropped": 1}


@pytest.mark.parametrize(("phase", "said"), [
    (SessionPhase.RUNNING, "running"), (SessionPhase.ENDING, "running"), (SessionPhase.IDLE, "idle"),
    (SessionPhase.MUTED, "idle")])
def test_fleet_phase_is_one_of_two(view, phase, said):
    view.observe(session(phase, 100.0))
    assert state(view, 100.0).phase == said


@pytest.mark.parametrize(("elapsed_s", "duration_s", "minute", "minutes"), [
    (0.0, 1200.0, 0, 20), (59.9, 1200.0, 0, 20), (1199.0, 1190.0, 19, 20), (5.0, 12.0, 0, 1),
    (99_999.0, 99_999.0, 90, 90)])
def test_fleet_minute_of_the_program(view, elapsed_s, duration_s, minute, minutes):
    view.observe(Session(at_s=1.0, phase=SessionPhase.RUNNING, seed=1, elapsed_s=elapsed_s,
                         duration_s=duration_s, fade_s=12.0))
    said = state(view, 1.0)
    assert (said.program_minute, said.program_minutes) == (minute, minutes)
    seal(said)


def test_fleet_no_minute_while_nothing_plays(view):
    view.observe(session(SessionPhase.RUNNING, 1.0))
    view.observe(session(SessionPhase.IDLE, 2.0))
    assert (state(view, 2.0).program_minute, state(view, 2.0).program_minutes) == (None, None)


def test_fleet_faults_tell_what_began_and_what_ended(view):
    other = Fault(code="panel_lost", severity=Severity.INFO, advice="")
    view.observe(health("sensors", 1.0, faults=(CABLE,)))
    before = view.faults(1.0)
    view.observe(health("sensors", 2.0, faults=(other,)))
    said = json.loads(seal(view.fault_report(
        view.faults(2.0), before, identifier="a" * 32, epoch="b" * 32, number=5, wall_s=WALL_S)).payload)
    assert [one["code"] for one in said["faults"]] == ["panel_lost"]
    assert said["began"] == [{"service": "sensors", "code": "panel_lost"}]
    assert said["ended"] == [{"service": "sensors", "code": "adc_lost"}]


@pytest.mark.parametrize(("release", "system"), [
    ({"ID": "debian", "VERSION_ID": "12"}, "debian-12"),
    ({"ID": "ubuntu", "VERSION_ID": "24.04"}, "ubuntu-24"),
    ({"ID": "arch"}, None), ({"ID": "Anna's pi", "VERSION_ID": "12"}, None)])
def test_fleet_system_is_a_name_and_a_release_or_nothing(monkeypatch, release, system):
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    assert build_here("0.1.0").system == system


def test_fleet_system_may_be_untold(monkeypatch):
    def missing():
        raise FileNotFoundError
    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    found = build_here("0.1.0")
    assert (found.version, found.system) == ("0.1.0", None)
    assert found.python == platform.python_version()


def test_fleet_what_is_stale_counts_as_absent(view):
    view.observe(session(SessionPhase.RUNNING, 100.0))
    view.observe(features(100.0))
    view.observe(health("estimator", 100.0, faults=(CABLE,)))
    late = state(view, 100.0 + SILENT_S + 0.1)
    assert late.phase == "idle"
    assert late.contact == NO_CONTACT
    assert [(one.name, one.up) for one in late.services] == [("estimator", False)]
    assert late.faults == (), "a dead process's faults are not known to be present"
    assert state(view, 100.0 + STALE_S).phase == "running"


def test_fleet_restarts_are_counted(view):
    for at_s, uptime_s in ((1.0, 50.0), (2.0, 51.0), (4.0, 0.5), (5.0, 1.5), (9.0, 0.2)):
        view.observe(health("player", at_s, uptime_s=uptime_s))
    assert state(view, 9.0).services[0].restarts == 2


@pytest.mark.parametrize("strange", ["HR 93!", "anna-laptop", "hr_93", "ward-3", ""])
def test_fleet_a_strange_code_or_advice_neither_leaves_nor_stops_the_report(view, strange):
    odd = Fault(code=strange, severity=Severity.INFO, advice="7 " * 500 + "ward-3 at broker.example")
    view.observe(health("headset", 1.0, faults=(odd,)))
    (fault,) = json.loads(seal(state(view, 1.0)).payload)["faults"]
    assert fault["code"] == "other"
    assert "ward-3" not in fault["advice"]
    assert "broker" not in fault["advice"]


def test_fleet_before_the_clock_is_set_there_is_no_time(view):
    said = state(view, 1.0, wall_s=100.0)
    assert (said.at, said.clock_set) == (None, False)


READING = st.floats(min_value=10.01, max_value=9_999.99).map(lambda x: round(x, 5)).filter(
    lambda x: len(repr(x)) >= 6)


@given(READING, st.sampled_from(list(StressBand)), st.integers(10_000_000, 2**31 - 1), READING)
def test_fleet_no_reading_level_or_seed_can_get_into_it(reading, band, seed, level):
    view = FleetView("ward-3", [], BUILD)
    loud = Fault(
        code="no_contact", severity=Severity.INFO, advice=f"skin is at {reading} and stress at {level}")
    for message in (
        features(50.0, x=reading), session(SessionPhase.RUNNING, 50.0, seed),
        health("estimator", 50.0, faults=(loud,)),
        Stress(at_s=50.0, level=level, confidence=level, band=band, sources=("eda",), reason=f"HR {reading}"),
    ):
        view.observe(message)
    for letter in (seal(state(view, 50.0)), seal(view.fault_report(
            view.faults(50.0), (), identifier="a" * 32, epoch="b" * 32, number=5, wall_s=WALL_S))):
        text = letter.payload.decode()
        assert not any(secret in text for secret in (repr(reading), repr(level), str(seed)))
        for word in ('"low"', '"medium"', '"high"', '"stress"', "hr_bpm", "tonic", "rmssd"):
            assert word not in text
