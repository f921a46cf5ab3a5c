"""The headset's checks on a simulated Cyton, and on what its service says."""

from __future__ import annotations

import math

import pytest

from device.doctor.headset import check_headset
from device.doctor.heard import gather
from device.doctor.result import Outcome
from device.messages import EegBlock, Fault, Health, Severity

LONG_S = 3600.0


def test_headset_streams_at_its_rate(stage, found):
    results = found(check_headset(stage.scene()))
    assert results["headset.dongle"].outcome is Outcome.OK
    assert "firmware" in results["headset.dongle"].says
    stream = results["headset.stream"]
    assert (stream.outcome, stream.unit) == (Outcome.OK, "samples/s")
    assert stream.value == pytest.approx(250, abs=15)


@pytest.mark.parametrize(("kind", "words"), [
    ("cyton_unplugged", ""), ("cyton_silent", "its board does not answer"),
])
def test_headset_that_does_not_answer_needs_attention(stage, found, kind, words):
    stage.world.inject(kind, LONG_S)
    result = found(check_headset(stage.scene()))["headset.stream"]
    assert result.outcome is Outcome.ATTENTION
    assert words in result.says
    assert result.advice


def test_headset_that_loses_bytes_is_still_judged(stage, found):
    stage.world.inject("cyton_lost_bytes", LONG_S)
    assert found(check_headset(stage.scene()))["headset.stream"].value > 100


def test_headset_that_nobody_wears_is_no_fault(stage, found):
    stage.world.inject("lead_off", LONG_S)
    result = found(check_headset(stage.scene()))["headset.stream"]
    assert result.outcome is Outcome.OK
    assert "touch nobody" in result.says or "nobody wears it" in result.says


def test_headset_none_is_left_out(stage, found):
    stage.change("headset", port="none")
    assert found(check_headset(stage.scene()))["headset.dongle"].outcome is Outcome.SKIPPED


def test_headset_dongle_that_is_absent_has_failed_without_being_opened(stage, found):
    stage.change("headset", port="linux:/dev/tranquillo/headset")
    result = found(check_headset(stage.scene()))["headset.dongle"]
    assert (result.outcome, result.says) == (Outcome.FAILED, "the dongle is not plugged in")


def eeg(rows, lost=0, start_s=1.0):
    return EegBlock(at_s=start_s, start_s=start_s, rate_hz=250.0, microvolts=tuple(rows), lost_samples=lost)


@pytest.mark.parametrize(("value", "words"), [(1.0, "all electrodes"), (math.nan, "nobody wears it")])
def test_headset_of_a_running_service_is_judged_by_its_blocks(stage, found, value, words):
    stage.runs("headset")
    stage.heard = gather([eeg([(value,) * 8] * 250), eeg([(value,) * 8] * 250, start_s=2.0)], 2.5)
    stream = found(check_headset(stage.scene()))["headset.stream"]
    assert (stream.outcome, stream.value) == (Outcome.OK, 250)
    assert words in stream.says


def test_headset_of_a_starting_unit_is_not_opened(stage, found):
    stage.units = {"headset": {"ActiveState": "activating"}}
    assert "sends nothing" in found(check_headset(stage.scene()))["headset.stream"].says


def test_headset_lost_by_its_service_is_told_with_its_advice(stage, found):
    stage.runs("headset")
    fault = Fault(code="headset_lost", severity=Severity.INFO, advice="the board is off; slide its switch")
    health = Health(at_s=1.0, service="headset", uptime_s=5.0, late_steps=0, faults=(fault,))
    stage.heard = gather([health], 2.5)
    result = found(check_headset(stage.scene()))["headset.stream"]
    assert (result.outcome, result.says, result.advice) == (
        Outcome.ATTENTION, "the board is off", "slide its switch")


@pytest.mark.parametrize(("text", "outcome"), [("16\n", Outcome.ATTENTION), ("1\n", Outcome.OK)])
def test_headset_latency_timer_of_the_dongle(stage, found, text, outcome):
    stage.change("headset", port="linux:/dev/tranquillo/headset")
    tty = stage.file("/dev/ttyUSB0", "")
    link = stage.root / "dev/tranquillo/headset"
    link.parent.mkdir()
    link.symlink_to(tty)
    stage.file("/sys/bus/usb-serial/devices/ttyUSB0/latency_timer", text)
    stage.runs("headset")
    assert found(check_headset(stage.scene()))["headset.latency"].outcome is outcome
